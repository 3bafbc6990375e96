"""Interrupts: a Ctrl-C that counts, wherever Python was when it came.

Raised within a weak reference's callback, of which TensorFlow has many, KeyboardInterrupt is printed and dropped. Here it is noted.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Interrupts:
    """Whether Ctrl-C came."""

    def __init__(self) -> None:
        self._came = False

    def check(self) -> None:
        """Now and then.

        Raises:
            KeyboardInterrupt: it came, and was dropped.
        """
        if self._came:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """As long as this lasts. Only a process's main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True
        raise KeyboardInterrupt
