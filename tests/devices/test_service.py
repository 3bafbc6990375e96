"""A service on a board is systemd's own: it comes up or is removed, goes over to a new file, and back when that one is not well."""

from __future__ import annotations

import dataclasses
import fcntl
import io
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
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
from edgeship_devices.commands import showing
from edgeship_devices.session import Target, connect
from edgeship_devices.unit import Unit, quoted
from edgeship_runtime.files import sha256
from making import Run
from servers.mjpeg import Camera
from servers.rtsp import free_port

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
    assert "\nNotifyAccess=all\n" in text, "edgeship run is below the main process, and says itself that it lives"
    assert "\nStartLimitIntervalSec=0\n" in text, "a camera may be away for a night"
    assert text.count('"mqtt://broker/a b" "50%%"') == 1


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126)), min_size=1, max_size=4))
def test_arguments_reach_the_program_as_they_were_given(arguments: list[str]) -> None:
    """systemd reads quotes as a shell does, and % and $ doubled."""
    read = [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(quoted(arguments))]

    assert read == arguments


@dataclasses.dataclass
class Served:
    """A service that runs, and what it says; systemd's part is played by a socket of our own, as sd_notify(3) describes it."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    health: Path

    def says(self, wanted: str) -> None:
        """Waits until it does."""
        while wanted not in self.channel.recv(4096).decode():
            pass

    def stop(self) -> None:
        """Ends it as systemd does."""
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts serving; its home is tmp_path."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    channel.bind(str(tmp_path / "notify"))
    channel.settimeout(60)
    variables = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "600000",
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
    }
    begun = []

    def start(*arguments: str | Path) -> Served:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "edgeship_devices.serving", "digits", *arguments],
            env={**os.environ, **variables},
        )
        begun.append(process)
        return Served(process, channel, tmp_path / "edgeship-digits" / "health.json")

    with channel:
        yield start
        for process in begun:
            process.terminate()
            process.wait()


@pytest.fixture
def camera() -> Iterator[Camera]:
    """A camera in the network."""
    frame = io.BytesIO()
    Image.new("L", (8, 8), 90).save(frame, "JPEG")
    with Camera([frame.getvalue()], rate=5) as camera:
        yield camera


def test_an_answer_makes_it_ready_and_run_keeps_the_watchdog_quiet(
    serve: Callable[..., Served], models: Models, camera: Camera, tmp_path: Path
) -> None:
    _deployed(tmp_path, models(1))

    served = serve(camera.url)
    served.says("READY=1")
    camera.kill()
    for _ in range(4):
        served.says("WATCHDOG=1")  # although nothing is answered

    assert json.loads(served.health.read_text())["answers"] >= 1
    assert served.health.stat().st_mode & 0o777 == 0o600
    served.stop()


def test_it_waits_for_a_camera_and_goes_on_with_its_files(
    serve: Callable[..., Served], models: Models, camera: Camera, tmp_path: Path
) -> None:
    _deployed(tmp_path, models(1))
    answers = tmp_path / "answers.csv"

    for _ in range(2):
        camera.kill()
        served = serve(camera.url, "--to", f"csv:{answers}")
        served.says("WATCHDOG=1")
        camera.restart()
        served.says("READY=1")
        served.stop()

    lines = answers.read_text().splitlines()
    assert sum(line.startswith("source,") or "label" in line for line in lines) == 1, "one head"
    assert len(lines) >= 3


def test_health_that_cannot_be_written_stops_nothing(
    serve: Callable[..., Served], models: Models, camera: Camera, tmp_path: Path
) -> None:
    _deployed(tmp_path, models(1))
    (tmp_path / "edgeship-digits").write_text("in the way")

    serve(camera.url).says("READY=1")


def test_why_it_ended_is_told(serve: Callable[..., Served], models: Models, tmp_path: Path) -> None:
    _deployed(tmp_path, models(1))

    served = serve(tmp_path / "no-such.png")

    served.says("STATUS=edgeship: ")
    assert served.process.wait() == 1


def test_the_live_page_keeps_its_address(
    serve: Callable[..., Served], models: Models, camera: Camera, tmp_path: Path
) -> None:
    _deployed(tmp_path, models(1))
    pages = set()
    port = free_port()

    for _ in range(2):
        served = serve(camera.url, "--to", f"view://0.0.0.0:{port}")
        served.says("READY=1")
        page = json.loads(served.health.read_text())["page"]
        token = page.partition("?token=")[2]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/?token={token}", timeout=20) as answer:
            assert answer.status == 200
        pages.add(page)
        served.stop()

    assert len(pages) == 1
    assert token
    (secret,) = tmp_path.rglob("view-token")
    assert secret.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("lives", [True, False])
def test_a_switch_whose_deploy_died_is_undone_by_the_service(
    serve: Callable[..., Served], models: Models, camera: Camera, tmp_path: Path, lives: bool
) -> None:
    """Such as after a power cut between the switch and the first answer. One whose deploy lives is not: it still decides."""
    place = tmp_path / "edgeship/models/digits"
    _deployed(tmp_path, models(1))
    (place / "current").unlink()
    shutil.copytree(place / "slots/a", place / "slots/b")
    (place / "generations").mkdir()
    for number, slot in ((1, "a"), (2, "b")):
        (place / "generations" / f"{number:06}").symlink_to(f"../slots/{slot}")
        (place / "slots" / slot / "environment").symlink_to(sys.prefix)
    (place / "current").symlink_to("generations/000002")
    (place / "trial").write_text("1")

    with (tmp_path / "edgeship/lock").open("w") as held:
        if lives:
            fcntl.flock(held, fcntl.LOCK_EX)
        serve(camera.url).says("READY=1")

    assert (place / "current").resolve().name == ("b" if lives else "a")
    assert (place / "trial").exists() == lives


def test_a_service_that_does_not_answer_is_not_well() -> None:
    def seen(**service: object) -> dict[str, Any]:
        return {"whole": True, "service": {"state": "active", "restarts": 0, **service}}

    assert showing.is_well(seen(last_answer_age_s=2.0))
    assert not showing.is_well(seen(last_answer_age_s=7200.0))
    assert not showing.is_well(seen())
    assert not showing.is_well(seen(last_answer_age_s=2.0, state="failed"))


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
def deployed(run: Run, managed: Board, models: Models) -> Iterator[str]:
    """The digest of a file that is deployed; a service that a test makes of it is removed."""
    model = models(1)
    assert run("deploy", model, managed.url, "--runtime", here()).code == 0
    yield sha256(model.read_bytes())
    run("service", "remove", managed.url, "--name", "digits")


@pytest.fixture
def watched(run: Run, managed: Board, deployed: str, tmp_path: Path) -> str:
    """The digest of a file that runs as a service: it answers a picture, then waits for one that never comes."""
    picture, never = _picture(tmp_path), tmp_path / "never.png"
    os.mkfifo(never)
    done = run("service", "install", managed.url, "--name", "digits", "--watchdog", "600", "--", picture, never)
    assert done.code == 0, done.err
    return deployed


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


@pytest.fixture
def filming(run: Run, managed: Board, deployed: str, camera: Camera) -> Camera:
    """The camera that the service answers, watched closely."""
    arguments = ("--name", "digits", "--watchdog", "6", "--", camera.url, "--to", f"view://0.0.0.0:{free_port()}")
    done = run("service", "install", managed.url, *arguments)
    assert done.code == 0, done.err
    assert "live page: http://" in done.out
    return camera


@pytest.mark.slow
def test_a_camera_that_is_away_takes_nothing_down(run: Run, managed: Board, filming: Camera) -> None:
    """For longer than the watchdog waits."""
    filming.kill()
    _wait_for(lambda: _status(run, managed)["service"]["last_answer_age_s"] > 20)
    away = _status(run, managed)["service"]
    filming.restart()
    _wait_for(lambda: _status(run, managed)["service"]["answers"] > away["answers"])

    service = _status(run, managed)["service"]
    assert (service["state"], service["restarts"]) == ("active", 0)
    assert service["page"].startswith("http://")


@pytest.mark.slow
def test_a_service_that_hangs_is_started_anew(run: Run, managed: Board, filming: Camera) -> None:
    os.kill(_running(managed, "edgeship_runtime.cli"), signal.SIGSTOP)

    _wait_for(lambda: _status(run, managed)["service"]["restarts"] >= 1)
    _wait_for(lambda: _status(run, managed)["service"].get("answers", 0) >= 1)


@pytest.mark.slow
def test_a_deploy_cures_a_service_that_failed(run: Run, managed: Board, filming: Camera, models: Models) -> None:
    unit = managed.folder / "config/systemd/user/edgeship-digits.service"
    unit.write_text(unit.read_text().replace("Restart=always", "Restart=no"))
    subprocess.run(["systemctl", "--user", "daemon-reload"], env=_manager(managed), check=True)
    assert unit.stat().st_mode & 0o777 == 0o600
    os.kill(_running(managed, "edgeship_devices.serving"), signal.SIGKILL)
    _wait_for(lambda: _status(run, managed)["service"]["state"] == "failed")

    done = run("deploy", models(2), managed.url, "--runtime", here(), "--json").json()

    assert isinstance(done, dict)
    assert (done["service"], _status(run, managed)["service"]["state"]) == ("active", "active")


@pytest.mark.slow
def test_a_switch_whose_deploy_is_killed_before_the_first_answer_is_undone_by_the_next_one(
    run: Run, managed: Board, filming: Camera, deployed: str, models: Models
) -> None:
    filming.kill()  # so that no first answer comes
    with subprocess.Popen(
        [sys.executable, "-m", "edgeship_runtime.cli", "deploy", models(2), managed.url, "--runtime", here()],
        stderr=subprocess.DEVNULL,
    ) as deploy:
        _wait_for(lambda: (managed.home / "models/digits/trial").exists() and managed.current() != deployed)
        os.kill(_running(managed, "module.serve()"), signal.SIGKILL)
        deploy.wait()
    filming.restart()

    with connect(Target(managed.url)) as board:
        board.lock()

    after = _status(run, managed)
    assert (after["sha256"], after["service"]["state"]) == (deployed, "active")


def _wait_for(true: Callable[[], bool]) -> None:
    for _ in range(120):
        if true():
            return
        time.sleep(1)
    pytest.fail("it never came to that")


def _manager(board: Board) -> dict[str, str]:
    return {**os.environ, "XDG_RUNTIME_DIR": str(board.folder / "run")}


def _running(board: Board, words: str) -> int:
    """The process of this board whose command line has the words."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found = words.encode() in (entry / "cmdline").read_bytes()
            if found and str(board.home.parent).encode() in (entry / "environ").read_bytes():
                return int(entry.name)
        except OSError:
            continue
    pytest.fail(f"nothing runs {words}")


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
