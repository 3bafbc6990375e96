"""Journal: a search in a file to which every process adds lines, and the locks that tell which trials still run."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from edgeship_runtime import files
from edgeship_runtime.errors import OutputError, TrainingError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.storages.journal import JournalFileSymlinkLock


class Claims:
    """Locks on a file beside a journal, one byte for each trial that runs. The system drops them with the process that has them.

    Raises:
        OutputError: the file system has no locks.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.with_name(f"{path.name}.running").open("ab")
            self.take("", 0)
            self.drop()
        except OSError as error:
            raise OutputError(
                f"--storage {path}: its file system has no locks ({files.reason(error)}); "
                "name a file elsewhere, or a database"
            ) from None

    def take(self, study: str, number: int) -> bool:
        """Whether the trial is this process's now."""
        import fcntl

        place = int.from_bytes(hashlib.sha256(study.encode()).digest()[:4], "big") << 24
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place + number)
        except (BlockingIOError, PermissionError):  # POSIX leaves open which
            return False
        return True

    def drop(self) -> None:
        """All that this process has."""
        import fcntl

        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """The file, and with it all that this process has."""
        self._file.close()


def opened(path: Path) -> BaseStorage:
    """The journal, made where it is missing.

    Raises:
        TrainingError: the file is something else, or damaged. Half a line at its end is not: it is cut off.
        OutputError: it cannot be written.
    """
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

    files.refuse_existing(path, force=True)
    lock = JournalFileSymlinkLock(str(path))
    try:
        _check(path)
        _mend(path, lock)
        return JournalStorage(JournalFileBackend(str(path), lock))
    except (ValueError, KeyError, TypeError, AssertionError):  # the last where a newer Optuna does more
        raise damaged(path) from None
    except OSError as error:
        raise OutputError(f"--storage {path}: {files.reason(error)}") from None


def damaged(path: Path | str) -> TrainingError:
    """What to say of a file that cannot be read."""
    return TrainingError(
        f"--storage {path} is no journal of Optuna's, is damaged, or is of a newer version; name another file"
    )


def _mend(path: Path, lock: JournalFileSymlinkLock) -> None:
    """Cuts off half a line at the end, which a full disk or a power cut left: the next one would be appended to it."""
    if not path.exists() or _whole_bytes(path) is None:
        return
    lock.acquire()  # now nobody is in the midst of writing
    try:
        if (size := _whole_bytes(path)) is not None:
            os.truncate(path, size)
    finally:
        lock.release()


def _whole_bytes(path: Path) -> int | None:
    """Of the lines that have an end; None where all have one."""
    data = path.read_bytes()
    size = data.rfind(b"\n") + 1
    return None if size == len(data) else size


def _check(path: Path) -> None:
    """Before anything is added to it."""
    if not path.exists():
        return
    with path.open("rb") as stream:
        if first := stream.readline():
            json.loads(first)["op_code"]
