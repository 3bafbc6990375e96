"""Members in a zip: what the .keras and .tflite containers share."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import BinaryIO

from edgeship_runtime.errors import DamagedError

PREFIX = "edgeship/"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's earliest date: same members, same bytes
_ERRORS = (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError, RuntimeError)


def open_zip(file: BinaryIO) -> zipfile.ZipFile:
    """The zip in, or at the end of, a file.

    Raises:
        DamagedError: its directory cannot be read.
    """
    try:
        return zipfile.ZipFile(file)
    except _ERRORS as error:
        raise DamagedError(str(error)) from None


def read(archive: zipfile.ZipFile, name: str) -> bytes:
    """One entry, its checksum verified.

    Raises:
        DamagedError: it is absent or does not match its checksum.
    """
    try:
        return archive.read(name)
    except KeyError:
        raise DamagedError(f"its entry {name} is missing") from None
    except _ERRORS as error:
        raise DamagedError(f"its entry {name} is damaged ({error})") from None


def members(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """The entries below edgeship/, by the rest of their name."""
    names = [name for name in archive.namelist() if name.startswith(PREFIX)]
    return {name.removeprefix(PREFIX): read(archive, name) for name in names}


def append(model: bytes, entries: Mapping[str, bytes]) -> bytes:
    """A file with further entries: added to its zip when it is one, else in a zip appended to it.

    Stored, not compressed: pictures are compressed already, and MediaPipe refuses compressed entries in a .tflite.
    """
    stream = io.BytesIO()
    stream.write(model)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return stream.getvalue()
