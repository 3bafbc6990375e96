"""A deploy that is killed at any point, on either side, leaves the board with the file it had, and the next one succeeds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from boards import Board, here, make_model
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


@pytest.fixture(scope="module")
def old(sshd: Board, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of what runs on the board. No test here that kills changes it, so that all may begin with it."""
    shutil.rmtree(sshd.home, ignore_errors=True)
    model = make_model(tmp_path_factory.mktemp("old"), 1)
    deploy(ModelFile.open(model), Target(sshd.url), Options("digits", runtime=here()))
    return sha256(model.read_bytes())


@pytest.mark.parametrize("step", STEPS)
def test_a_workstation_that_is_killed_leaves_the_old_file(sshd: Board, models: Models, old: str, step: str) -> None:
    done = subprocess.run([sys.executable, "-c", _DEPLOY, models(2), sshd.url, here(), step], check=False)

    assert done.returncode == -signal.SIGKILL
    assert sshd.current() == old


@pytest.mark.parametrize("step", STEPS)
def test_a_board_whose_end_is_killed_keeps_the_old_file(sshd: Board, models: Models, old: str, step: str) -> None:
    def kill(what: str) -> None:
        if what == step:
            (agent,) = _agents(sshd)
            os.kill(agent, signal.SIGKILL)

    with pytest.raises(DeviceError, match=r"the connection was lost.*the board goes on with what it ran"):
        deploy(ModelFile.open(models(2)), Target(sshd.url), Options("digits", runtime=here()), kill)

    assert sshd.current() == old


def test_these_were_all_steps_and_the_next_deploy_succeeds(sshd: Board, models: Models, old: str) -> None:
    steps: list[str] = []

    deploy(ModelFile.open(models(2)), Target(sshd.url), Options("digits", runtime=here()), steps.append)

    assert steps == [f"connect to {sshd.url}", *STEPS, "remove what is older"]
    assert sshd.current() != old


def test_once_it_has_switched_the_new_file_runs_though_nothing_was_tidied(sshd: Board, models: Models) -> None:
    new = models(3)

    subprocess.run([sys.executable, "-c", _DEPLOY, new, sshd.url, here(), "remove what is older"], check=False)

    assert sshd.current() == sha256(new.read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("tenth", range(2, 30, 3))
def test_killed_at_any_time_the_board_has_one_whole_file(run: Run, board: Board, models: Models, tenth: int) -> None:
    """Not at a step, but after so many tenths of a second."""
    first, new = models(1), models(2)
    deploy(ModelFile.open(first), Target(board.url), Options("digits", runtime=here()))

    process = subprocess.Popen([sys.executable, "-c", _DEPLOY, new, board.url, here(), ""])
    try:
        process.wait(tenth / 10)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()

    assert board.current() in (sha256(first.read_bytes()), sha256(new.read_bytes()))
    (entry,) = run("devices", "status", board.url, "--json").json()["models"]  # type: ignore[index]
    assert entry["whole"]


def _agents(board: Board) -> list[int]:
    """Our end of the sessions that this board's sshd has now."""
    processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    ours = [int(entry.name) for entry in processes if b"module.serve()" in _read(entry / "cmdline")]
    return [pid for pid in ours if _below(pid, board.server.pid)]


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
