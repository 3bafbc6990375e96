"""Cache: pictures decoded and resized once, kept by content and preprocessing.

A folder for each preprocessing (and Pillow version: another may decode otherwise) holds `pixels`, rows of H×W×C bytes, and
`index`, for each row the SHA-256 of the picture's content and the CRC-32 of the row. Rows are only ever appended, pixels before
their index, so a build that is interrupted goes on where it stopped, and a row that was damaged is found and decoded again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import struct
import time
import zlib
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from edgeship_runtime.errors import DataError
from edgeship_runtime.files import cache_home, reason
from edgeship_runtime.preprocessing import Preprocessing
from edgeship_runtime.terminal import say
from edgeship_train.pixels import Pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ENTRY = struct.Struct("<32sI")  # SHA-256, CRC-32
_FLUSH_BYTES = 64 << 20
_KEPT_DAYS = 30  # a preprocessing that nothing used for so long is not coming back


class Memory:
    """Rows kept in memory: of pictures that need no decoding, or where no file may be written."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        self._shape = preprocessing.shape
        self._row: dict[str, int] = {}
        self._pixels: list[NDArray[np.uint8]] = []

    def __contains__(self, digest: object) -> bool:
        return digest in self._row

    def add(self, digest: str, pixels: NDArray[np.uint8]) -> None:
        """Keeps a picture's pixels."""
        self._row[digest] = len(self._pixels)
        self._pixels.append(pixels)

    def pixels(self, digests: Sequence[str]) -> Pixels:
        """The rows of these pictures, in this order."""
        array = np.empty((len(digests), *self._shape), np.uint8)
        for number, digest in enumerate(digests):
            array[number] = self._pixels[self._row[digest]]
        return Pixels(array, np.arange(len(digests)))


class Cache:
    """Rows kept in a folder's files; see the module."""

    def __init__(self, folder: Path, preprocessing: Preprocessing) -> None:
        self._folder, self._shape = folder, preprocessing.shape
        self._row_bytes = int(np.prod(self._shape))
        self._waiting: list[tuple[str, NDArray[np.uint8]]] = []
        self.added = 0
        self._entries = self._read_index()
        self._row = {entry[0].hex(): number for number, entry in enumerate(self._entries)}
        self._mapped = self._map()

    def __contains__(self, digest: object) -> bool:
        """Whether the row is there, and whole. Called from the threads that read pictures."""
        row = self._row.get(str(digest))
        if row is None:
            return False
        return row >= len(self._mapped) or zlib.crc32(self._mapped[row].tobytes()) == self._entries[row][1]

    def add(self, digest: str, pixels: NDArray[np.uint8]) -> None:
        """Keeps a picture's pixels.

        Raises:
            OSError: the disk is full.
        """
        self._waiting.append((digest, pixels))
        self.added += 1
        if len(self._waiting) * self._row_bytes >= _FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Writes what waits: pixels first, then their index, each to the disk itself."""
        if not self._waiting:
            return
        entries = [(bytes.fromhex(digest), zlib.crc32(pixels.tobytes())) for digest, pixels in self._waiting]
        count = len(self._entries)
        with _opened(self._folder / "pixels") as file:
            file.seek(count * self._row_bytes)
            file.write(b"".join(pixels.tobytes() for _, pixels in self._waiting))
            file.truncate()
            _sync(file)
        with _opened(self._folder / "index") as file:
            file.seek(count * _ENTRY.size)
            file.write(b"".join(_ENTRY.pack(*entry) for entry in entries))
            file.truncate()
            _sync(file)
        self._entries += entries
        self._row |= {digest: count + number for number, (digest, _) in enumerate(self._waiting)}
        self._waiting.clear()

    def pixels(self, digests: Sequence[str]) -> Pixels:
        """The rows of these pictures, in this order. Everything was flushed before."""
        return Pixels(self._map(), np.array([self._row[digest] for digest in digests], np.int64))

    def _read_index(self) -> list[tuple[bytes, int]]:
        """Entries whose rows are there too."""
        try:
            data = (self._folder / "index").read_bytes()
            rows = (self._folder / "pixels").stat().st_size // self._row_bytes
        except FileNotFoundError:
            return []
        count = min(len(data) // _ENTRY.size, rows)
        return list(_ENTRY.iter_unpack(data[: count * _ENTRY.size]))

    def _map(self) -> NDArray[np.uint8]:
        if not self._entries:
            return np.empty((0, *self._shape), np.uint8)
        return np.memmap(self._folder / "pixels", np.uint8, "r", shape=(len(self._entries), *self._shape))


@contextlib.contextmanager
def opened(preprocessing: Preprocessing) -> Iterator[Cache]:
    """The cache of a preprocessing, while nobody else adds to it; what was added is on disk afterwards.

    Raises:
        DataError: the folder cannot be written, or the disk is full.
    """
    folder = cache_home() / _key(preprocessing)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_unused(folder)
        with (folder / "lock").open("wb") as lock:
            _wait_for(lock)
            cache = Cache(folder, preprocessing)
            try:
                yield cache
            finally:
                cache.flush()
            (folder / "index").touch()
    except OSError as error:
        raise DataError(
            f"{folder}: {reason(error)}; keep decoded pictures in memory instead: --no-cache, "
            "or elsewhere: set EDGESHIP_CACHE to a folder"
        ) from None


def _key(preprocessing: Preprocessing) -> str:
    p = preprocessing
    text = f"{p.width}x{p.height}-{p.color}-{p.fit}"
    digest = hashlib.sha256(f"{text}-{p.resize}-pillow {version('pillow')}".encode()).hexdigest()
    return f"{text}-{digest[:8]}"


def _wait_for(lock: BinaryIO) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another edgeship is decoding pictures into the cache; waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _remove_unused(folder: Path) -> None:
    for other in folder.parent.iterdir():
        index = other / "index"
        if other != folder and index.is_file() and time.time() - index.stat().st_mtime > _KEPT_DAYS * 86400:
            shutil.rmtree(other, ignore_errors=True)


def _opened(path: Path) -> BinaryIO:
    """For writing anywhere in it, whether it exists or not."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
