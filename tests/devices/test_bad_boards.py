"""What can be wrong with a board or the way to it is said in one line, with what to do; the board is left as it was."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import boards
from boards import Board, here, old_python
from edgeship_devices import session
from edgeship_devices.detecting import could_be, detect
from edgeship_devices.device import Device
from edgeship_devices.session import Target, connect
from edgeship_devices.wheels import how_to_get, plan
from edgeship_runtime.errors import DeviceError
from making import Run

Models = Callable[..., Path]
PI = {
    "machine": "aarch64",
    "bits": 64,
    "model": "Raspberry Pi 4 Model B Rev 1.4",
    "os": {"id": "debian", "version_id": "12"},
    "python": "3.11.2",
    "cpu_flags": ["asimd"],
    "memory_bytes": 2**31,
}


@contextmanager
def replaced(path: Path, text: str) -> Iterator[None]:
    before = path.read_text()
    path.write_text(text)
    try:
        yield
    finally:
        path.write_text(before)


def test_an_unknown_host_key(run: Run, board: Board, models: Models) -> None:
    port = board.url.rpartition(":")[2]
    with replaced(board.folder / "known_hosts", ""):
        error = run("deploy", models(1), board.url).one_line_error()

    assert error.endswith(f"its host key is unknown; look at it and accept it once: ssh -p {port} 127.0.0.1")


def test_a_changed_host_key(run: Run, board: Board, models: Models) -> None:
    known = (board.folder / "known_hosts").read_text().split()[0]
    other = (board.folder / "user.pub").read_text()
    with replaced(board.folder / "known_hosts", f"{known} {other}"):
        error = run("deploy", models(1), board.url).one_line_error()

    assert "another machine answers, or it was installed anew" in error
    assert f"ssh-keygen -R '{known}'" in error


def test_a_key_that_is_not_accepted(run: Run, board: Board, models: Models) -> None:
    config = board.folder / "ssh_config"
    with replaced(config, config.read_text().replace("/user\n", "/host\n")):
        error = run("deploy", models(1), board.url).one_line_error()

    assert "it does not accept your key; give it yours once: ssh-copy-id -p " in error


def test_nothing_listens(run: Run, board: Board, models: Models) -> None:
    assert "nothing listens there" in run("deploy", models(1), "ssh://127.0.0.1:1").one_line_error()


def test_no_route(run: Run, board: Board, models: Models) -> None:
    """From a network namespace that has none."""
    if os.geteuid() or subprocess.run(["unshare", "-n", "true"], check=False).returncode:
        pytest.skip("only root can be without a network")
    ssh = board.folder / "bin" / "ssh"
    with replaced(ssh, ssh.read_text().replace("exec ", "exec unshare -n ")):
        error = run("deploy", models(1), "ssh://192.0.2.1").one_line_error()

    assert error.endswith("no route to it; is it on, and in this network?")


def test_no_such_host(run: Run, board: Board, models: Models) -> None:
    assert "no such host" in run("deploy", models(1), "ssh://no-such-board.invalid").one_line_error()


@pytest.mark.parametrize(
    "url", ["pi@board", "ssh://", "http://board", "ssh://-oProxyCommand=x", "ssh://pi:secret@board", "ssh://b/x"]
)
def test_what_is_no_address(run: Run, models: Models, url: str) -> None:
    done = run("deploy", models(1), url)

    assert done.code == 2
    assert done.err.endswith("is no board; wanted ssh://[USER@]HOST[:PORT]\n")


def test_no_ssh_here(run: Run, models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert "there is no ssh on this machine" in run("deploy", models(1), "ssh://127.0.0.1").one_line_error()


def test_no_python_there(run: Run, board: Board, models: Models) -> None:
    error = run("deploy", models(1), board.url, "--python", "python9").one_line_error()

    assert error.endswith("there is no python9; install it there: sudo apt install python3 python3-venv")


def test_a_python_that_is_too_old_even_to_be_asked(run: Run, board: Board, models: Models) -> None:
    error = run("deploy", models(1), board.url, "--python", old_python("3.6")).one_line_error()

    assert " there is 3.6, too old; edgeship needs 3.11" in error


@pytest.mark.parametrize("version", ["3.7", "3.9", "3.10"])
def test_a_python_that_is_too_old_is_asked_and_told(run: Run, board: Board, models: Models, version: str) -> None:
    error = run("deploy", models(1), board.url, "--python", old_python(version)).one_line_error()

    assert error.endswith(f"has {version}; name a newer one that is there: --python python3.11")


@pytest.mark.parametrize("version", ["3.7", "3.13"])
def test_the_boards_end_is_the_language_of_its_python(board: Board, models: Models, version: str) -> None:
    """Of the oldest one that it is written for, with an environment of a newer one."""
    with connect(Target(board.url, old_python(version))) as there:
        there.lock()
        there.put("staging/model", models(1).read_bytes())
        prefix = there.ask("environment", given=here())["prefix"]
        there.ask("store", name="digits", slot="a", prefix=prefix)
        assert there.ask("verify", name="digits", slot="a", file="digits.tflite")["passed"]
        assert there.ask("switch", name="digits", slot="a") == {"generation": 1, "service": None}
        there.ask("collect", name="digits", keep=1)
        assert there.ask("status")[0]["whole"]


def test_a_name_that_no_board_takes_is_refused_before_anything_is_asked(run: Run, models: Models) -> None:
    done = run("deploy", models(1), "ssh://no-such-board.invalid", "--name", "my model")

    assert done.code == 2
    assert "'my model' is no name for a board to know it by" in done.err


def test_a_login_script_that_leaves_its_line_open_does_not_hide_the_board(board: Board) -> None:
    talkative = _python(board.folder, 'printf "Welcome back! "; exec /usr/bin/env python3 "$@"')

    with connect(Target(board.url, talkative), ask=False) as there:
        assert there.facts["home"] == str(board.home)


def test_a_login_script_that_waits_is_not_waited_for(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(session._GREETING_S, False, 3)  # noqa: FBT003 - the key

    with (
        pytest.raises(DeviceError, match="it lets ssh in and says nothing for 3 s"),
        connect(Target(board.url, _python(board.folder, "exec sleep 600")), ask=False),
    ):
        pass


def test_a_persons_own_patience_counts(board: Board) -> None:
    config = board.folder / "ssh_config"

    assert session._patience(Target(board.url)) == ["-o", "ConnectTimeout=15"]
    with replaced(config, config.read_text() + "ConnectTimeout 40\n"):
        assert session._patience(Target(board.url)) == []


def test_files_of_the_user_that_are_named_like_modules_are_not_imported(run: Run, board: Board, models: Models) -> None:
    """A session begins in the user's home folder."""
    home = board.folder / "home"
    home.mkdir(exist_ok=True)
    for name in ("json", "types", "numpy", "edgeship_runtime"):
        (home / f"{name}.py").write_text("raise SystemExit('a module of the user was imported')\n")
    python = _python(board.folder, f'cd {home}; exec {sys.executable} "$@"')

    done = run("deploy", models(1), board.url, "--runtime", here(), "--python", python)

    assert done.code == 0, done.err


