"""Tidying: what killed deploys left behind, and what was not used for long, goes when somebody has the lock."""

from __future__ import annotations

import shutil
import time

from edgeship_devices.board import environments, slots
from edgeship_devices.board.facts import data_home, disk_free

_UNUSED_S = 14 * 86400  # environments and files of benchmarks: for so long the next one finds them


def tidy(room_bytes: int) -> int:
    """Makes room; only under the lock, when nothing that is half-made is still worked on.

    Args:
        room_bytes: where less than this is left, things go that could still be used again.

    Returns:
        The bytes that are free now.
    """
    home = data_home()
    shutil.rmtree(str(home / "staging"), ignore_errors=True)
    for name in slots.begun():
        slots.sweep(name)
    oldest = time.time() - _UNUSED_S
    _make_room(oldest)
    if disk_free(home) < room_bytes:
        _make_room(float("inf"))
    return disk_free(home)


def _make_room(oldest: float) -> None:
    """Removes what was last used before."""
    environments.collect(oldest)
    for folder in ("store", "wheels"):
        for path in (data_home() / folder).glob("**/*"):
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()
