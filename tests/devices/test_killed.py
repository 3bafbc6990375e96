"""A deploy that is killed at any point, on either side, leaves the board with the file it had, and the next one succeeds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from boards import Board, here, make_model
from edgeship_devices.deploying import Options, deploy
from edgeship_devices.session import Target, connect
from edgeship_runtime.errors import DeviceError
from edgeship_runtime.files import sha256
from edgeship_runtime.model_file import ModelFile

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


# Python tells an audit hook of whatever is about to change something (docs.python.org/3/library/audit_events.html): this one, in the
# board's end, ends it there as `kill -9` would, at the change of a number, and writes down which it was.
_HOOK = """
import os, signal, sys
count, last, log = 0, int(os.environ.pop("KILL_AT")), os.environ.pop("KILL_LOG")
os.environ.pop("PYTHONPATH")  # not for the agent's children
CHANGES = {"os.rename", "os.symlink", "os.remove", "os.mkdir", "os.utime", "shutil.rmtree", "subprocess.Popen"}
def hook(event, arguments):
    global count
    if event in CHANGES or event == "open" and isinstance(arguments[1], str) and "w" in arguments[1]:
        count += 1
        if count == last:
            name = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.write(name, f"{event} {arguments[0]}\\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
"""


def _dying(folder: Path, change: int) -> str:
    """A Python on the board that is killed when it is about to change something for the CHANGE-th time."""
    (folder / "sitecustomize.py").write_text(_HOOK)
    path = folder / f"python-{change}"
    path.write_text(
        f'#!/bin/sh\nKILL_AT={change} KILL_LOG={folder}/log PYTHONPATH={folder} exec {sys.executable} "$@"\n'
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.slow
def test_killed_before_any_change_the_board_has_one_whole_file_and_the_next_deploy_succeeds(
    sshd: Board, models: Models, tmp_path: Path
) -> None:
    shutil.rmtree(sshd.home, ignore_errors=True)
    options = Options("digits", runtime=here(), keep=0)  # so that something is removed after the switch
    old, new = models(1), models(2)
    digests = sha256(old.read_bytes()), sha256(new.read_bytes())
    deploy(ModelFile.open(old), Target(sshd.url), options)

    seen = []
    for change in range(1, 200):
        try:
            deploy(ModelFile.open(new), Target(sshd.url, _dying(tmp_path, change)), options)
        except DeviceError as error:
            assert "the connection was lost" in str(error)
        else:
            break
        seen.append(sshd.current())
        with connect(Target(sshd.url)) as board:
            (entry,) = board.ask("status")
            board.lock()  # what is tidied up by that would be changes of the next one, and move their numbers
        assert entry["whole"]
        if seen[-1] == digests[1]:  # it had switched
            deploy(ModelFile.open(old), Target(sshd.url), options)

    assert sshd.current() == digests[1], "the last one came to its end"
    assert set(seen) == set(digests), "some were killed before the switch, some after"
    changes = (tmp_path / "log").read_text()
    assert len(seen) == len(changes.splitlines()) > 20
    assert f"os.rename {sshd.home}/models/digits/.current." in changes


@pytest.fixture
def lasting(tmp_path: Path) -> Path:
    """The prefix of an environment whose Python writes down its process, and never ends."""
    python = tmp_path / "lasting" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/part && mv {tmp_path}/part {tmp_path}/pid\nsleep 600 & wait\n")
    python.chmod(0o755)
    return python.parents[1]


_WORK = """
import sys
from edgeship_devices.session import Target, connect

url, prefix = sys.argv[1:]
with connect(Target(url)) as board:
    board.lock()
    board.ask("work", prefix=prefix, module="x", folder="store", stdin="")
"""


def test_work_ends_with_the_connection_and_the_lock_with_it(board: Board, lasting: Path, tmp_path: Path) -> None:
    workstation = subprocess.Popen([sys.executable, "-c", _WORK, board.url, lasting])
    child = _number(tmp_path / "pid")

    workstation.kill()
    workstation.wait()

    _until(lambda: not Path(f"/proc/{child}").exists())
    _until(lambda: _is_free(board))


def test_while_what_a_killed_agent_began_goes_on_nobody_else_deploys(
    board: Board, lasting: Path, tmp_path: Path
) -> None:
    with subprocess.Popen([sys.executable, "-c", _WORK, board.url, lasting], stderr=subprocess.PIPE) as workstation:
        child = _number(tmp_path / "pid")
        (agent,) = _agents(board)
        os.kill(agent, signal.SIGKILL)
        workstation.communicate()

    assert not _is_free(board)
    os.killpg(child, signal.SIGKILL)
    _until(lambda: _is_free(board))


def _is_free(board: Board) -> bool:
    with connect(Target(board.url)) as there:
        try:
            there.lock()
        except DeviceError:
            return False
    return True


def _number(path: Path) -> int:
    _until(path.exists)
    return int(path.read_text())


def _until(true: Callable[[], bool]) -> None:
    for _ in range(300):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("it never came to that")


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
