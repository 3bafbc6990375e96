"""The live page, in a real browser: it shows what is, says when that is over, and lets nobody in who may not look."""

from __future__ import annotations

import http.client
import io
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from making import Digits, Run
from servers.mjpeg import Camera
from servers.rtsp import free_port

COMMAND = [sys.executable, "-m", "edgeship_runtime.cli", "run"]


def picture_of(digits: Digits, label: str) -> bytes:
    stream = io.BytesIO()
    with Image.open(sorted((digits.pictures / label).glob("*.png"))[0]) as picture:
        picture.convert("RGB").resize((320, 240), Image.Resampling.NEAREST).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def camera(digits: Digits) -> Iterator[Camera]:
    with Camera([picture_of(digits, "4")], rate=20) as camera:
        yield camera


class Running:
    """`edgeship run` with a live page."""

    def __init__(self, digits: Digits, camera: Camera, host: str = "127.0.0.1", *more: str) -> None:
        self.port = free_port()
        command = [*COMMAND, str(digits.int8), camera.url, "--to", f"view://{host}:{self.port}", *more]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.said = [self.process.stderr.readline()]
        while not self.said[-1].endswith(": live\n"):
            assert self.process.poll() is None, self.said
            self.said.append(self.process.stderr.readline())

    @property
    def url(self) -> str:
        return re.findall(r"live page: (\S+)", "".join(self.said))[0]

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and the beginning of what is answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        text = answer.read(300).decode() if answer.status != 200 or path.startswith("/?") or path == "/" else ""
        connection.close()
        return answer.status, text

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate(timeout=30)


def opened(browser: Any, url: str, problems: list[str], **context: Any) -> Any:
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(30_000)
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((url.split("?", maxsplit=1)[0], "data:")) else problems.append(request.url)
        ),
    )
    page.goto(url)
    return page


def wait(page: Any, condition: str) -> None:
    """Until a condition holds in the page. (Playwright's own way evaluates text in it, which the page's policy forbids.)"""
    for _ in range(300):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(condition)


# In a browser


def test_the_page_shows_what_is_and_says_when_it_is_over(digits: Digits, camera: Camera, browser: Any) -> None:
    problems: list[str] = []
    with Running(digits, camera, "127.0.0.1", "--stall-after", "1") as running:
        page = opened(browser, running.url, problems)
        wait(page, "document.querySelector('.answer strong')?.textContent === '4'")
        wait(page, "document.querySelector('img')?.naturalWidth === 320")
        assert page.inner_text(".state") == "live"
        assert page.inner_text("header").split() == ["edgeship", digits.int8.name, "on", "litert", _litert()]
        assert page.inner_text(".source code") == camera.url
        assert page.locator(".top").inner_text().split()[0] == "4"
        wait(page, "document.querySelector('.ages').getAttribute('d').length > 100")
        assert float(page.inner_text(".age").split()[0]) < 60_000

        camera.silent.set()
        wait(page, "document.querySelector('article').classList.contains('old')")
        wait(page, "document.querySelector('.state').textContent === 'reconnecting'")
        assert page.inner_text(".detail")
        assert "last answer" in page.inner_text(".why")
        camera.silent.clear()
        wait(page, "!document.querySelector('article').classList.contains('old')")

        running.process.terminate()
        wait(page, "document.querySelector('#connection').textContent === 'edgeship has ended'")
        wait(page, "document.querySelector('article').classList.contains('old')")
        assert not page.is_visible("article .state")  # nothing is live any more
        assert running.process.wait(20) == 0

    assert problems == []


def test_the_page_fits_phones_and_the_dark(digits: Digits, camera: Camera, browser: Any, tmp_path: Path) -> None:
    problems: list[str] = []
    with Image.open(io.BytesIO(camera.pictures[0])) as picture:
        stream = io.BytesIO()
        picture.resize((240, 480)).save(stream, "JPEG")
    camera.pictures = [stream.getvalue()]  # upright, as from a camera on its side
    with Running(digits, camera) as running:
        for scheme, width in itertools.product(("light", "dark"), (320, 390, 1200)):
            size = {"width": width, "height": 800}
            page = opened(browser, running.url, problems, color_scheme=scheme, viewport=size)
            wait(page, "document.querySelector('img')?.naturalWidth > 0")
            wait(page, "document.querySelector('.top i') !== null")

            assert page.evaluate("document.documentElement.scrollWidth") <= width
            screen = page.locator(".screen").bounding_box()
            assert screen["height"] < screen["width"]
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) == (scheme == "dark")
            page.screenshot(path=tmp_path / "page.png")
            page.context.close()
            with Image.open(tmp_path / "page.png") as shot:
                assert len(np.unique(np.asarray(shot.convert("L").resize((64, 64))))) > 10  # not an empty page

        page = opened(browser, running.url, problems, viewport={"width": 320, "height": 800})
        camera.status = f"503 Service {'Unavailable' * 8}"
        camera.break_off()
        wait(page, "document.querySelector('.detail')?.textContent.length > 80")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.locator(".source code").bounding_box()["width"] > 100

    assert problems == []


