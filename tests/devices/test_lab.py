"""A board that is not x86: Debian 12 for arm64, whose programs qemu runs, reached by ssh. Answers count here, times do not.

make lab && make test-lab        root, minutes

$EDGESHIP_LAB_MODEL and $EDGESHIP_LAB_PICTURES name what is classified on both sides; else it is what the benchmarks use.
"""

from __future__ import annotations

import functools
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import boards
from environments import build_wheel
from making import Run

ROOT = Path(os.environ.get("EDGESHIP_LAB", "/var/tmp/edgeship-lab")) / "arm64"  # noqa: S108 - where build.sh puts it
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("EDGESHIP_DATA", REPOSITORY.parent / "shared" / "data"))
MODEL = Path(os.environ.get("EDGESHIP_LAB_MODEL", REPOSITORY / "build/bench/clothes.int8.tflite")).resolve()
PICTURES = Path(os.environ.get("EDGESHIP_LAB_PICTURES", DATA / "clothing" / "test")).resolve()
AGREES = 0.97  # of answers: kernels for another processor round otherwise


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[boards.Board]:
    """sshd in the chroot. /sys is not there: LiteRT under qemu 7.2 dies of what it reads in it."""
    if not (ROOT / "usr/sbin/sshd").exists():
        pytest.skip(f"no lab in {ROOT}: make lab")
    folder = tmp_path_factory.mktemp("lab") / "sshd"
    mounts = [f"mount -t proc proc {ROOT}/proc", f"mount -t tmpfs tmpfs {ROOT}/run", f"mkdir {ROOT}/run/sshd"]
    for place in (folder, *([PICTURES] if PICTURES.is_dir() else [])):
        mounts += [f"mkdir -p {ROOT}{place}", f"mount --bind {place} {ROOT}{place}"]
    script = f'{" && ".join(mounts)} && exec chroot {ROOT} "$@"'
    with boards.board(folder, within=("unshare", "-m", "sh", "-c", script, "sh")) as board:
        yield board


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    wheel = build_wheel(folder)
    platforms = [argument for name in PLATFORMS for argument in ("--platform", name)]
    command = [
        "/usr/bin/python3",
        "-m",
        "pip",
        "download",
        "--quiet",
        "--only-binary=:all:",
        "--python-version",
        "3.11",
    ]
    done = subprocess.run([*command, *platforms, "--dest", folder, wheel], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"wheels cannot be downloaded here: {done.stderr.strip().splitlines()[-1]}")
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Callable[..., Path]:
    return functools.partial(boards.make_model, tmp_path)


def test_a_file_is_deployed_verified_and_rolled_back_on_arm64(
    run: Run, lab: boards.Board, wheels: Path, models: Callable[..., Path]
) -> None:
    first = run("deploy", models(1), lab.url, "--wheels", wheels, "--json")
    second = run("deploy", models(2), lab.url, "--wheels", wheels)
    back = run("rollback", lab.url, "--name", "digits")

    assert first.code == 0, first.err
    answer = first.json()
    assert isinstance(answer, dict)
    assert answer["device"] == "linux-aarch64"
    assert answer["engine"].startswith("litert ")
    assert (second.code, back.code) == (0, 0)


def test_the_doctor_finds_a_machine_that_runs_edgeship(lab: boards.Board) -> None:
    found = json.loads(_there(lab, "digits", "devices", "doctor", "--json"))

    assert found["runs"], found
    assert "engine-litert" in {finding["code"] for finding in found["findings"] if finding["level"] == "ok"}


def test_a_classifier_answers_there_as_here(run: Run, lab: boards.Board, wheels: Path) -> None:
    """The answers are what emulation can tell; a file that is not here must not pass for one that agrees."""
    for what, path in {"EDGESHIP_LAB_MODEL": MODEL, "EDGESHIP_LAB_PICTURES": PICTURES}.items():
        if not path.exists():
            pytest.skip(f"NOT CHECKED whether arm64 gives the same answers: no {path}; name another one: {what}=…")
    assert run("deploy", MODEL, lab.url, "--wheels", wheels, "--name", "given").code == 0

    current = f"{lab.home}/models/given/current/model"
    there = _there(lab, "given", "run", current, str(PICTURES), "--json")
    here = run("run", MODEL, PICTURES, "--json").lines()

    theirs = {answer["source"]: answer["label"] for answer in map(json.loads, there.splitlines())}
    same = [theirs[answer["source"]] == answer["label"] for answer in here]  # type: ignore[index]
    sys.stderr.write(f"{sum(same)} of {len(same)} answers are the same\n")
    assert len(same) == len(theirs) > 0
    assert sum(same) / len(same) >= AGREES


def _there(lab: boards.Board, name: str, *arguments: str) -> str:
    """What the board's own edgeship prints."""
    edgeship = f"{lab.home}/models/{name}/current/environment/bin/edgeship"
    done = subprocess.run(
        ["ssh", lab.url, shlex.join([edgeship, *arguments])], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return done.stdout
