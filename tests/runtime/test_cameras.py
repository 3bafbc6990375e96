"""Cameras of this machine as live sources. None can be opened where tests run, so stand-ins do what OpenCV and picamera2 document."""

from __future__ import annotations

import sys
import time
import types
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgeship_runtime import Classifier
from edgeship_runtime import camera as camera_module
from edgeship_runtime.errors import DataError, MissingExtraError
from edgeship_runtime.live import feeds
from making import Digits, Run
from watching import Watched

RED = (200, 30, 20)


@pytest.fixture(scope="module")
def classifier(digits: Digits) -> Classifier:
    return Classifier.load(digits.int8, threads=1)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(feeds, "LONGEST_WAIT_S", 0.1)
    monkeypatch.setattr(camera_module, "_SETTLE_S", 0.02)


def pixels(size: tuple[float, float], colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.full((int(size[1]), int(size[0]), 3), colour, np.uint8)


# V4L2


class Device:
    """A V4L2 device as cv2.VideoCapture shows it: red, 100 frames a second, stamped as the driver does."""

    def __init__(self, *, frames: int = 10**9) -> None:
        self.frames, self.opened, self.released = frames, 0, 0
        self.set_to: dict[int, float] = {}
        self.only_fps: float | None = None

    def __call__(self, number: int, backend: int) -> Device:
        assert (number, backend) == (0, cv2.CAP_V4L2)
        self.opened, self.left = self.opened + 1, self.frames
        return self

    def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
        return True

    def grab(self) -> bool:
        time.sleep(0.01)
        self.left -= 1
        self.stamp = time.monotonic() - 0.005
        return self.left >= 0

    def retrieve(self) -> tuple[bool, NDArray[np.uint8]]:
        return True, pixels((self.get(cv2.CAP_PROP_FRAME_WIDTH), self.get(cv2.CAP_PROP_FRAME_HEIGHT)), RED[::-1])

    def get(self, what: int) -> float:
        if what == cv2.CAP_PROP_FPS and self.only_fps is not None:
            return self.only_fps
        sizes = {cv2.CAP_PROP_FRAME_WIDTH: 64.0, cv2.CAP_PROP_FRAME_HEIGHT: 48.0}
        return self.stamp * 1000 if what == cv2.CAP_PROP_POS_MSEC else self.set_to.get(what, sizes.get(what, 0))

    def set(self, what: int, value: float) -> bool:
        self.set_to[what] = value
        return True

    def release(self) -> None:
        self.released += 1


Install = Callable[..., Device]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    def install(**options: Any) -> Device:
        device = Device(**options)
        monkeypatch.setattr(cv2, "VideoCapture", device)
        return device

    return install


def test_a_camera_is_asked_for_its_size_and_rate_and_gives_rgb(classifier: Classifier, install: Install) -> None:
    device = install()

    with Watched(classifier, "camera:0?size=96x64&fps=15") as watched:
        result = watched.until(lambda r: r.index > 5)

    assert device.set_to == {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
        cv2.CAP_PROP_FRAME_WIDTH: 96,
        cv2.CAP_PROP_FRAME_HEIGHT: 64,
        cv2.CAP_PROP_FPS: 15.0,
    }
    assert next(iter(device.set_to)) == cv2.CAP_PROP_FOURCC  # which sizes and rates there are depends on it
    assert result.frame is not None
    assert np.array_equal(result.frame.pixels, pixels((96, 64), RED))
    assert result.source == "camera:0"
    assert result.age_ms is not None
    assert result.age_ms >= 5  # from the driver's stamp, not from when it was read
    assert device.released == device.opened == 1


def test_a_camera_with_another_rate_says_so(
    classifier: Classifier, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    device = install()
    device.only_fps = 10.0

    with Watched(classifier, "camera:0?fps=30") as watched:
        watched.until(lambda r: r.index > 5)

    assert "camera:0: takes 10 frames a second, 30 were asked for\n" in capsys.readouterr().err


def test_a_camera_that_is_unplugged_is_opened_again(classifier: Classifier, install: Install) -> None:
    device = install(frames=30)

    with Watched(classifier, "camera:0") as watched:
        watched.until(lambda r: r.index > 70)

    assert device.opened >= 3
    assert watched.names()[:4] == ["connecting", "live", "reconnecting", "live"]
    assert "it was unplugged" in watched.states[2][2]


def test_a_camera_that_is_not_there_is_one_line(digits: Digits, run: Run) -> None:
    line = run("run", digits.int8, "camera:97").one_line_error()

    assert line.startswith("edgeship: camera:97: there is no /dev/video97")


# picamera2


class Picamera2:
    """What its manual says of it, as far as it is used."""

    def __init__(self, number: int) -> None:
        if number == 1:
            raise RuntimeError("Failed to acquire camera: Device or resource busy")
        self.is_open, self.started, self.pending = True, False, 0

    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        return [{"Model": "imx708", "Num": 0}, {"Model": "imx219", "Num": 1}]

    def create_video_configuration(self, **options: Any) -> dict[str, Any]:
        assert set(options) == {"main", "controls", "queue"}
        return options

    def configure(self, configuration: dict[str, Any]) -> None:
        CONFIGURED.append(configuration)
        self.main = configuration["main"]

    def start(self) -> None:
        self.started = True

    def capture_request(self, wait: bool) -> str:
        assert self.started
        assert not wait
        return "job"

    def wait(self, job: str, timeout: float) -> Picamera2:
        if job == "job" and STALLED:
            STALLED.pop()
            raise TimeoutError
        assert not self.pending, "a request was not released"
        time.sleep(0.01)
        self.pending += 1
        return self

    def make_array(self, name: str) -> NDArray[np.uint8]:
        """Appendix A: "BGR888" is R, G, B in memory, "RGB888" is B, G, R."""
        assert name == "main"
        return pixels(self.main["size"], {"BGR888": RED, "RGB888": RED[::-1]}[self.main["format"]])

    def get_metadata(self) -> dict[str, int]:
        return {"SensorTimestamp": time.monotonic_ns() - 20_000_000}

    def release(self) -> None:
        self.pending -= 1

    def close(self) -> None:
        CLOSED.append(self)


CONFIGURED: list[dict[str, Any]] = []
CLOSED: list[Picamera2] = []
STALLED: list[bool] = []  # a wait in vain for each


@pytest.fixture
def picamera2(monkeypatch: pytest.MonkeyPatch) -> None:
    CONFIGURED.clear()
    CLOSED.clear()
    module = types.ModuleType("picamera2")
    module.Picamera2 = Picamera2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "picamera2", module)


def test_a_pi_camera_gives_rgb_and_says_how_old_it_is(classifier: Classifier, picamera2: None) -> None:
    with Watched(classifier, "picamera:0?size=320x240&fps=20") as watched:
        result = watched.until(lambda r: r.index > 5)

    assert CONFIGURED == [
        {"main": {"size": (320, 240), "format": "BGR888"}, "controls": {"FrameRate": 20.0}, "queue": False}
    ]
    assert result.frame is not None
    assert np.array_equal(result.frame.pixels, pixels((320, 240), RED))
    assert result.age_ms is not None
    assert result.age_ms >= 20
    assert len(CLOSED) == 1


def test_a_pi_camera_that_falls_silent_is_let_go_of_and_opened_again(classifier: Classifier, picamera2: None) -> None:
    with Watched(classifier, "picamera:0?size=64x48") as watched:
        watched.until(lambda r: r.index > 2)
        STALLED.append(True)
        watched.until(lambda _: watched.names().count("live") == 2)
        assert len(CLOSED) == 1

    assert ("picamera:0", "reconnecting", "no frame for 5 s") in watched.states


@pytest.mark.parametrize(
    ("source", "words"),
    [("picamera:2", "libcamera sees 2"), ("picamera:1", "Device or resource busy; another program")],
)
def test_a_pi_camera_that_cannot_be_opened_is_told_why(
    classifier: Classifier, picamera2: None, source: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        next(iter(classifier.stream(source)))


def test_without_picamera2_it_is_said_how_to_get_it(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)

    with pytest.raises(MissingExtraError, match="sudo apt install python3-picamera2"):
        next(iter(classifier.stream("picamera:0", keep_trying=True)))


def test_pictures_of_a_pi_camera_become_a_dataset(run: Run, picamera2: None, tmp_path: Any) -> None:
    options = ["--label", "red", "--count", 2, "--every", 0, "--min-change", 0, "--size", "64x48", "--format", "png"]

    done = run("capture", "picamera:0", tmp_path, *options)

    assert done.code == 0, done.err
    taken = np.asarray(Image.open(tmp_path / "red" / "00002.png"))
    assert np.array_equal(taken, pixels((64, 48), RED))
