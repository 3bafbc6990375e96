"""Hub: several live sources at once; whoever takes a frame gets the newest one of the source that has waited longest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

from edgeship_runtime.frames import Frame
from edgeship_runtime.live.feeds import Feed
from edgeship_runtime.live.streams import connect
from edgeship_runtime.sinks.sink import State
from edgeship_runtime.sources.addresses import Live

_TICK_S = 0.1
_PATIENCE_S = 0.5


@dataclass(frozen=True)
class Taken:
    """A frame that was taken.

    Attributes:
        frame: the newest of its source.
        dropped: frames of the source that nobody took since the one before.
        is_first: of this connection; there may be a gap before it.
    """

    frame: Frame
    dropped: int
    is_first: bool


class _Seat:
    """A feed, and what was taken of it."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.last_index, self.lives, self.due_s = -1, 0, 0.0


class Hub:
    """Opens live sources and looks after them, in a thread, until it is closed."""

    def __init__(
        self,
        sources: Sequence[Live],
        on_state: Callable[[str, State, str], None],
        *,
        stall_s: float,
        keep_trying: bool,
        max_fps: float | None = None,
    ) -> None:
        self._arrived = threading.Condition()
        self._interval_s = 0.0 if max_fps is None else 1 / max_fps
        self._seats = [
            _Seat(
                Feed(
                    source.name,
                    partial(connect, source, stall_s=stall_s),
                    self._arrived,
                    on_state,
                    stall_s=stall_s,
                    keep_trying=keep_trying,
                )
            )
            for source in sources
        ]
        self._feeds = [seat.feed for seat in self._seats]
        self._failure: Exception | None = None
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._look_after, name="watch", daemon=True)
        self._watch.start()

    def take(self, timeout_s: float) -> Taken | None:
        """The newest frame of a source, each of which has its turn; None where none arrived in time.

        Raises:
            DataError: a source cannot be opened at the start.
            Exception: what `on_state` raised, or a fault of ours: nobody looks after the sources any more.
        """
        until = monotonic() + timeout_s
        with self._arrived:
            while True:
                for failure in (self._failure, *(feed.failure for feed in self._feeds)):
                    if failure is not None:
                        raise failure
                now = monotonic()
                for seat in self._seats:
                    if seat.feed.newest is not None and now >= seat.due_s:
                        return self._taken(seat, seat.feed.newest, now)
                if now >= until:
                    return None
                waiting = [seat.due_s for seat in self._seats if seat.feed.newest is not None]
                self._arrived.wait(min([until, *waiting]) - now)

    def close(self) -> None:
        """Lets go of all sources; those that hang are left behind."""
        self._closed.set()
        self._watch.join()
        for feed in self._feeds:
            feed.close(0.0)
        for feed in self._feeds:
            feed.close(_PATIENCE_S)

    def _taken(self, seat: _Seat, frame: Frame, now: float) -> Taken:
        self._seats.remove(seat)
        self._seats.append(seat)
        taken = Taken(frame, frame.index - seat.last_index - 1, seat.feed.lives != seat.lives)
        seat.feed.newest = None
        seat.last_index, seat.lives = frame.index, seat.feed.lives
        seat.due_s = now + self._interval_s
        return taken

    def _look_after(self) -> None:
        try:
            while not self._closed.is_set():
                for feed in self._feeds:
                    feed.tick()
                self._closed.wait(_TICK_S)
        except Exception as error:
            with self._arrived:
                self._failure = error
                self._arrived.notify_all()
