"""Files: whole or not at all. Everything edgeship writes goes through here."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from pathlib import Path

from edgeship_runtime.errors import OutputError


def sha256(data: bytes | memoryview) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def refuse_existing(path: Path, *, force: bool, hint: str = "--force overwrites it") -> None:
    """Says no before the work, rather than after it; the hint says what can be done about a file that exists.

    Raises:
        OutputError: `path` exists and `force` is not set, or its folder does not exist or is not writable.
    """
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"{path}: the folder {folder} does not exist; create it first: mkdir -p {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: the folder {folder} is not writable")
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file")
    if path.exists() and not force:
        raise OutputError(f"{path} exists; {hint}")


def write(path: Path, data: bytes, *, force: bool) -> None:
    """Writes `data` to `path` atomically: temporary file in the same folder, fsync, rename.

    Raises:
        OutputError: the file exists and `force` is not set, the disk is full, or the folder is not writable. Nothing is
            left half-written.
    """
    refuse_existing(path, force=force)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)  # of a process that was killed, and had this one's number
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise OutputError(f"{path}: {reason(error, len(data))}; nothing was written") from error
    finally:
        temporary.unlink(missing_ok=True)


def reason(error: OSError, size_bytes: int | None = None) -> str:
    """An operating system's error in words a person can act on."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        needed = "" if size_bytes is None else f" ({size_bytes:,} bytes are needed)"
        return f"the disk is full{needed}"
    if error.errno == errno.EROFS:
        return "the file system is read-only"
    return (error.strerror or str(error)).lower()


def cache_home() -> Path:
    """Where caches lie: $EDGESHIP_CACHE, or edgeship below $XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("EDGESHIP_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else base / "edgeship"


def _sync_folder(folder: Path) -> None:
    # Without this a power cut can lose the rename itself. Some file systems refuse to open folders: then it is theirs.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
