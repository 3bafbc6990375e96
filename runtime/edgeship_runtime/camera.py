"""Cameras: frames of `camera:N`, a V4L2 device of Linux, through OpenCV. A frame is never older than the moment it was asked for.

The kernel queues frames for OpenCV in a few buffers, and hands out the oldest first: after a pause of ten seconds the next four frames
are ten seconds old. So frames are taken from the queue and thrown away until one is fresh. OpenCV gives the driver's time stamp
of the frame it took last, on the clock that time.monotonic() reads (CAP_PROP_POS_MSEC, modules/videoio/src/cap_v4l.cpp): one stamped
after it was asked for is fresh. Drivers that stamp otherwise are met by counting: more frames than there are buffers cannot all
have been waiting.
"""

from __future__ import annotations

import errno
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, perf_counter, time
from typing import Any

from edgeship_runtime.errors import DataError
from edgeship_runtime.files import reason
from edgeship_runtime.frames import Frame
from edgeship_runtime.terminal import say
from edgeship_runtime.video import opencv, rgb

_BUFFERS = 4  # OpenCV's queue for V4L2 (DEFAULT_V4L_BUFFERS)
_STALE = (
    _BUFFERS + 1
)  # what can have been taken before it was asked for: the queue, and the frame that was being exposed
_SETTLE_S = 1.0  # the first frames of most cameras are dark or tinted, until exposure and white balance have settled
_OLDEST_S = 10.0  # a time stamp that is older, or in the future, is of another clock
_SAME_RATE = 0.02  # 29.97 for 30
_DAMAGED = 5  # frames in a row that cannot be decoded (USB loses bytes) until the camera is given up


class Camera:
    """A camera that is open, and has found its exposure."""

    def __init__(
        self,
        number: int,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        """Opens /dev/videoN and lets it settle for a second.

        Args:
            number: N.
            size: width and height in pixels; None takes what the camera gives.
            fps: frames a second to ask for; a camera that has no such rate takes one near it.
            numbers: of its frames; from 0 when None.

        Raises:
            DataError: there is no such camera, it is busy or not permitted, or it has no such size.
            MissingExtraError: OpenCV is not installed.
        """
        cv2 = opencv()
        self.name = f"camera:{number}"
        self._device = Path("/dev") / f"video{number}"
        self._numbers = itertools.count() if numbers is None else numbers
        self._index = -1
        # V4L2 by name: a distribution's OpenCV may prefer GStreamer, which stamps frames in another way.
        self._capture: Any = cv2.VideoCapture(number, cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY)
        if not self._capture.isOpened():
            raise DataError(f"{self.name}: {_why_not(self._device)}")
        try:
            if size is not None or fps is not None:
                # Uncompressed, a USB 2 camera has the bandwidth for 10 frames of 720p a second. One without MJPEG keeps its format.
                self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            if size is not None:
                self._resize(size)
            if fps is not None:
                self._pace(fps)
            self._settle()
        except BaseException:
            self.close()
            raise

    def latest(self) -> Frame:
        """A frame that the camera took after this call.

        Raises:
            DataError: the camera gives no more frames.
        """
        return self._decoded(self._grab_fresh)

    def next(self) -> Frame:
        """The next frame of the queue: who calls this without pause gets each one as it comes.

        Raises:
            DataError: the camera gives no more frames.
        """
        return self._decoded(self._grab_next)

    def frames(self, every_s: float = 0.0) -> Iterator[Frame]:
        """Fresh frames for ever, at least so many seconds apart.

        Raises:
            DataError: the camera gives no more frames.
        """
        while True:
            frame = self.latest()
            due = monotonic() + every_s
            yield frame
            while monotonic() < due:
                self._grab()  # waiting this way keeps the queue empty

    def expected_frames(self, every_s: float = 0.0) -> None:
        """None, where a video file gives a number: a camera has no last frame."""

    def close(self) -> None:
        """Lets go of the camera."""
        self._capture.release()

    def _decoded(self, grab: Callable[[], float]) -> Frame:
        """A frame that could be decoded, with its age; `grab` takes one and returns when it was taken, by monotonic()."""
        for _ in range(_DAMAGED):
            arrived = grab()
            began = perf_counter()
            done, bgr = self._capture.retrieve()
            if done:
                pixels = rgb(bgr)
                return Frame(
                    pixels,
                    self.name,
                    self._index,
                    captured_at=time() - (monotonic() - arrived),
                    arrived_s=arrived,
                    decode_ms=(perf_counter() - began) * 1e3,
                )
        raise DataError(f"{self.name}: {_DAMAGED} frames in a row were damaged; try another cable, or a smaller size")

    def _grab_fresh(self) -> float:
        """Takes frames from the queue until one is fresh."""
        asked = monotonic()
        for _ in range(_STALE + 1):
            stamp = self._grab()
            now = monotonic()
            if asked <= stamp <= now:
                return stamp
        return monotonic()

    def _grab_next(self) -> float:
        stamp, now = self._grab(), monotonic()
        return stamp if now - _OLDEST_S < stamp <= now else now

    def _grab(self) -> float:
        """Takes the oldest frame from the queue, without decoding it, and returns the driver's time stamp in seconds."""
        if not self._capture.grab():
            raise DataError(
                f"{self.name} gives no picture: it was unplugged, or another program uses it (fuser {self._device})"
            )
        self._index = next(self._numbers)
        return float(self._capture.get(opencv().CAP_PROP_POS_MSEC)) / 1000

    def _resize(self, size: tuple[int, int]) -> None:
        cv2 = opencv()
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        width, height = (int(self._capture.get(item)) for item in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if (width, height) != size:
            raise DataError(f"{self.name} offers {width}x{height} instead of {size[0]}x{size[1]}")

    def _pace(self, fps: float) -> None:
        cv2 = opencv()
        self._capture.set(cv2.CAP_PROP_FPS, fps)
        given = float(self._capture.get(cv2.CAP_PROP_FPS))
        if given > 0 and abs(given - fps) > _SAME_RATE * fps:
            say(f"{self.name}: takes {given:g} frames a second, {fps:g} were asked for")

    def _settle(self) -> None:
        until = monotonic() + _SETTLE_S
        while monotonic() < until:
            self._grab()


def _why_not(device: Path) -> str:
    """Why a camera cannot be opened, asked of the system: OpenCV only says no."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_NONBLOCK))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return f"there is no {device}{_others(device)}"
        if error.errno in (errno.EACCES, errno.EPERM):
            group = _group(device)
            return f"you may not open {device}; join the group {group} and log in again: sudo usermod -aG {group} $USER"
        if error.errno != errno.EBUSY:
            return f"{device}: {reason(error)}"
    return f"{device} gives no picture: another program uses it (fuser {device}), or it is no camera{_others(device)}"


def _group(device: Path) -> str:
    """Whose members may open it: video, wherever nobody decided otherwise."""
    import grp

    try:
        name = grp.getgrgid(device.stat().st_gid).gr_name
    except (OSError, KeyError):
        return "video"
    return "video" if name == "root" else name  # as the kernel makes it, before udev's rules are applied


def _others(device: Path) -> str:
    """What else might be meant. Not each of these devices is a camera: codecs and metadata are named alike."""
    found = sorted(device.parent.glob("video[0-9]*"), key=lambda item: (len(item.name), item.name))
    names = ", ".join(str(item) for item in found if item != device)
    return f"; here are {names}" if names else f" and no other {device.parent}/video*; is the camera plugged in?"
