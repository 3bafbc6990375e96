"""picamera2: a Raspberry Pi's own camera, which V4L2 does not reach since Bookworm.

Thin, because no such camera is where this is developed: it was tried against a stand-in for the documented interface, never on a Pi
(Picamera2 manual: https://datasheets.raspberrypi.com/camera/picamera2-manual.pdf, chapters 4 to 6 and appendix A).
"""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic, time
from typing import Any

import numpy as np

from edgeship_runtime.errors import DataError, MissingExtraError
from edgeship_runtime.frames import Frame
from edgeship_runtime.sources.addresses import Live

_SIZE = (1280, 720)
_OLDEST_S = 10.0  # a time stamp that is older, or in the future, is of another clock


class PiCameraStream:
    """Camera N of libcamera."""

    def __init__(self, source: Live, numbers: Iterator[int], stall_s: float) -> None:
        self._name, self._numbers, self._stall_s = source.name, numbers, stall_s
        self._camera = _opened(int(source.address))
        try:
            self._camera.configure(
                self._camera.create_video_configuration(
                    # Named by significance, not by place: "BGR888" is R, G, B in memory, and "RGB888" is B, G, R.
                    main={"size": source.size or _SIZE, "format": "BGR888"},
                    controls={} if source.fps is None else {"FrameRate": source.fps},
                    queue=False,  # never a frame from before it was asked for
                )
            )
            self._camera.start()
        except Exception as error:
            self._camera.close()
            raise DataError(f"cannot be started: {error}") from None

    def read(self) -> Frame:
        """The next frame."""
        job = self._camera.capture_request(wait=False)
        try:
            request = self._camera.wait(job, timeout=self._stall_s)
        except TimeoutError:  # a loose ribbon cable; waiting for ever would keep the camera from being opened again
            raise DataError(f"no frame for {self._stall_s:g} s") from None
        try:
            pixels = np.ascontiguousarray(request.make_array("main"), np.uint8)
            stamp = request.get_metadata().get("SensorTimestamp", 0) / 1e9  # on the clock that monotonic() reads
        finally:
            request.release()
        now = monotonic()
        arrived = stamp if now - _OLDEST_S < stamp <= now else now
        captured_at = time() - (now - arrived)
        return Frame(pixels, self._name, next(self._numbers), captured_at=captured_at, arrived_s=arrived)

    def interrupt(self) -> None:
        """Nothing: libcamera has no call for it."""

    def close(self) -> None:
        """Lets go of the camera."""
        self._camera.close()


def _opened(number: int) -> Any:  # noqa: ANN401 - theirs, untyped
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise MissingExtraError(
            f"a Raspberry Pi's camera needs picamera2, which cannot be imported ({error}): sudo apt install python3-picamera2, "
            "and an environment that sees it: python3 -m venv --system-site-packages"
        ) from None
    found = len(Picamera2.global_camera_info())
    if number >= found:
        raise DataError(f"there is no such camera: libcamera sees {found}; rpicam-hello --list-cameras lists them")
    try:
        return Picamera2(number)
    except Exception as error:  # libcamera's errors come as RuntimeError and others
        raise DataError(f"cannot be opened: {error}; another program may use it") from None
