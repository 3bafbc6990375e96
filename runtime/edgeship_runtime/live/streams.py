"""Streams: one connection to a live source; a file for each kind. They fail in words; `feeds` opens them again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from edgeship_runtime.frames import Frame
from edgeship_runtime.sources.addresses import Live

OPEN_S = 10.0  # what opening may take


class Stream(Protocol):
    """A live source that is open. Used by one thread, but for `interrupt`."""

    def read(self) -> Frame:
        """Waits for the next frame.

        Raises:
            DataError: the source gives no more frames; why, without its name.
        """

    def interrupt(self) -> None:
        """Ends a `read` that waits, where that can be done from another thread."""

    def close(self) -> None:
        """Lets go."""


def connect(source: Live, numbers: Iterator[int], stall_s: float) -> Stream:
    """Opens a live source.

    Args:
        source: which.
        numbers: of its frames, going on over connections.
        stall_s: how long a read may take; then it is interrupted, and where it cannot be, it ends by itself soon after.

    Raises:
        DataError: it cannot be opened; why, without its name.
        MissingExtraError: what reads it is not installed.
    """
    if source.kind == "http":
        from edgeship_runtime.live.mjpeg import MjpegStream

        return MjpegStream(source, numbers, stall_s)
    if source.kind == "rtsp":
        from edgeship_runtime.live.rtsp import RtspStream

        return RtspStream(source, numbers, stall_s)
    if source.kind == "picamera":
        from edgeship_runtime.live.picamera import PiCameraStream

        return PiCameraStream(source, numbers, stall_s)
    from edgeship_runtime.live.v4l2 import CameraStream

    return CameraStream(source, numbers)
