"""Footage: fresh frames of a stream, for who takes one now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic

from edgeship_runtime.frames import Frame
from edgeship_runtime.live.hub import Hub
from edgeship_runtime.sinks.sink import State
from edgeship_runtime.sources.addresses import Live

_STALL_S = 5.0
_TICK_S = 0.2


class LiveFootage:
    """A stream that is open, and opened again when it fails."""

    def __init__(self, source: Live, on_state: Callable[[str, State, str], None]) -> None:
        self.name = source.name
        self._hub = Hub([source], on_state, stall_s=_STALL_S, keep_trying=False)

    def latest(self) -> Frame:
        """A frame that arrived after this call.

        Raises:
            DataError: the stream cannot be opened.
        """
        asked = monotonic()
        while True:
            taken = self._hub.take(_TICK_S)
            if taken is not None and (taken.frame.arrived_s or 0.0) >= asked:
                return taken.frame

    def frames(self, every_s: float = 0.0) -> Iterator[Frame]:
        """Fresh frames for ever, at least so many seconds apart.

        Raises:
            DataError: the stream cannot be opened.
        """
        while True:
            frame = self.latest()
            due = monotonic() + every_s
            yield frame
            while (left := due - monotonic()) > 0:
                self._hub.take(left)

    def expected_frames(self, every_s: float = 0.0) -> None:
        """None: a stream has no last frame."""

    def close(self) -> None:
        """Lets go of the stream."""
        self._hub.close()
