"""Receiving: files from the workstation, into edgeship's folder and nowhere else."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO

from edgeship_devices.board.facts import data_home
from edgeship_devices.board.slots import BoardError


def receive(path: str, size: int, wanted: str, source: IO[bytes]) -> None:
    """Takes a file's bytes from a stream, all of them whatever happens, so that the next request is found behind them.

    Raises:
        BoardError: other bytes came than were sent.
        OSError: they cannot be written. Nothing of the file is left then.
    """
    target = inside(path)
    stream, failure = _opened(target)
    found = hashlib.sha256()
    while size:
        piece = source.read(min(size, 1 << 16))
        if not piece:
            raise SystemExit(1)  # the connection is gone
        size -= len(piece)
        found.update(piece)
        if stream is not None and failure is None:
            try:
                stream.write(piece)
            except OSError as error:
                failure = error
    if stream is not None:
        failure = _closed(stream) or failure
    if failure is not None:
        if target.exists():
            target.unlink()
        raise failure
    if found.hexdigest() != wanted:
        target.unlink()
        raise BoardError(f"{target.name} arrived with other bytes than were sent")


def inside(path: str) -> Path:
    """A path below our folder; a session has no business elsewhere."""
    target = data_home() / path
    if ".." in target.parts or (target.is_absolute() and data_home() not in target.parents):
        raise BoardError(f"{path} is outside of {data_home()}")
    return target


def _opened(target: Path) -> tuple[IO[bytes] | None, OSError | None]:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return target.open("wb"), None
    except OSError as error:
        return None, error


def _closed(stream: IO[bytes]) -> OSError | None:
    try:
        with stream:
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        return error
    return None
