"""Feeds: a live source as a slot that holds its newest frame. Opened, watched, and opened again when it fails, for ever.

    connecting ─▶ live ─▶ stalled ─▶ reconnecting ─▶ live …
                    └───────────────────▲     a stream that ends, a camera that is unplugged

A frame is never invented, and never given twice: while a source is not live there is none.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from time import monotonic

from edgeship_runtime.errors import DataError, EdgeshipError, MissingExtraError
from edgeship_runtime.frames import Frame
from edgeship_runtime.live.attempts import Attempt
from edgeship_runtime.live.streams import OPEN_S, Stream
from edgeship_runtime.sinks.sink import State

FIRST_WAIT_S, LONGEST_WAIT_S = (
    0.5,
    30.0,
)  # before a source is opened again: doubled each time, less up to a half by chance
_STEADY_S = 10.0  # what was live for so long has recovered, and the waits begin anew
_MOST_HANGING = 3  # threads that OpenCV has not given back; further ones would hang as well
_REMIND_S = 600.0  # a reason that stays the same is not told again before


class Feed:
    """One live source.

    Attributes:
        name: how to speak of it, without passwords.
        newest: the last frame, until somebody takes it.
        lives: how often it became live; who remembers earlier frames has to forget them when this grows.
        failure: why it cannot be opened at the start; None while it can, or will be tried again.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[Iterator[int]], Stream],
        arrived: threading.Condition,
        on_state: Callable[[str, State, str], None],
        *,
        stall_s: float,
        keep_trying: bool,
    ) -> None:
        """Prepares; `tick` opens it.

        Args:
            name: see above.
            connect: opens the stream; is given the numbers of its frames.
            arrived: is notified of a frame and of a failure, and protects `newest`.
            on_state: hears of each state; called from several threads.
            stall_s: without a frame for so long, it has stalled.
            keep_trying: also when it cannot be opened at the start.
        """
        self.name = name
        self.newest: Frame | None = None
        self.lives = 0
        self.failure: Exception | None = None
        self._connect, self._arrived, self._on_state = connect, arrived, on_state
        self._stall_s, self._patient = stall_s, keep_trying
        self._numbers = itertools.count()
        self._attempt: Attempt | None = None
        self._hanging: list[Attempt] = []
        self._due_s, self._failures = 0.0, 0
        self._reason, self._told_s = "", 0.0
        on_state(name, "connecting", "")

    def tick(self) -> None:
        """Looks after it; called several times a second, by one thread."""
        now, attempt = monotonic(), self._attempt
        if attempt is None:
            if now >= self._due_s and self.failure is None:
                self._begin(now)
        elif attempt.error is not None:
            self._failed(attempt, attempt.error, now)
        elif attempt.last_s is None:
            if now - attempt.began_s > OPEN_S + self._stall_s:
                self._failed(attempt, DataError(f"no frame within {OPEN_S + self._stall_s:.0f} s"), now)
        elif now - attempt.last_s > self._stall_s:
            silent = f"no frame for {now - attempt.last_s:.1f} s"
            self._on_state(self.name, "stalled", silent)
            self._failed(attempt, DataError(silent), now)

    def close(self, patience_s: float) -> None:
        """Lets go of it."""
        if self._attempt is not None:
            self._attempt.abandon(patience_s)

    def _begin(self, now: float) -> None:
        self._hanging = [attempt for attempt in self._hanging if attempt.hangs]
        if len(self._hanging) < _MOST_HANGING:
            self._attempt = Attempt(self.name, lambda: self._connect(self._numbers), self._take)
            self._attempt.start()
        else:
            self._due_s = now + FIRST_WAIT_S
            self._tell(f"{len(self._hanging)} connections hang, and have to come back first", now)

    def _take(self, attempt: Attempt, frame: Frame) -> None:
        """Called by the attempt's thread."""
        with self._arrived:
            if attempt is not self._attempt:  # a connection that was given up
                return
            is_first = attempt.first_s is None
            if is_first:
                attempt.first_s, self._reason = attempt.last_s, ""
                self.lives += 1
            self.newest = frame
            self._arrived.notify_all()
        if is_first:
            self._on_state(self.name, "live", "")

    def _failed(self, attempt: Attempt, error: Exception, now: float) -> None:
        with self._arrived:
            self._attempt = self.newest = None  # what nobody took is of the past
        attempt.abandon()
        self._hanging.append(attempt)
        # The type, where a library speaks: libcamera's RuntimeError, cv2.error.
        reason = str(error) if isinstance(error, EdgeshipError) else f"{type(error).__name__}: {error}"
        if isinstance(error, MissingExtraError) or not (self.lives or isinstance(error, EdgeshipError)):
            self._give_up(error)
        elif not self.lives and not self._patient:
            self._give_up(DataError(f"{self.name}: {reason}"))
        else:
            self._wait(attempt, reason, now)

    def _give_up(self, error: Exception) -> None:
        with self._arrived:
            self.failure = error
            self._arrived.notify_all()

    def _wait(self, attempt: Attempt, reason: str, now: float) -> None:
        if attempt.first_s is not None and now - attempt.first_s > _STEADY_S:
            self._failures = 0
        # By chance, so that all cameras of a house do not come back at one moment after a power cut.
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**self._failures) * random.uniform(0.5, 1.0)  # noqa: S311
        self._failures = min(self._failures + 1, 16)
        self._due_s = now + wait_s
        self._tell(reason, now)

    def _tell(self, reason: str, now: float) -> None:
        """Says why it is not live: once, and then once in a while."""
        if reason != self._reason or now - self._told_s > _REMIND_S:
            self._reason, self._told_s = reason, now
            self._on_state(self.name, "reconnecting" if self.lives else "connecting", reason)
