"""Stopping: Ctrl-C and SIGTERM let a program finish what it has begun; a second Ctrl-C does not."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Stop(threading.Event):
    """Set when the program is to end.

    Attributes:
        by: the signal that said so; None before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.by: signal.Signals | None = None


@contextlib.contextmanager
def stopping() -> Iterator[Stop]:
    """Turns SIGINT and SIGTERM into a Stop, for as long as the context lasts. Outside of the main thread signals do nothing here."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def stopped(number: int, _: FrameType | None) -> None:
        if stop.by is signal.SIGINT:
            raise KeyboardInterrupt
        stop.by = signal.Signals(number)
        stop.set()

    before = {number: signal.signal(number, stopped) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
