"""`edgeship devices list|show`: every board that is known, with its sources, and the reason where one is not supported."""

from pathlib import Path

import pytest

from edgeship_devices.catalog import Unsupported, board, boards
from edgeship_devices.device import PROFILES, Device
from edgeship_devices.microcontroller import Microcontroller
from edgeship_runtime.manifest import EngineNeed, Requirements
from making import Run

PROFILE = 'title = "Mine"\nprocessor = "arm64"\npython = "3.12"\n[engines]\nlitert = "2.3.0"\n'


def test_list_names_every_board_and_says_why_one_is_not_supported(run: Run) -> None:
    done = run("devices", "list")

    assert done.code == 0
    for known in boards():
        assert f"{known.name}: " in done.out or f"{known.name} " in done.out
    supported, unsupported = done.out.split("not supported:")
    assert "jetson-nano" in unsupported
    assert "Python 3.6" in unsupported
    assert "raspberry-pi-4-trixie" in supported


def test_list_as_json_tells_supported_boards_apart(run: Run) -> None:
    devices = run("devices", "list", "--json").json()["devices"]  # type: ignore[index]

    supported = {device["name"]: device["supported"] for device in devices}
    assert supported["raspberry-pi-zero-2-w"]
    assert not supported["coral-dev-board"]


@pytest.mark.parametrize("path", sorted(PROFILES.rglob("*.toml")), ids=lambda path: path.stem)
def test_every_figure_of_a_profile_has_a_source_beside_it(path: Path) -> None:
    text = path.read_text()
    known = board(path.stem)

    assert known.name == path.stem
    if isinstance(known, Unsupported):
        assert "/" in known.source
    elif not path.stem.startswith("linux-"):
        figures = [line for line in text.splitlines() if " = " in line and not line.startswith("title")]
        assert figures
        for line in figures:
            assert "#" in line or f"# {line.partition(' ')[0]}" in text or "# The system's Python" in text, line


def test_a_shown_profile_is_a_start_for_ones_own(run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(run("devices", "show", "raspberry-pi-4").out)

    shown = run("devices", "show", mine, "--json").json()

    assert shown["name"] == "mine"  # type: ignore[index]
    assert Device.load(mine).engines == Device.load("raspberry-pi-4").engines


def test_a_name_that_is_none_lists_the_known(run: Run) -> None:
    assert "no device 'toaster'; known: arduino" in run("devices", "show", "toaster").one_line_error()


def test_a_profile_with_an_unknown_field_names_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f"colour = 3\n{PROFILE}")

    assert (
        "unknown field 'colour'; known: name, title" in run("devices", "show", tmp_path / "mine.toml").one_line_error()
    )


def test_a_microcontroller_refuses_what_cannot_fit() -> None:
    nano = board("arduino-nano-33-ble-sense")
    assert isinstance(nano, Microcontroller)
    engines = {"litert": EngineNeed("1.0.1", "CONV_2D 3")}

    fits = nano.refuses(Requirements(engines=engines, memory_bytes=150_000), 100_000)
    (flash,) = nano.refuses(Requirements(engines=engines, memory_bytes=3_900_000), 3_900_000)
    (ram,) = nano.refuses(Requirements(engines=engines, memory_bytes=500_000), 100_000)
    (onnx,) = nano.refuses(Requirements(engines={"onnxruntime": EngineNeed("1.10.0", "opset 15")}), 100)

    assert fits == ()
    assert "1,048,576 bytes of flash" in flash.has
    assert ram.needed == "activations take at least 400,000 bytes"
    assert onnx.flags == ("--format tflite",)
