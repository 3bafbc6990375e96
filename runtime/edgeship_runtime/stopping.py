"""Stopping: Ctrl-C and SIGTERM let a program finish what it has begun; a second Ctrl-C does not. Or they end it, tidied up."""

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


@contextlib.contextmanager
def ending_tidily() -> Iterator[None]:
    """SIGTERM and a closed terminal end the program as Ctrl-C does: temporary files go, and so do processes that it started."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    main = threading.current_thread() is threading.main_thread()
    usual = [one for one in (signal.SIGTERM, signal.SIGHUP) if main and signal.getsignal(one) is signal.SIG_DFL]
    for one in usual:
        signal.signal(one, end)
    try:
        yield
    finally:
        for one in usual:
            signal.signal(one, signal.SIG_DFL)
