"""A service on a board is systemd's own: it comes up or is removed, goes over to a new file, and back when that one is not well."""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import boards
from boards import Board, here
from edgeship_devices.unit import Unit, quoted
from edgeship_runtime.files import sha256
from making import Run

Models = Callable[..., Path]


@pytest.fixture
def unit() -> Unit:
    return Unit("flowers", "/home/pi/.local/share/edgeship", ("camera:0", "--to", "mqtt://broker/a b", "50%"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_the_unit_satisfies_systemd_itself(unit: Unit, tmp_path: Path) -> None:
    python = tmp_path / "models" / "flowers" / "current" / "environment" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    path = tmp_path / "edgeship-flowers.service"
    path.write_text(dataclasses.replace(unit, home=str(tmp_path)).text())

    def verify() -> subprocess.CompletedProcess[str]:
        command = ["systemd-analyze", "--user", "--man=no", "--recursive-errors=no", "verify", str(path)]
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    sound = verify()
    path.write_text(path.read_text().replace("WatchdogSec", "WatchdogSecs"))
    unsound = verify()

    assert (sound.returncode, sound.stderr) == (0, "")
    assert "WatchdogSecs" in unsound.stderr


def test_the_unit_is_watched_and_limited(unit: Unit) -> None:
    text = unit.text()

    assert "\nType=notify\n" in text
    assert "\nRestart=always\n" in text
    assert "\nWatchdogSec=60\n" in text
    assert "\nMemoryMax=400M\n" in text
    assert text.count('"mqtt://broker/a b" "50%%"') == 1


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126)), min_size=1, max_size=4))
def test_arguments_reach_the_program_as_they_were_given(arguments: list[str]) -> None:
    """systemd reads quotes as a shell does, and % and $ doubled."""
    read = [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(quoted(arguments))]

    assert read == arguments


def test_an_answer_makes_it_ready_and_further_ones_keep_it_alive(models: Models, tmp_path: Path) -> None:
    """systemd's part is played by a socket of our own, as sd_notify(3) describes it."""
    _deployed(tmp_path, models(1))
    picture = _picture(tmp_path)
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(address))
        done = subprocess.run(
            [sys.executable, "-m", "edgeship_devices.serving", "digits", picture],
            env={
                **os.environ,
                "NOTIFY_SOCKET": str(address),
                "XDG_DATA_HOME": str(tmp_path),
                "XDG_RUNTIME_DIR": str(tmp_path),
            },
            check=False,
        )
        channel.settimeout(0)
        first, second = channel.recv(4096), channel.recv(4096)

    assert done.returncode == 0
    assert first == b"READY=1"
    assert second == b"WATCHDOG=1\nSTATUS=1 answers"
    assert (tmp_path / "edgeship-digits" / "health.json").exists()


