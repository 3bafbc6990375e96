"""Live sources: the newest frame, honest ages, and a camera that fails in every way a camera can is opened again."""

from __future__ import annotations

import contextlib
import io
import itertools
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeship_runtime import Classifier
from edgeship_runtime.errors import DataError
from edgeship_runtime.live import feeds
from edgeship_runtime.live.hub import Hub
from edgeship_runtime.results import Result
from edgeship_runtime.sources import parse
from making import Digits, Run
from making import Result as Done
from servers import mjpeg
from servers.mjpeg import Camera
from watching import Watched

COMMAND = [sys.executable, "-m", "edgeship_runtime.cli", "run"]


def jpeg(picture: Image.Image, size: tuple[int, int] = (320, 240)) -> bytes:
    stream = io.BytesIO()
    picture.convert("RGB").resize(size, Image.Resampling.NEAREST).save(stream, "JPEG", quality=90)
    return stream.getvalue()


@pytest.fixture(scope="module")
def classifier(digits: Digits) -> Classifier:
    return Classifier.load(digits.int8, threads=1)


@pytest.fixture(scope="module")
def fours(digits: Digits) -> list[bytes]:
    """A camera that looks at a four."""
    with Image.open(sorted((digits.pictures / "4").glob("*.png"))[0]) as picture:
        return [jpeg(picture)]


