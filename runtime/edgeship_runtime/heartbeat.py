"""Heartbeat: tells systemd's watchdog that the loop turns (sd_notify(3)); what hangs falls silent, and is started anew.

Answers are no sign of life: while a camera is away for a night there are none, and nothing is wrong with the program.
"""

from __future__ import annotations

import contextlib
import math
import os
from time import monotonic

_EVERY_S = 5.0


class Heartbeat:
    """Tells whoever $NOTIFY_SOCKET names; nobody, where it is not set."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address  # an abstract name
        self._every_s = min(_EVERY_S, _patience_s() / 3)
        self._told_s = -math.inf

    def beat(self) -> None:
        """To be called at each turn of the loop, by its own thread; tells it every few seconds, and never fails."""
        now = monotonic()
        if not self._address or now - self._told_s < self._every_s:
            return
        self._told_s = now
        import socket

        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.settimeout(0)
            channel.sendto(b"WATCHDOG=1", self._address)


def _patience_s() -> float:
    """How long the watchdog waits, as systemd says it."""
    try:
        return int(os.environ.get("WATCHDOG_USEC", "")) / 1e6
    except ValueError:
        return math.inf
