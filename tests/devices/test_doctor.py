"""`edgeship devices doctor`: each thing that is wrong is found, with a command that mends it; exit 1 when edgeship cannot run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeship_devices.examining import hardware, software
from edgeship_devices.examining.doctor import Diagnosis
from edgeship_devices.examining.finding import Finding
from environments import build_environment, build_wheel
from environments import run as command
from making import Run

MEMINFO = "MemTotal:        524288 kB\nMemFree: 1 kB\nMemAvailable:     {available} kB\n"


def test_here_every_engine_runs_its_model(run: Run) -> None:
    done = run("devices", "doctor", "--json")

    assert done.code == 0
    answer = done.json()
    assert isinstance(answer, dict)
    assert answer["runs"]
    levels = {finding["code"]: finding["level"] for finding in answer["findings"]}
    assert levels["engine-litert"] == levels["engine-onnxruntime"] == levels["python"] == "ok"
    assert levels["engine-openvino"] == "ok"


def test_a_hot_board_and_one_short_of_voltage_are_told(tmp_path: Path) -> None:
    zone = tmp_path / "sys/class/thermal/thermal_zone0/temp"
    flags = tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled"
    for path, text in {zone: "84250\n", flags: "50005\n"}.items():
        path.parent.mkdir(parents=True)
        path.write_text(text)

    hot, now, since = hardware.heat(tmp_path)

    assert hot.message.startswith("84 °C: boards slow down from 80 °C")
    assert now.message.startswith("the processor is under-voltage and throttled; use the supply")
    assert since.message.startswith("the processor was since it started under-voltage and throttled")


def test_little_memory_is_told(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text(MEMINFO.format(available=40960))

    (low,) = hardware.memory(tmp_path)

    assert (low.level, low.message) == ("warning", "40 of 512 MiB of memory are available")


def test_a_clock_that_begins_in_the_past_is_told() -> None:
    (wrong,) = hardware.clock(0.0)

    assert "1970-01-01" in wrong.message
    assert wrong.cure == "sudo timedatectl set-ntp true"


def test_a_raspberry_pi_without_picamera2_is_told_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_text("Raspberry Pi 4 Model B Rev 1.4\0")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/video0").touch()

    video, ribbon = hardware.cameras(tmp_path)

    assert video.code == "camera"
    assert ribbon.cure == "sudo apt install python3-picamera2"


def test_the_codecs_of_a_raspberry_pi_are_no_camera(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    for node, name in {"video10": "bcm2835-codec-decode", "video13": "bcm2835-isp-output0"}.items():
        (tmp_path / "dev" / node).touch()
        (tmp_path / "sys/class/video4linux" / node).mkdir(parents=True)
        (tmp_path / "sys/class/video4linux" / node / "name").write_text(f"{name}\n")

    (video,) = hardware.cameras(tmp_path)

    assert video.code == "camera-none"


def test_an_engine_that_is_no_engine_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is what is moved: no engine is that quick."""
    monkeypatch.setattr(software, "_LIMIT_S", 0.01)

    *each, none = software.engines()

    assert {finding.code for finding in each} == {"engine-hangs"}
    assert none.code == "engine-none-runs"
    assert all("install" in finding.cure for finding in (*each, none))


def test_an_error_means_that_edgeship_does_not_run() -> None:
    warned = Diagnosis("a board", (Finding("warning", "hot", "hot"),))
    broken = Diagnosis("a board", (Finding("error", "engine-missing", "no engine"),))

    assert (warned.runs, broken.runs) == (True, False)


@pytest.mark.environments
def test_numpy_2_beside_tflite_runtime_is_found_with_its_cure_and_the_cure_cures(tmp_path: Path) -> None:
    requirements = ("numpy>=2", "pillow", "tqdm")
    python = build_environment(
        tmp_path / "environment", *requirements, alone=("tflite-runtime==2.14.0", build_wheel(tmp_path / "wheel"))
    )

    broken = command(python.with_name("edgeship"), "devices", "doctor", "--json", cwd=tmp_path)
    found = {finding["code"]: finding for finding in json.loads(broken.stdout)["findings"]}
    build_environment(
        tmp_path / "cured",
        "numpy<2",
        *requirements[1:],
        alone=("tflite-runtime==2.14.0", *(tmp_path / "wheel").glob("*.whl")),
    )
    cured = command(tmp_path / "cured/bin/edgeship", "devices", "doctor", "--json", cwd=tmp_path)

    assert broken.returncode == 1
    assert found["numpy-2-tflite-runtime"]["level"] == "error"
    assert found["numpy-2-tflite-runtime"]["cure"] == f"uv pip install --python {python} 'numpy<2'"
    assert found["engine-none-runs"]["level"] == "error"
    assert cured.returncode == 0, cured.stdout