@pytest.fixture
def camera(fours: list[bytes]) -> Iterator[Camera]:
    with Camera(fours) as camera:
        yield camera


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are short, so that tests are."""
    monkeypatch.setattr(feeds, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(feeds, "LONGEST_WAIT_S", 0.2)


def is_four(result: Result) -> bool:
    return result.prediction is not None and result.prediction.label == "4"


# Fresh


def test_frames_of_a_camera_are_answered_with_their_age_and_what_was_dropped(
    classifier: Classifier, camera: Camera
) -> None:
    with Watched(classifier, camera.url) as watched:
        results = [result for _, result in zip(range(20), watched.results, strict=False)]

    assert all(map(is_four, results))
    indices = [result.index for result in results]
    assert indices == sorted(set(indices))
    for before, after in itertools.pairwise(results):
        assert after.dropped == after.index - before.index - 1
    line = results[-1].to_json()
    assert (line["source"], line["frame"]) == (camera.url, indices[-1])
    assert 0 <= line["age_ms"] < 10_000
    assert abs(line["captured_at"] - time.time()) < 60
    assert watched.names() == ["connecting", "live"]


def test_who_is_slow_gets_the_newest_frame(classifier: Classifier, camera: Camera) -> None:
    """While somebody thinks, frames are passed over and counted; the next one was not there when he began."""
    with Watched(classifier, camera.url) as watched:
        first = next(iter(watched.results))
        seen = camera.sent
        while camera.sent < seen + 25:
            time.sleep(0.01)
        then = time.time()
        second = next(iter(watched.results))

    assert second.dropped is not None
    assert second.dropped >= 20
    assert second.index - first.index == second.dropped + 1
    assert second.frame is not None
    assert second.frame.captured_at is not None
    assert second.frame.captured_at > then - 1


def test_an_answer_that_is_too_old_is_no_answer(classifier: Classifier, camera: Camera) -> None:
    with Watched(classifier, camera.url, max_age_ms=300) as watched:
        watched.until(is_four)
        seen = camera.sent
        while camera.sent == seen:
            time.sleep(0.01)
        camera.silent.set()
        time.sleep(0.5)  # the frame in the slot grows old
        stale = next(iter(watched.results))

    line = stale.to_json()
    assert (line["label"], line["score"], line["top"]) == (None, None, [])
    assert line["decision"]["label"] is None
    assert "ms old, 300 are allowed" in line["decision"]["reason"]
    assert line["age_ms"] > 300


def test_no_more_answers_a_second_than_asked_for(classifier: Classifier, camera: Camera) -> None:
    """However slow the machine is, the fifth comes four intervals after the first at the earliest."""
    with Watched(classifier, camera.url, max_fps=5) as watched:
        began = time.monotonic()
        for _ in zip(range(5), watched.results, strict=False):
            pass

    assert time.monotonic() - began >= 4 / 5


def test_several_cameras_have_their_turns_and_their_own_memory(
    classifier: Classifier, camera: Camera, digits: Digits
) -> None:
    with Image.open(sorted((digits.pictures / "0").glob("*.png"))[0]) as picture:
        zeros = [jpeg(picture)]
    with Camera(zeros) as other, Watched(classifier, camera.url, other.url, agree=5, smooth_s=0.2) as watched:
        decided: dict[str, set[str]] = {camera.url: set(), other.url: set()}
        for result in watched.results:
            if result.decision is not None and result.decision.label is not None:
                decided[result.source].add(result.decision.label)
            if all(decided.values()):
                break

    assert decided == {camera.url: {"4"}, other.url: {"0"}}


def test_cameras_that_only_a_password_tells_apart_have_names_of_their_own(
    classifier: Classifier, camera: Camera
) -> None:
    with Watched(classifier, f"{camera.url}?token=a", f"{camera.url}?token=b") as watched:
        names = {result.source for _, result in zip(range(20), watched.results, strict=False)}

    assert names == {f"{camera.url}?token=***", f"{camera.url}?token=*** (2)"}


def test_a_camera_that_is_named_twice_is_one_line(digits: Digits, run: Run, camera: Camera) -> None:
    assert f"{camera.url} is named twice" in run("run", digits.int8, camera.url, camera.url).one_line_error()
    assert "camera:0 is named twice" in run("run", digits.int8, "camera:0", "camera:0").one_line_error()


# What cameras do


@pytest.mark.parametrize(
    "wire", [mjpeg.without_length, mjpeg.length_too_small, mjpeg.length_too_large, mjpeg.rubbish_between]
)
def test_careless_cameras_are_understood(classifier: Classifier, camera: Camera, wire: mjpeg.Wire) -> None:
    camera.wire = wire
    with Watched(classifier, camera.url) as watched:
        results = [result for _, result in zip(range(5), watched.results, strict=False)]

    assert all(map(is_four, results))


@pytest.mark.parametrize("wire", [mjpeg.garbage, mjpeg.truncated])
def test_a_frame_that_cannot_be_decoded_is_said_and_never_answered(
    classifier: Classifier, camera: Camera, wire: mjpeg.Wire
) -> None:
    with Watched(classifier, camera.url) as watched:
        watched.until(is_four)
        camera.wire = wire
        broken = watched.until(lambda result: result.error is not None)
        camera.wire = mjpeg.proper
        watched.until(is_four)

    assert (broken.prediction, broken.decision) == (None, None)
    line = broken.to_json()
    assert set(line) == {"source", "error", "frame", "captured_at", "dropped"}
    assert watched.names() == ["connecting", "live"]


def test_a_camera_that_changes_its_resolution_is_seen_as_it_is(classifier: Classifier, camera: Camera) -> None:
    with Watched(classifier, camera.url) as watched:
        watched.until(is_four)
        with Image.open(io.BytesIO(camera.pictures[0])) as picture:
            camera.pictures = [jpeg(picture, (96, 128))]
        changed = watched.until(lambda r: r.frame is not None and r.frame.pixels.shape == (128, 96, 3))

    assert is_four(changed)


@pytest.mark.parametrize("end", ["killed", "broken off"])
def test_a_camera_that_goes_away_is_opened_again(classifier: Classifier, camera: Camera, end: str) -> None:
    with Watched(classifier, camera.url, agree=3) as watched:
        before = watched.until(lambda result: result.decision is not None and result.decision.label == "4")
        camera.kill() if end == "killed" else camera.break_off()
        threading.Timer(0.3, camera.restart if end == "killed" else lambda: None).start()
        after = watched.until(lambda result: result.decision is not None and result.decision.label is None)

    assert watched.names()[:2] == ["connecting", "live"]
    assert watched.names()[-1] == "live"
    assert set(watched.names()[2:-1]) == {"reconnecting"}
    assert after.index > before.index  # numbers go on
    assert after.decision is not None
    assert after.decision.reason == "1 of 3 frames agree on 4"  # what was before the gap is forgotten


def test_a_camera_that_falls_silent_in_mid_frame_has_stalled(classifier: Classifier, camera: Camera) -> None:
    """Half a picture is no frame; after a while a new connection is made."""
    with Watched(classifier, camera.url, stall_s=0.4) as watched:
        watched.until(is_four)
        camera.silent.set()
        threading.Timer(1.0, camera.silent.clear).start()
        lives = watched.names().count("live")
        watched.until(lambda _: watched.names().count("live") > lives)

    assert camera.connections >= 2
    assert "stalled" in watched.names()
    after = watched.names().index("stalled")
    assert watched.names()[after : after + 2] == ["stalled", "reconnecting"]
    (_, _, detail) = watched.states[after]
    assert detail.startswith("no frame for 0.")


def test_while_it_is_silent_there_is_no_result(classifier: Classifier, camera: Camera) -> None:
    with Watched(classifier, camera.url, stall_s=0.3) as watched:
        watched.until(is_four)
        camera.silent.set()
        stop, late = threading.Event(), []
        threading.Timer(1.0, stop.set).start()
        threading.Timer(1.2, camera.silent.clear).start()
        for result in watched.results:
            late.append((stop.is_set(), result))
            if stop.is_set():
                break

    assert sum(not stopped for stopped, _ in late) <= 1  # the one that was complete already


class Hanging:
    """A stream as OpenCV's can be: after its first frame `read` does not come back, whatever one does."""

    def __init__(self, real: Any, released: threading.Event) -> None:
        self._real, self._released, self._is_first = real, released, True

    def read(self) -> Any:
        if self._is_first:
            self._is_first = False
            return self._real.read()
        self._released.wait(60)
        raise DataError("late")

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        self._real.close()


