"""V4L2: a camera of this machine, read without pause, so that nothing grows old in the kernel's queue."""

from __future__ import annotations

from collections.abc import Iterator

from edgeship_runtime.camera import Camera
from edgeship_runtime.errors import DataError
from edgeship_runtime.frames import Frame
from edgeship_runtime.sources.addresses import Live


class CameraStream:
    """/dev/videoN."""

    def __init__(self, source: Live, numbers: Iterator[int]) -> None:
        self._name = source.name
        try:
            self._camera = Camera(int(source.address), source.size, source.fps, numbers)
        except DataError as error:
            raise DataError(str(error).removeprefix(f"{self._name}: ")) from None

    def read(self) -> Frame:
        """The next frame."""
        try:
            return self._camera.next()
        except DataError as error:
            raise DataError(str(error).removeprefix(self._name).lstrip(": ")) from None

    def interrupt(self) -> None:
        """Nothing: OpenCV gives up by itself after 10 s, and to release it meanwhile would crash."""

    def close(self) -> None:
        """Lets go of the camera."""
        self._camera.close()
