"""Interrupts: Ctrl-C, and SIGTERM, while networks are trained: noted when they come, obeyed where nothing is half done.

Python raises KeyboardInterrupt wherever its main thread happens to be. In TensorFlow that may be a weak reference's callback, where it
is printed and dropped, or Python that C++ called, where it took the whole process down. So here a signal is only noted, and `obey`
raises: at the end of each batch, and between the steps of a run. What may pass until then is one batch, the tracing of a network,
or the writing of its files. The main thread may be in native code all that time; so another thread says what is waited for, and
ends the process when Ctrl-C comes once more.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator

from edgeship_runtime.errors import Terminated
from edgeship_runtime.terminal import say

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE_S = 1.0  # most batches are done by then
_TWICE_S = 0.2  # `timeout` and others signal a process and its group: what comes together is one wish

_noted: list[int] = []


def obey(kept: str = "") -> None:
    """Raises what was noted, if anything was.

    Args:
        kept: what there is to go on from, for the line that the command line prints; "" leaves it to who catches.

    Raises:
        KeyboardInterrupt: after Ctrl-C.
        Terminated: after SIGTERM.
    """
    if _noted:
        kind = KeyboardInterrupt if _noted[0] == signal.SIGINT else Terminated
        raise kind(kept)


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """As long as this lasts, signals wait for `obey`. Signals are the main thread's: in another one nothing changes.

    Raises:
        KeyboardInterrupt: at its end, when one came that nobody obeyed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with contextlib.ExitStack() as stack:
        stack.callback(_noted.clear)
        stack.enter_context(_watched())
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it, and & in a script
                stack.callback(signal.signal, number, signal.signal(number, lambda number, _: _noted.append(number)))
        yield
        obey()


@contextlib.contextmanager
def _watched() -> Iterator[None]:
    """Another thread sees each signal at once: Python's handler in C writes its number into a pipe."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    watcher = threading.Thread(target=_watch, args=(reading,), name="interrupts", daemon=True)
    watcher.start()
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)
        watcher.join()
        os.close(reading)


def _watch(reading: int) -> None:
    if not _next(reading):
        return
    began = time.monotonic()
    if not select.select([reading], [], [], _PATIENCE_S)[0]:
        line = "waiting for the step under way to end; Ctrl-C once more ends at once, without it"
        say(f"\n{line}" if sys.stderr.isatty() else line)  # a progress bar stands there
    while number := _next(reading):
        if time.monotonic() - began > _TWICE_S:
            say("edgeship: ended at once")
            os._exit(128 + number)


def _next(reading: int) -> int:
    """The next signal's number; 0 when there will be none."""
    while number := int.from_bytes(os.read(reading, 1)):
        if number in _SIGNALS:
            return number
    return 0