def hanging(monkeypatch: pytest.MonkeyPatch, released: threading.Event, most: int) -> list[Any]:
    """Has the first connections hang; the list tells of all."""
    from edgeship_runtime.live import hub

    opened: list[Any] = []
    real = hub.connect

    def connect(source: Any, numbers: Any, stall_s: float) -> Any:
        opened.append(source)
        stream = real(source, numbers, stall_s)
        return Hanging(stream, released) if len(opened) <= most else stream

    monkeypatch.setattr(hub, "connect", connect)
    return opened


def test_a_read_that_hangs_has_stalled_and_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, classifier: Classifier, camera: Camera
) -> None:
    """With a stand-in for a stream whose first connection hangs in read."""
    released = threading.Event()
    opened = hanging(monkeypatch, released, most=1)
    try:
        with Watched(classifier, camera.url, stall_s=0.2) as watched:
            watched.until(lambda _: watched.names().count("live") == 2)
    finally:
        released.set()

    assert watched.names() == ["connecting", "live", "stalled", "reconnecting", "live"]
    assert len(opened) == 2


def test_where_connections_go_on_hanging_no_more_are_made_until_one_comes_back(
    monkeypatch: pytest.MonkeyPatch, classifier: Classifier, camera: Camera
) -> None:
    released, told = threading.Event(), threading.Event()
    opened = hanging(monkeypatch, released, most=3)

    def heard(_: str, state: str, detail: str) -> None:
        if "3 connections hang" in detail:
            assert len(opened) == 3
            told.set()

    results = classifier.stream(camera.url, stall_s=0.1, on_state=heard)
    try:
        stop = threading.Timer(60, released.set)
        stop.start()
        for _ in results:
            if told.is_set():
                released.set()
            if len(opened) == 4:
                break
            if not told.is_set() and len(opened) == 3:
                assert told.wait(30)
                released.set()
    finally:
        stop.cancel()
        released.set()
        results.close()  # type: ignore[attr-defined]

    assert told.is_set()
    assert len(opened) == 4


class Failing:
    """A stream that is live and then raises what a library raises."""

    def __init__(self, real: Any) -> None:
        self._real, self._frames = real, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def read(self) -> Any:
        self._frames += 1
        if self._frames > 3:
            raise RuntimeError("Camera frontend has timed out!")
        return self._real.read()


def test_what_a_library_raises_once_live_is_a_connection_that_failed(
    monkeypatch: pytest.MonkeyPatch, classifier: Classifier, camera: Camera
) -> None:
    """With a stand-in whose first connection fails as libcamera does."""
    from edgeship_runtime.live import hub

    opened: list[Any] = []
    real = hub.connect

    def connect(source: Any, numbers: Any, stall_s: float) -> Any:
        opened.append(source)
        stream = real(source, numbers, stall_s)
        return Failing(stream) if len(opened) == 1 else stream

    monkeypatch.setattr(hub, "connect", connect)
    with Watched(classifier, camera.url) as watched:
        watched.until(lambda _: watched.names().count("live") == 2)

    assert (camera.url, "reconnecting", "RuntimeError: Camera frontend has timed out!") in watched.states


