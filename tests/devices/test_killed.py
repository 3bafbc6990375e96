"""A deploy that is killed at any point, on either side, leaves the board with the file it had, and the next one succeeds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from boards import Board, here
from edgeship_devices.deploying import Options, deploy
from edgeship_devices.session import Target
from edgeship_runtime.errors import DeviceError
from edgeship_runtime.files import sha256
from edgeship_runtime.model_file import ModelFile
from making import Run

Models = Callable[..., Path]

# Ends itself as `kill -9` would, when a given step begins.
_DEPLOY = """
import os, signal, sys
from pathlib import Path
from edgeship_devices.deploying import Options, deploy
from edgeship_devices.session import Target
from edgeship_runtime.model_file import ModelFile

model, url, python, last = sys.argv[1:]
def step(what):
    if what == last:
        os.kill(os.getpid(), signal.SIGKILL)
deploy(ModelFile.open(model), Target(url), Options("digits", runtime=python), step)
"""
STEPS = (
    "lock the board",
    "copy digits.tflite",
    "verify on the board",
    "switch",
)  # once it has switched, the new file runs; what is left is to remove old slots


@pytest.fixture
def old(run: Run, board: Board, models: Models) -> str:
    """The digest of what runs on the board."""
    model = models(1)
    assert run("deploy", model, board.url, "--runtime", here()).code == 0
    return sha256(model.read_bytes())


def test_these_are_the_steps(board: Board, models: Models, old: str) -> None:
    steps: list[str] = []

    deploy(ModelFile.open(models(2)), Target(board.url), Options("digits", runtime=here()), steps.append)

    assert steps == [f"connect to {board.url}", *STEPS, "remove what is older"]


@pytest.mark.parametrize("step", STEPS)
def test_a_workstation_that_is_killed_leaves_the_old_file(
    run: Run, board: Board, models: Models, old: str, step: str
) -> None:
    new = models(2)

    done = subprocess.run([sys.executable, "-c", _DEPLOY, new, board.url, here(), step], check=False)

    assert done.returncode == -signal.SIGKILL
    assert board.current() == old
    assert run("deploy", new, board.url, "--runtime", here()).code == 0
    assert board.current() == sha256(new.read_bytes())


@pytest.mark.parametrize("step", STEPS)
def test_a_board_whose_end_is_killed_keeps_the_old_file(
    run: Run, board: Board, models: Models, old: str, step: str
) -> None:
    new = models(2)

    def kill(what: str) -> None:
        if what == step:
            (agent,) = _agents(board)
            os.kill(agent, signal.SIGKILL)

    with pytest.raises(DeviceError, match="the connection was lost.*the board goes on with what it ran"):
        deploy(ModelFile.open(new), Target(board.url), Options("digits", runtime=here()), kill)

    assert board.current() == old
    assert run("deploy", new, board.url, "--runtime", here()).code == 0


def test_after_the_switch_the_new_file_runs_though_nothing_was_tidied(board: Board, models: Models, old: str) -> None:
    new = models(2)

    subprocess.run([sys.executable, "-c", _DEPLOY, new, board.url, here(), "remove what is older"], check=False)

    assert board.current() == sha256(new.read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("tenth", range(1, 30))
def test_killed_at_any_time_the_board_has_one_whole_file(
    run: Run, board: Board, models: Models, old: str, tenth: int
) -> None:
    """Not at a step, but after so many tenths of a second."""
    new = models(2)

    process = subprocess.Popen([sys.executable, "-c", _DEPLOY, new, board.url, here(), ""])
    try:
        process.wait(tenth / 10)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()

    assert board.current() in (old, sha256(new.read_bytes()))
    (entry,) = run("devices", "status", board.url, "--json").json()["models"]  # type: ignore[index]
    assert entry["whole"]


def _agents(board: Board) -> list[int]:
    """The agents that this board's sshd runs now: its children's children."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and b"module.serve()" in _read(entry / "cmdline").split(b"-c", 1)[-1]:
            if not _read(entry / "cmdline").startswith((b"ssh", b"/bin/sh", b"/usr/bin/ssh")) and _below(
                int(entry.name), board.server.pid
            ):
                found.append(int(entry.name))
    return found


def _below(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        fields = _read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
        pid = int(fields[1]) if fields else 0
    return False


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