def test_a_file_that_is_not_verified_is_never_ready(models: Models, tmp_path: Path) -> None:
    _deployed(tmp_path, models(1))
    model = tmp_path / "edgeship/models/digits/current/model"
    model.write_bytes(model.read_bytes()[:500])

    done = subprocess.run(
        [sys.executable, "-m", "edgeship_devices.serving", "digits", "x.png"],
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("edgeship: the file is not verified here: ")


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """A board where systemd runs the services of its user."""
    folder = tmp_path_factory.mktemp("managed")
    with boards.systemd(folder / "sshd") as variables, boards.board(folder / "sshd", **variables) as board:
        yield board


@pytest.fixture
def watched(run: Run, managed: Board, models: Models, tmp_path: Path) -> Iterator[str]:
    """The digest of a file that is deployed and runs as a service: it answers a picture, then waits for one that never comes."""
    model, picture, never = models(1), _picture(tmp_path), tmp_path / "never.png"
    os.mkfifo(never)
    assert run("deploy", model, managed.url, "--runtime", here()).code == 0
    done = run("service", "install", managed.url, "--name", "digits", "--watchdog", "600", "--", picture, never)
    assert done.code == 0, done.err
    yield sha256(model.read_bytes())
    run("service", "remove", managed.url, "--name", "digits")


def _status(run: Run, board: Board) -> dict[str, Any]:
    (entry,) = run("devices", "status", board.url, "--json").json()["models"]  # type: ignore[index]
    return dict(entry)


@pytest.mark.slow
def test_a_service_is_up_and_says_when_it_answered(run: Run, managed: Board, watched: str) -> None:
    service = _status(run, managed)["service"]

    assert (service["state"], service["restarts"], service["answers"]) == ("active", 0, 1)
    assert service["last_answer_age_s"] >= 0


@pytest.mark.slow
def test_a_deploy_and_a_rollback_take_the_service_with_them(
    run: Run, managed: Board, watched: str, models: Models
) -> None:
    new = models(2)

    deployed = run("deploy", new, managed.url, "--runtime", here(), "--json").json()
    after = _status(run, managed)
    back = run("rollback", managed.url, "--name", "digits")

    assert isinstance(deployed, dict)
    assert deployed["service"] == after["service"]["state"] == "active"
    assert after["sha256"] == sha256(new.read_bytes())
    assert back.code == 0, back.err
    assert _status(run, managed)["sha256"] == watched


@pytest.mark.slow
def test_a_file_whose_service_does_not_come_up_gives_way_to_the_one_before(
    run: Run, managed: Board, watched: str, models: Models, tmp_path: Path
) -> None:
    """Verified, but in an environment that fails under systemd."""
    broken = tmp_path / "broken"
    venv.create(broken)
    (packages,) = broken.glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text("\n".join(path for path in sys.path if path))
    (packages / "sitecustomize.py").write_text("import os\nif 'NOTIFY_SOCKET' in os.environ: os._exit(3)\n")

    error = run("deploy", models(2), managed.url, "--runtime", broken / "bin" / "python").one_line_error()

    assert "the service did not start" in error
    assert error.endswith("; the file before it is back")
    after = _status(run, managed)
    assert (after["sha256"], after["service"]["state"]) == (watched, "active")


@pytest.mark.slow
def test_a_service_that_does_not_come_up_is_removed_again(run: Run, managed: Board, watched: str) -> None:
    run("service", "remove", managed.url, "--name", "digits")

    error = run("service", "install", managed.url, "--name", "digits", "--", "/no/such.png").one_line_error()

    assert "the service did not start" in error
    assert error.endswith("; it was removed")
    assert _status(run, managed)["service"] is None


@pytest.mark.slow
def test_a_service_that_hangs_is_started_anew(run: Run, managed: Board, watched: str, tmp_path: Path) -> None:
    arguments = ("--name", "digits", "--watchdog", "8", "--", tmp_path / "picture.png", tmp_path / "never.png")
    assert run("service", "install", managed.url, *arguments).code == 0

    for _ in range(60):
        service = _status(run, managed)["service"]
        if service["restarts"]:
            break
        time.sleep(1)

    assert service["restarts"] >= 1


def test_a_service_needs_something_deployed(run: Run, board: Board) -> None:
    error = run("service", "install", board.url, "--name", "digits", "--", "camera:0").one_line_error()

    assert error.endswith("nothing is deployed as digits; deployed: nothing")


def test_removing_what_is_not_there_says_so(run: Run, board: Board) -> None:
    done = run("service", "remove", board.url, "--name", "digits")

    assert done.code == 1
    assert "there is no service of this name" in done.out


def _deployed(home: Path, model: Path) -> None:
    slot = home / "edgeship/models/digits/slots/a"
    slot.mkdir(parents=True)
    shutil.copy(model, slot / "model")
    (home / "edgeship/models/digits/current").symlink_to("slots/a")


def _picture(folder: Path) -> Path:
    path = folder / "picture.png"
    Image.new("L", (8, 8), 90).save(path)
    return path