def test_what_nobody_took_before_a_stall_is_not_handed_out_after_it(camera: Camera) -> None:
    stalled, live = threading.Event(), threading.Event()

    def heard(_: str, state: str, detail: str) -> None:
        {"stalled": stalled, "live": live}.get(state, threading.Event()).set()

    hub = Hub([parse(camera.url)], heard, stall_s=0.3, keep_trying=True)  # type: ignore[list-item]
    try:
        assert live.wait(30)
        camera.silent.set()
        assert stalled.wait(30)
        while (taken := hub.take(0.5)) is not None:  # at most one, that had come by the very moment
            assert (taken.frame.age_ms or 0) < 300
    finally:
        hub.close()


def test_a_callback_that_raises_is_told_and_not_swallowed_with_the_frames(
    camera: Camera, classifier: Classifier
) -> None:
    """Otherwise the thread that looks after the cameras ends, and everybody waits for ever."""

    def broken(_: str, state: str, detail: str) -> None:
        if state == "reconnecting":
            raise ZeroDivisionError

    results = classifier.stream(camera.url, on_state=broken)
    next(results)
    camera.kill()

    with pytest.raises(ZeroDivisionError):
        for _ in results:
            pass


def test_without_a_thread_for_it_a_camera_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, classifier: Classifier, camera: Camera
) -> None:
    refused: list[str] = []
    start = threading.Thread.start

    def sometimes(thread: threading.Thread) -> None:
        if thread.name.startswith("read ") and not refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", sometimes)
    with Watched(classifier, camera.url, keep_trying=True) as watched:
        watched.until(is_four)

    assert (camera.url, "connecting", "can't start new thread") in watched.states


def test_a_terminal_that_went_away_ends_nothing(digits: Digits, camera: Camera, tmp_path: Path) -> None:
    rows = tmp_path / "a.jsonl"
    command = [*COMMAND, str(digits.int8), camera.url, "--to", f"jsonl:{rows}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as child:
        assert child.stderr is not None
        child.stderr.close()
        while not rows.exists() or rows.read_text().count("\n") < 5:
            assert child.poll() is None
            time.sleep(0.01)
        camera.break_off()
        before = rows.read_text().count("\n")
        while rows.read_text().count("\n") < before + 20:
            assert child.poll() is None
            time.sleep(0.01)
        child.terminate()

    assert child.returncode == 0


# The start


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "404 Not Found"}, "has nothing at this path (404)"),
        ({"status": "500 Oh"}, "answers 500"),
        ({"content_type": "text/html"}, "answers with 'text/html'; wanted MJPEG"),
        ({"password": "me:secret"}, "wants a user and a password"),
    ],
)
def test_what_is_no_camera_is_told_at_the_start(
    classifier: Classifier, camera: Camera, change: dict[str, str], words: str
) -> None:
    for name, value in change.items():
        setattr(camera, name, value)

    with pytest.raises(DataError) as refused:
        next(iter(classifier.stream(camera.url)))

    assert str(refused.value).startswith(f"{camera.url}: ")
    assert words in str(refused.value)


def test_nobody_there_is_one_line(digits: Digits, run: Run, camera: Camera) -> None:
    camera.kill()

    line = run("run", digits.int8, camera.url.replace("127", "me:secret@127")).one_line_error()

    assert "me:***@127.0.0.1" in line
    assert "connection refused" in line


def test_a_host_that_does_not_exist_is_one_line(digits: Digits, run: Run) -> None:
    assert "there is no such host" in run("run", digits.int8, "http://nowhere.invalid/x").one_line_error()


