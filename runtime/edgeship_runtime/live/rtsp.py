"""RTSP: network cameras that send H.264 or H.265, through OpenCV's FFmpeg.

What FFmpeg does when a camera falls silent had to be found out (OpenCV 5.0): `read` waits for its whole timeout, then returns True
with a frame that it had kept back. So a frame that took too long to come is no frame, and the stream is over.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from time import monotonic, perf_counter, thread_time, time
from typing import Any
from urllib.parse import urlsplit

from edgeship_runtime.errors import DataError
from edgeship_runtime.frames import Frame
from edgeship_runtime.live.streams import OPEN_S
from edgeship_runtime.sources.addresses import Live
from edgeship_runtime.terminal import say
from edgeship_runtime.unreachable import why
from edgeship_runtime.video import opencv, rgb

_VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
# TCP, because a lost packet of UDP is a grey smear for seconds; half a second instead of five to find out what is sent; no queue.
_OPTIONS = "rtsp_transport;tcp|fflags;nobuffer|analyzeduration;500000|probesize;500000"
_opening = threading.Lock()  # the variable is the process's; OpenCV 5.0 has such a lock of its own around all of this
_ANSWER_S = 5.0


class RtspStream:
    """A connection to an RTSP camera."""

    def __init__(self, source: Live, numbers: Iterator[int], stall_s: float) -> None:
        self._name, self._numbers, self._stall_s = source.name, numbers, stall_s
        self._holds_back = False
        # Asked first, because OpenCV opens one camera at a time: one that does not answer would hold up all others.
        code = _asked(source.address)
        self._capture = _opened(source.address, stall_s)
        if not self._capture.isOpened():
            self._capture.release()
            raise DataError(_refused(code, known=urlsplit(source.address).username is not None))

    def read(self) -> Frame:
        """The next frame, decoded."""
        began, cost = monotonic(), thread_time()
        if not self._capture.grab():
            raise DataError("the camera ended the stream, or sends none")
        arrived, cost = monotonic(), thread_time() - cost
        if arrived - began > self._stall_s:
            raise DataError(f"no frame for {arrived - began:.1f} s")
        converting = perf_counter()
        done, bgr = self._capture.retrieve()
        if not done:
            raise DataError("a frame could not be converted to RGB")
        pixels = rgb(bgr)
        self._look_for_b_frames()
        # It arrived before it was decoded: waiting costs no processor time, decoding does.
        decode_ms = (cost + perf_counter() - converting) * 1e3
        ago = cost + monotonic() - arrived
        return Frame(
            pixels,
            self._name,
            next(self._numbers),
            captured_at=time() - ago,
            arrived_s=arrived - cost,
            decode_ms=decode_ms,
        )

    def _look_for_b_frames(self) -> None:
        """Says once of a connection that its ages are too low: how long the decoder held a frame back, OpenCV does not tell."""
        kind = getattr(opencv(), "CAP_PROP_FRAME_TYPE", None)  # not every OpenCV tells it
        if not self._holds_back and kind is not None and self._capture.get(kind) == ord("B"):
            self._holds_back = True
            say(
                f"{self._name}: sends B-frames, which wait for later ones: answers are some frames older than their age says; "
                "most cameras can turn them off (H.264 profile: baseline)"
            )

    def interrupt(self) -> None:
        """Nothing: OpenCV's own timeout ends a read, and to release it meanwhile would crash."""

    def close(self) -> None:
        """Ends the connection."""
        self._capture.release()


def _opened(url: str, stall_s: float) -> Any:  # noqa: ANN401 - OpenCV's
    cv2 = opencv()
    # These count only here: set later, they are refused. One thread, because several keep as many frames back.
    timeouts = (
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        int(OPEN_S * 1e3),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        int(stall_s * 1e3) + 1000,
    )
    with _opening:
        before = os.environ.get(_VARIABLE)
        os.environ.setdefault(_VARIABLE, _OPTIONS)
        try:
            return cv2.VideoCapture(url, cv2.CAP_FFMPEG, [*timeouts, cv2.CAP_PROP_N_THREADS, 1])
        finally:
            if before is None:
                del os.environ[_VARIABLE]


def _asked(url: str) -> str:
    """The camera's answer to who asks without a password: "200", or "401" where it wants one.

    Raises:
        DataError: there is none, or it has no such stream.
    """
    parts = urlsplit(url)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 554), _ANSWER_S) as connection:
            connection.settimeout(_ANSWER_S)
            connection.sendall(f"DESCRIBE {bare} RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: edgeship\r\n\r\n".encode())
            status = connection.recv(64).decode("latin-1").split()
    except OSError as error:
        raise DataError(why(error)) from None
    if len(status) < 2 or not status[0].startswith("RTSP/"):
        raise DataError("what answers there does not speak RTSP")
    if status[1] == "404":
        raise DataError("has no stream at this path (404); see the camera's manual for it")
    return status[1]


def _refused(code: str, *, known: bool) -> str:
    if code in ("401", "403"):
        if known:  # it was asked without, and says no more to that
            return "cannot be opened with this user and password: they are wrong, or the path is, or OpenCV cannot read its video"
        return "wants a user and a password: rtsp://USER:PASSWORD@HOST/…"
    return "sends no video that OpenCV can read" if code == "200" else f"answers {code}"
