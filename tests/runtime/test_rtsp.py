"""An RTSP camera, played by GStreamer: answered live, and opened again after a stall, a kill and a restart."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeship_runtime import Classifier
from edgeship_runtime.errors import DataError
from edgeship_runtime.live import feeds
from edgeship_runtime.live import rtsp as module
from edgeship_runtime.sources.addresses import stream
from making import Digits, Run
from servers import rtsp
from watching import Watched


@pytest.fixture(scope="module")
def classifier(digits: Digits) -> Classifier:
    return Classifier.load(digits.int8, threads=1)


@pytest.fixture
def camera(shared_data: Path) -> Iterator[rtsp.Camera]:
    with rtsp.Camera(shared_data / "video/realshort.mp4") as camera:
        yield camera


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "FIRST_WAIT_S", 0.1)
    monkeypatch.setattr(feeds, "LONGEST_WAIT_S", 0.3)


def test_a_stream_is_live_and_comes_back_after_a_stall_and_a_restart(
    classifier: Classifier, camera: rtsp.Camera
) -> None:
    before = os.environ.get("OPENCV_FFMPEG_CAPTURE_OPTIONS")
    with Watched(classifier, camera.url, stall_s=1.0) as watched:
        result = watched.until(lambda r: r.prediction is not None and r.index >= 20)
        assert result.frame is not None
        assert result.frame.pixels.shape == (240, 320, 3)
        assert result.prediction is not None
        assert result.prediction.latency_ms.decode > 0
        assert result.age_ms is not None
        assert result.age_ms >= result.prediction.latency_ms.total

        camera.tell("stall")
        threading.Timer(2.0, camera.tell, ["go"]).start()
        lives = watched.names().count("live")
        stalled = watched.until(lambda _: watched.names().count("live") > lives)
        assert watched.names() == ["connecting", "live", "stalled", "reconnecting", "live"]
        assert stalled.index > result.index

        camera.kill()
        threading.Timer(0.5, camera.start).start()
        lives = watched.names().count("live")
        watched.until(lambda _: watched.names().count("live") > lives)
        assert watched.names()[5] == "reconnecting"
        assert any("connection refused" in detail for _, _, detail in watched.states[5:])

    assert os.environ.get("OPENCV_FFMPEG_CAPTURE_OPTIONS") == before


def test_after_garbage_pictures_are_answered_again(classifier: Classifier, camera: rtsp.Camera) -> None:
    """Meanwhile there may be answers of what the decoder makes of it, or a connection that failed; never an end."""
    with Watched(classifier, camera.url, stall_s=1.0) as watched:
        watched.until(lambda r: r.prediction is not None and r.index >= 5)
        camera.tell("garbage")
        mended: list[float] = []

        def mend() -> None:
            camera.tell("go")
            mended.append(time.time())

        threading.Timer(2.0, mend).start()
        after = watched.until(
            lambda r: (
                r.prediction is not None
                and r.frame is not None
                and (r.frame.captured_at or 0) > (mended or [1e12])[0] + 1
            )
        )

    assert after.frame is not None
    assert after.frame.pixels.shape == (240, 320, 3)
    assert watched.names()[-1] == "live"


def test_a_path_without_a_stream_is_one_line(digits: Digits, run: Run, camera: rtsp.Camera) -> None:
    line = run("run", digits.int8, camera.url.replace("/live", "/nothing")).one_line_error()

    assert "has no stream at this path (404)" in line


def test_nobody_there_is_one_line(digits: Digits, run: Run) -> None:
    line = run("run", digits.int8, f"rtsp://me:secret@127.0.0.1:{rtsp.free_port()}/live").one_line_error()

    assert "rtsp://me:***@127.0.0.1" in line
    assert "connection refused" in line


def test_what_does_not_speak_rtsp_is_one_line(digits: Digits, run: Run) -> None:
    def answer(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example ready\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        line = run("run", digits.int8, f"rtsp://127.0.0.1:{server.getsockname()[1]}/live").one_line_error()
        server.shutdown(socket.SHUT_RDWR)

    assert "does not speak RTSP" in line


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A port where every request gets the same answer."""

    def serve(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(1000)
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)


def test_a_camera_with_a_password_that_does_not_open_is_not_said_to_refuse_it(digits: Digits, run: Run) -> None:
    """It may be its path: who is asked without a password says the same of everything."""
    with answering(b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n") as port:
        known = run("run", digits.int8, f"rtsp://me:secret@127.0.0.1:{port}/live").one_line_error()
        unknown = run("run", digits.int8, f"rtsp://127.0.0.1:{port}/live").one_line_error()

    assert "they are wrong, or the path is, or" in known
    assert "wants a user and a password" in unknown


def test_a_camera_that_does_not_answer_keeps_no_other_from_being_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_S", 60.0)
    monkeypatch.setattr(module, "_ANSWER_S", 60.0)

    def opened(port: int) -> None:
        with contextlib.suppress(DataError):
            module.RtspStream(stream(f"rtsp://127.0.0.1:{port}/live"), iter(range(9)), 1.0)

    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        openings, connections = [], []
        for server in (first, second):
            server.settimeout(30)
            openings.append(threading.Thread(target=opened, args=(server.getsockname()[1],)))
            openings[-1].start()
            connections.append(server.accept()[0])  # the second while the first has no answer
        for connection in connections:
            connection.close()
        for opening in openings:
            opening.join()