def test_what_nobody_thought_of_is_told_and_the_session_goes_on(board: Board) -> None:
    with connect(Target(board.url)) as there:
        with pytest.raises(DeviceError, match="KeyError: 'no such verb'"):
            there.ask("no such verb")
        assert there.ask("status") == []


def _python(folder: Path, script: str) -> str:
    """A program on the board that is taken for its Python."""
    path = folder / "python-of-a-test"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_what_is_no_model(run: Run, board: Board, tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(b"nothing")

    assert "is no model file" in run("deploy", tmp_path / "x.tflite", board.url).one_line_error()


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({}, "raspberry-pi-4"),
        ({"os": {"id": "debian", "version_id": "13"}, "python": "3.13.5"}, "raspberry-pi-4-trixie"),
        ({"bits": 32}, "raspberry-pi-32bit"),
        ({"machine": "armv7l", "bits": 32, "model": "Raspberry Pi 2"}, "raspberry-pi-32bit"),
        ({"machine": "armv8l", "bits": 32}, "raspberry-pi-32bit"),
        ({"model": "Raspberry Pi Zero 2 W Rev 1.0"}, "raspberry-pi-zero-2-w"),
        ({"model": None}, "linux-aarch64"),
        ({"model": "NVIDIA Jetson Orin Nano Developer Kit"}, "jetson-orin-nano"),
        ({"model": None, "machine": "x86_64"}, "linux-x86-64"),
    ],
)
def test_a_board_is_recognized(facts: dict[str, object], name: str) -> None:
    device = detect({**PI, **facts})

    assert device.name == name
    assert device.memory_bytes == 2**31


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"machine": "armv6l", "bits": 32}, "ARMv6"),
        ({"bits": 32, "os": {"id": "raspbian", "version_id": "13"}}, "ends at Python 3.11"),
        ({"model": "NVIDIA Jetson Nano Developer Kit"}, "Python 3.6"),
        ({"model": None, "machine": "riscv64"}, "no engine has a wheel for riscv64"),
    ],
)
def test_a_board_that_is_not_supported_is_told_why(facts: dict[str, object], reason: str) -> None:
    with pytest.raises(DeviceError, match=reason):
        detect({**PI, **facts})


def test_a_clock_that_is_far_off_is_refused_where_the_registry_would_be_asked(
    run: Run, board: Board, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is this machine's clock that is moved; what counts is the difference."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 40 * 86400)

    error = run("deploy", models(1), board.url).one_line_error()

    assert "its clock is 40 days behind" in error
    assert not (board.home / "environments").exists()


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Board]:
    """A board whose disk is a file system of its own; in a mount namespace, so that it is gone with sshd."""
    if os.geteuid() or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("only root can mount")
    (folder / "data").mkdir(parents=True)
    mount = f"mount -t tmpfs -o {options} tmpfs {folder}/data"
    with boards.board(folder, within=("unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh")) as board:
        yield board


