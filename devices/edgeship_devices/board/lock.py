"""Lock: one deploy to a board at a time. The kernel gives it back when the last process that works under it has ended."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from edgeship_devices.board.facts import data_home
from edgeship_devices.board.slots import BoardError

_held: list[IO[str]] = []


def take() -> None:
    """Holds the lock until this process ends, and every child that was given `descriptors`.

    Raises:
        BoardError: somebody else has it.
    """
    stream = _try()
    if stream is None:
        raise BoardError(
            "somebody else deploys to this board right now, or what a lost one began still runs; try again"
        )
    _held.append(stream)


def descriptors() -> tuple[int, ...]:
    """What a child inherits so that the lock is held as long as the child works."""
    return tuple(stream.fileno() for stream in _held)


@contextmanager
def briefly() -> Iterator[bool]:
    """Whether nobody held the lock; nobody else has it meanwhile then."""
    stream = _try()
    try:
        yield stream is not None
    finally:
        if stream is not None:
            stream.close()


def _try() -> IO[str] | None:
    home = data_home()
    home.mkdir(parents=True, exist_ok=True)
    stream = (home / "lock").open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    return stream
