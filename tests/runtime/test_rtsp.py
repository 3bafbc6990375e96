"""An RTSP camera, played by GStreamer: answered live, and opened again after a stall, a kill and a restart."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeship_runtime import Classifier
from edgeship_runtime.live import feeds
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


def test_a_path_without_a_stream_is_one_line(digits: Digits, run: Run, camera: rtsp.Camera) -> None:
    line = run("run", digits.int8, camera.url.replace("/live", "/nothing")).one_line_error()

    assert "has no stream at this path (404)" in line


def test_nobody_there_is_one_line(digits: Digits, run: Run) -> None:
    line = run("run", digits.int8, f"rtsp://me:secret@127.0.0.1:{rtsp.free_port()}/live").one_line_error()

    assert "rtsp://me:***@127.0.0.1" in line
    assert "connection refused" in line


def test_what_does_not_speak_rtsp_is_one_line(digits: Digits, run: Run) -> None:
    import socket

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
