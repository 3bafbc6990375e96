"""Stopwatch: how long a call takes, and how much of that other programs had the CPU.

A median of wall clock times is a fact about the model as long as the machine is idle. Where it is not, the scheduler takes the CPU
away for milliseconds at a time, and the median becomes a fact about the neighbours. Linux accounts that to the nanosecond: how long
a thread was ready to run while others ran (`/proc/PID/schedstat`, second number;
https://docs.kernel.org/scheduler/sched-stats.html). Reading it takes about 2 µs. With two programs on one core, medians of fresh
processes varied by 18 % on the wall clock and by 2 % without the waiting.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Lap:
    """One call, in milliseconds.

    Attributes:
        wall_ms: on the clock.
        net_ms: without the time in which the calling thread waited for a CPU that others had. A call that sleeps is not waiting.
    """

    wall_ms: float
    net_ms: float


class Stopwatch:
    """Times calls of the thread that made it, which must be the main one."""

    def __init__(self, *, subtract: bool) -> None:
        """`subtract` only for calls that compute in this thread alone: where several do, others may work while this one waits."""
        self._account = _opened("/proc/self/schedstat") if subtract else None

    def lap(self, call: Callable[[], object]) -> Lap:
        """Times one call."""
        waited = self.waited_ms()
        began = time.perf_counter()
        call()
        wall = (time.perf_counter() - began) * 1e3
        return Lap(wall, max(0.0, wall - (self.waited_ms() - waited)))

    def waited_ms(self) -> float:
        """What is subtracted, since the thread began."""
        return 0.0 if self._account is None else int(os.pread(self._account, 64, 0).split()[1]) / 1e6


def waited_s() -> float | None:
    """How long all threads of this process together have waited for a CPU; None where the system does not say."""
    waited = []
    for account in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # a thread that just ended
            waited.append(int(account.read_text().split()[1]) / 1e9)
    return sum(waited) if waited else None


def _opened(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:  # another system, or a kernel without CONFIG_SCHED_INFO: the wall clock is all there is
        return None