def test_a_certificate_that_nobody_vouches_for_is_told_with_what_to_do(
    digits: Digits, run: Run, camera: Camera, tmp_path: Path
) -> None:
    """As most cameras have one that they made themselves."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "camera.pem"
    made = ["-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=camera"]
    subprocess.run(["openssl", "req", "-x509", *made], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def serve(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        line = run("run", digits.int8, f"https://127.0.0.1:{server.getsockname()[1]}/x").one_line_error()
        server.shutdown(socket.SHUT_RDWR)
    plain = run("run", digits.int8, camera.url.replace("http", "https")).one_line_error()

    assert "its certificate is not trusted (self-signed certificate); SSL_CERT_FILE=FILE.pem" in line
    assert "no TLS with it" in plain


def test_who_keeps_trying_waits_for_the_camera(classifier: Classifier, camera: Camera) -> None:
    camera.kill()
    threading.Timer(0.3, camera.restart).start()

    with Watched(classifier, camera.url, keep_trying=True) as watched:
        watched.until(is_four)

    assert watched.states[1][1] == "connecting"
    assert "connection refused" in watched.states[1][2]
    assert watched.names()[-1] == "live"


@pytest.mark.parametrize("digest", [False, True])
def test_a_camera_with_a_password_is_opened_and_spoken_of_without_it(
    classifier: Classifier, camera: Camera, digest: bool
) -> None:
    camera.password, camera.digest = "me:sec/ret", digest
    url = camera.url.replace("127", "me:sec%2Fret@127")

    with Watched(classifier, url) as watched:
        result = watched.until(is_four)

    assert result.source == camera.url.replace("127", "me:***@127")
    assert not [state for state in watched.states if "ret" in str(state)]


def test_a_wrong_password_is_told(classifier: Classifier, camera: Camera) -> None:
    camera.password = "me:secret"  # noqa: S105

    for camera.digest in (False, True):
        with pytest.raises(DataError, match="refuses this user or password"):
            next(iter(classifier.stream(camera.url.replace("127", "me:wrong@127"))))


def test_a_password_that_a_digest_cannot_be_made_of_is_told(digits: Digits, run: Run, camera: Camera) -> None:
    camera.password, camera.digest = "me:Ärger", True

    line = run("run", digits.int8, camera.url.replace("127", "me:%C3%84rger@127")).one_line_error()

    assert "user and password can only have ASCII letters here" in line
    assert "xc4" not in line


def test_the_hint_how_to_give_a_password_reads_as_it_is_meant(digits: Digits, run: Run, camera: Camera) -> None:
    camera.password = "me:secret"  # noqa: S105

    assert "http://USER:PASSWORD@HOST/" in run("run", digits.int8, camera.url).one_line_error()


# The end


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_and_every_line_is_whole(
    digits: Digits, camera: Camera, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    import json

    rows = tmp_path / "a.jsonl"
    command = [*COMMAND, str(digits.int8), camera.url, "--to", f"jsonl:{rows}", "--to", "table:"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        table = [child.stdout.readline()]
        while rows.read_text().count("\n") < 20:
            assert child.poll() is None
        child.send_signal(number)
        table += child.stdout.readlines()
        errors = child.stderr.read().splitlines()

    assert child.returncode == code
    lines = [json.loads(line) for line in rows.read_text().splitlines()]
    assert rows.read_text().endswith("\n")
    assert all(line["label"] == "4" for line in lines)
    assert len(table) < len(lines)  # people get a line a second, and one at each change
    assert "  4  " in table[0]
    assert errors[:2] == [f"{camera.url}: connecting", f"{camera.url}: live"]
    assert errors[2:] == ([] if number == signal.SIGTERM else ["edgeship: interrupted"])


def test_nothing_is_left_behind(classifier: Classifier, camera: Camera) -> None:
    """Threads and descriptors, after a stream was left that had failed a few times."""
    before, files = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    servers = camera.connections
    with Watched(classifier, camera.url) as watched:
        for _ in range(4):
            watched.until(is_four)
            camera.break_off()
            lives = watched.names().count("live")
            watched.until(lambda _, lives=lives: watched.names().count("live") > lives)  # type: ignore[misc]
    camera.kill()

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and threading.active_count() > before:
        time.sleep(0.01)
    assert threading.active_count() <= before
    assert len(list(Path("/proc/self/fd").iterdir())) <= files
    assert camera.connections >= servers + 5


# capture takes streams as well


def test_pictures_of_a_stream_become_a_dataset(run: Run, camera: Camera, tmp_path: Path) -> None:
    done: Done = run(
        "capture", camera.url, tmp_path, "--label", "four", "--count", 3, "--every", 0.05, "--min-change", 0
    )

    assert done.code == 0, done.err
    pictures = sorted((tmp_path / "four").iterdir())
    assert [path.name for path in pictures] == ["00001.jpg", "00002.jpg", "00003.jpg"]
    with Image.open(pictures[0]) as taken, Image.open(io.BytesIO(camera.pictures[0])) as sent:
        assert np.abs(np.asarray(taken, int) - np.asarray(sent, int)).mean() < 2
    assert done.err.splitlines()[0] == f"{camera.url}: connecting"


def test_a_size_is_not_for_streams(run: Run, camera: Camera, tmp_path: Path) -> None:
    with contextlib.suppress(OSError):
        assert run("capture", camera.url, tmp_path, "--label", "x", "--size", "64x48").code == 2
