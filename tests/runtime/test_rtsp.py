"""An RTSP camera, played by GStreamer: answered live, and opened again after a stall, a kill and a restart."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from edgeship_runtime import Classifier
from edgeship_runtime.errors import DataError
from edgeship_runtime.live import feeds
from edgeship_runtime.live import rtsp as module
from edgeship_runtime.results import Result
from edgeship_runtime.sources.addresses import stream
from making import Digits, Run
from servers import films, rtsp, wire
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


def shown(results: Iterable[Result]) -> Iterator[tuple[int, float]]:
    """The number on each frame, and when it is said to have arrived."""
    for result in results:
        assert result.frame is not None
        assert result.frame.arrived_s is not None
        yield films.number(result.frame.pixels), result.frame.arrived_s


def assert_in_order(numbers: Sequence[int], length: int) -> None:
    """Of a film that goes round and round: some are passed over on a busy machine, and none is of the past."""
    steps = [(after - before) % length for before, after in itertools.pairwise(numbers)]
    assert all(0 < step < length - 5 for step in steps), numbers


def test_b_frames_come_in_the_order_in_which_they_were_taken(
    classifier: Classifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are sent after frames that are shown later."""
    video = films.film(tmp_path / "b.mp4", (320, 240), range(60), b_frames=3)
    with rtsp.Camera(video) as camera, Watched(classifier, camera.url) as watched:
        seen = list(itertools.islice(shown(watched.results), 60))
        results_after = next(iter(watched.results))

    assert_in_order([number for number, _ in seen], 60)
    assert all(before < after for (_, before), (_, after) in itertools.pairwise(seen))
    assert watched.names() == ["connecting", "live"]
    assert results_after.error is None
    (told,) = [line for line in capsys.readouterr().err.splitlines() if "B-frames" in line]
    assert told.startswith(f"{camera.url}: sends B-frames")


def test_a_stream_that_changes_its_resolution_goes_on(classifier: Classifier, tmp_path: Path) -> None:
    """With fresh frames in their order, as often as it changes. OpenCV gives them the first one's size: see docs/runtime.md."""
    small = films.film(tmp_path / "small.mp4", (320, 240), range(30))
    large = films.film(tmp_path / "large.mp4", (640, 360), range(128, 158))
    with rtsp.Camera(small, large) as camera, Watched(classifier, camera.url, stall_s=10.0) as watched:
        for begin, end in ((0, 30), (128, 158), (0, 30)):
            watched.until(lambda r, b=begin, e=end: b <= films.number(r.frame.pixels) < e)  # type: ignore[misc,union-attr]
            seen = list(itertools.islice(shown(watched.results), 20))
            assert {number for number, _ in seen} <= set(range(begin, end))
            assert_in_order([number for number, _ in seen], 30)
            camera.tell("next")

    assert watched.names() == ["connecting", "live"]


def test_a_stream_that_falls_silent_in_mid_frame_has_stalled(classifier: Classifier, tmp_path: Path) -> None:
    """Half a frame is none, and what OpenCV kept back is given out neither then nor later."""
    video = films.film(tmp_path / "f.mp4", (320, 240), range(60))
    with rtsp.Camera(video) as camera, wire.Wire(camera.port) as cable:
        url = camera.url.replace(str(camera.port), str(cable.port))
        with Watched(classifier, url, stall_s=1.0) as watched:
            before = watched.until(lambda result: result.index >= 20)
            cable.cut()
            meanwhile = list(itertools.takewhile(lambda _: watched.names().count("live") < 2, watched.results))

    assert watched.names() == ["connecting", "live", "stalled", "reconnecting", "live"]
    assert before.frame is not None
    numbers = [films.number(before.frame.pixels), *(number for number, _ in shown(meanwhile))]
    assert len(numbers) < 5, numbers  # what was on its way
    assert_in_order(numbers, 60)


def test_a_camera_with_a_password_is_opened_and_spoken_of_without_it(
    classifier: Classifier, shared_data: Path, digits: Digits, run: Run
) -> None:
    with rtsp.Camera(shared_data / "video/realshort.mp4", password="me:se@c/ret") as camera:  # noqa: S106
        url = camera.url.replace("127", "me:se%40c%2Fret@127")
        with Watched(classifier, url) as watched:
            result = watched.until(lambda result: result.prediction is not None)
        wrong = run("run", digits.int8, url.replace("ret", "rat")).one_line_error()
        none = run("run", digits.int8, camera.url).one_line_error()

    assert result.source == camera.url.replace("127", "me:***@127")
    assert not [state for state in watched.states if "ret" in str(state)]
    assert "cannot be opened with this user and password" in wrong
    assert "rat" not in wrong
    assert "wants a user and a password: rtsp://USER:PASSWORD@HOST/" in none


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