def test_a_full_disk_is_told_before_anything_is_copied(run: Run, models: Models, tmp_path: Path) -> None:
    with small_disk(tmp_path / "full", "size=1M") as board:
        error = run("deploy", models(1), board.url, "--runtime", here()).one_line_error()

    assert "1 MiB are free in" in error
    assert "64 MiB are needed" in error


def test_a_disk_that_fills_up_on_the_way_leaves_nothing_half_written(tmp_path: Path) -> None:
    with small_disk(tmp_path / "full", "size=1M") as board, connect(Target(board.url)) as there:
        with pytest.raises(DeviceError, match="the disk is full"):
            there.put("staging/model", bytes(2**21))
        there.put("staging/other", bytes(2**19))  # the session goes on, and there is room again


def test_a_read_only_file_system(run: Run, models: Models, tmp_path: Path) -> None:
    with small_disk(tmp_path / "ro", "ro,size=200M") as board:
        error = run("deploy", models(1), board.url, "--runtime", here()).one_line_error()

    assert "the file system is read-only" in error


def test_bytes_that_change_on_the_way_are_refused(board: Board) -> None:
    with connect(Target(board.url)) as there:
        with pytest.raises(DeviceError, match="arrived with other bytes than were sent"):
            there.ask("put", b"abc", path="staging/model", size=3, sha256="0" * 64)
        with pytest.raises(DeviceError, match="outside of"):
            there.put("../escaped", b"abc")
    assert not list(board.home.rglob("model"))


def test_what_is_installed_follows_the_format_the_extras_and_the_systems_numpy() -> None:
    facts = {**PI, "picamera2": True, "numpy": "1.24.2", "interpreter": "/usr/bin/python3"}

    plain = plan({**facts, "picamera2": False}, "tflite", None)
    ribbon = plan(facts, "onnx", None, ["camera"])

    assert (plain.requirement.partition("==")[0], plain.constraints, plain.system) == ("edgeship", (), False)
    assert ribbon.requirement.startswith("edgeship[camera,onnx]==")
    assert (ribbon.constraints, ribbon.system) == (("numpy<2",), True)
    assert plain.identity != ribbon.identity


@pytest.mark.parametrize("machine", ["armv7l", "aarch64"])
def test_on_32_bits_what_is_installed_is_said_in_full(machine: str) -> None:
    """Under a 64-bit kernel pip would take the board for an aarch64, and look for LiteRT in vain."""
    facts = {**PI, "machine": machine, "bits": 32, "picamera2": False, "numpy": None, "interpreter": "/usr/bin/python3"}

    installation = plan(facts, "tflite", None, ["mqtt"])
    command = how_to_get(facts, Path("wheels"), installation)

    names = {re.split("[<>=]", requirement)[0] for requirement in installation.constraints}
    assert installation.alone
    assert {"numpy", "pillow", "tqdm", "tflite-runtime", "paho-mqtt"} <= names
    assert "ai-edge-litert" not in names
    assert "numpy<2" in installation.constraints
    assert "--platform manylinux_2_34_armv7l" in command
    assert "aarch64" not in command
    assert "'tflite-runtime" in command


@pytest.mark.parametrize("module", ["__init__", *session._MODULES])
def test_what_runs_on_a_board_beforehand_is_the_language_of_python_3_7(module: str) -> None:
    """No such Python is here to run it: its grammar is checked, and that it imports nothing but the standard library and itself."""
    source = (Path(session.__file__).parent / "board" / f"{module}.py").read_text()

    tree = ast.parse(source, feature_version=(3, 7))

    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    foreign = {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names}
    assert all(name.startswith("edgeship_devices.board") for name in foreign), foreign


@pytest.mark.parametrize(
    ("name", "machine", "model", "answer"),
    [
        ("raspberry-pi-4", "aarch64", "Raspberry Pi 4 Model B Rev 1.4", True),
        ("raspberry-pi-4-trixie", "aarch64", "Raspberry Pi Compute Module 4 Rev 1.0", True),
        ("raspberry-pi-4", "aarch64", "Raspberry Pi 5 Model B Rev 1.0", False),
        ("raspberry-pi-4", "aarch64", None, False),
        ("raspberry-pi-4", "x86_64", None, False),
        ("raspberry-pi-32bit", "aarch64", "Raspberry Pi 4 Model B Rev 1.4", True),
        ("raspberry-pi-32bit", "x86_64", None, False),
        ("linux-aarch64", "aarch64", None, True),
        ("linux-x86-64", "x86_64", None, True),
        ("linux-x86-64", "aarch64", None, False),
    ],
)
def test_whether_a_machine_may_be_a_board(name: str, machine: str, model: str | None, answer: bool) -> None:
    assert could_be(Device.load(name), machine, model) is answer
