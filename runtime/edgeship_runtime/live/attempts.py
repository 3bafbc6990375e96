"""Attempts: one connection to a live source, read by a thread of its own, which may hang in OpenCV without harm to the others."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from time import monotonic

from edgeship_runtime.errors import DataError
from edgeship_runtime.frames import Frame
from edgeship_runtime.live.streams import Stream


class Attempt:
    """Opens a stream and reads it, until it fails or is abandoned.

    Attributes:
        began_s: when, by time.monotonic().
        first_s, last_s: when the first and the last frame came; None before the first.
        error: why it ended; None while it goes on.
    """

    def __init__(self, name: str, connect: Callable[[], Stream], arrived: Callable[[Attempt, Frame], None]) -> None:
        self.began_s = monotonic()
        self.first_s: float | None = None
        self.last_s: float | None = None
        self.error: Exception | None = None
        self._connect, self._arrived = connect, arrived
        self._stream: Stream | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._read, name=f"read {name}", daemon=True)

    def start(self) -> None:
        """Begins."""
        try:
            self._thread.start()
        except RuntimeError as error:  # the system has no thread left
            self.error = DataError(str(error))

    @property
    def hangs(self) -> bool:
        """Its thread has not come back."""
        return self._thread.is_alive()

    def abandon(self, patience_s: float = 0.0) -> None:
        """Wants no more frames. Only its own thread lets go of the stream: OpenCV crashes when another one does."""
        self._abandoned = True
        if self._stream is not None:
            self._stream.interrupt()
        if self._thread.ident is not None:  # it was started
            self._thread.join(patience_s)

    def _read(self) -> None:
        try:
            self._stream = self._connect()
            with contextlib.closing(self._stream):
                while not self._abandoned:
                    frame = self._stream.read()
                    self.last_s = monotonic()
                    self._arrived(self, frame)
        except Exception as error:
            self.error = error