# Who may look


def test_only_this_machine_may_look_and_only_by_its_own_name(digits: Digits, camera: Camera) -> None:
    with Running(digits, camera) as running:
        assert running.url == f"http://127.0.0.1:{running.port}/"
        assert running.get("/")[0] == 200
        assert running.get("/", Host=f"localhost:{running.port}")[0] == 200
        assert running.get("/", Host=f"127.0.0.2:{running.port}")[0] == 200  # view://127.0.0.2 prints it
        assert running.get("/", Host="192.0.2.1")[0] == 403
        assert running.get("/", Host="camera.example")[0] == 403
        assert running.get("/events", Host="camera.example")[0] == 403
        assert running.get("/nothing")[0] == 404


def test_others_need_the_token_that_is_printed(digits: Digits, camera: Camera) -> None:
    with Running(digits, camera, "0.0.0.0") as running:  # noqa: S104
        token = running.url.partition("?token=")[2]
        assert len(token) >= 20
        assert not running.url.startswith("http://0.0.0.0")
        assert running.get(f"/?token={token}", Host="board.local")[0] == 200
        assert running.get(f"/events?token={token}")[0] == 200
        for path in ("/", "/events", "/?token=", "/events?token=guess", f"/?token={token[:-1]}"):
            status, text = running.get(path)
            assert status == 403
            assert "needs the token" in text


def test_a_page_may_load_nothing_from_elsewhere(digits: Digits, camera: Camera) -> None:
    with Running(digits, camera) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        connection.request("GET", "/")
        answer = connection.getresponse()
        policy, text = answer.headers["Content-Security-Policy"], answer.read().decode()
        connection.close()

    assert policy.startswith("default-src 'none'; script-src 'nonce-")
    assert "unsafe" not in policy
    assert set(re.findall(r"(?:https?:)?//[a-z][^\s\"']*", text)) <= {"http://www.w3.org/2000/svg"}


# What is served


def test_events_are_the_newest_results(digits: Digits, camera: Camera) -> None:
    with Running(digits, camera) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
        connection.request("GET", "/events")
        answer = connection.getresponse()
        lines = iter(answer.readline, b"")
        events = [
            json.loads(line[5:])
            for line, _ in zip((one for one in lines if one.startswith(b"data:")), range(3), strict=False)
        ]
        connection.close()

    for event in events:
        assert event["label"] == "4"
        assert event["source"] == camera.url
        assert event["state"] == "live"
        assert event["picture"].startswith("data:image/jpeg;base64,")
        assert len(event["ages"]) == len(event["latencies"]) > 0
    frames = [event["frame"] for event in events]
    assert frames == sorted(frames)


def test_pictures_and_videos_are_shown_too(digits: Digits, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the board itself: a run of a few pictures is over before a browser could be opened."""
    from edgeship_runtime import Classifier
    from edgeship_runtime.sinks.board import Board

    classifier, board = Classifier.load(digits.int8), Board("x")
    for result in classifier.stream(digits.pictures / "4", digits.pictures / "5"):
        board.show(result)
    (place,) = board.sources()
    pictures = board.snapshot(place)
    for result in classifier.stream(shared_data / "video/realshort.mp4"):
        board.show(result)
    assert board.sources() == [place]  # or a folder of videos would leave a frame of each in memory
    video = board.snapshot(place)

    assert pictures["name"].startswith(str(digits.pictures / "5"))
    assert pictures["picture"].startswith("data:image/jpeg")
    assert (video["frame"], video["name"]) == (35, str(shared_data / "video/realshort.mp4"))
    assert video["picture"].startswith("data:image/jpeg")


# What cannot be


def test_a_port_that_is_taken_is_one_line(digits: Digits, run: Run, camera: Camera) -> None:
    line = run("run", digits.int8, digits.pictures, "--to", f"view://127.0.0.1:{camera.port}").one_line_error()

    assert f"--to view://127.0.0.1:{camera.port}: address already in use" in line


@pytest.mark.parametrize(
    "text",
    [
        "view://",
        "view://8080",
        "view://127.0.0.1",
        "view://camera.example:80",
        "view://h:x",
        "view://me:pw@127.0.0.1:80",
        "view://127.0.0.1:80/x",
    ],
)
def test_what_is_no_address_is_usage(digits: Digits, run: Run, text: str) -> None:
    result = run("run", digits.int8, digits.pictures, "--to", text)

    assert result.code == 2
    assert "wanted view://127.0.0.1:8080" in result.err


def test_without_a_server_there_is_an_install_line(digits: Digits, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    line = run("run", digits.int8, digits.pictures, "--to", f"view://127.0.0.1:{free_port()}").one_line_error()

    assert "pip install 'edgeship[view]'" in line


def _litert() -> str:
    from importlib.metadata import version

    return version("ai-edge-litert")
