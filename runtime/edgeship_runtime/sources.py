"""Sources: what SOURCE on the command line stands for.

Today: a picture, a folder (searched to its depths) or a glob, where pictures are wanted; a video file or `camera:N` where frames are.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

from edgeship_runtime.errors import DataError
from edgeship_runtime.pictures import SUFFIXES

_FRAMES = "wanted a video file, or camera:0"


def pictures(source: str) -> Iterator[Path]:
    """The picture files of a source, in the order of their paths.

    A file that is named is taken whatever its name ends with; folders and globs give what looks like a picture.

    Raises:
        DataError: there is no such file, or no picture in it.
    """
    path = Path(source)
    if path.is_dir():
        found = sorted(item for item in path.rglob("*") if _is_picture(item))
        if not found:
            raise DataError(f"{source}: no pictures in this folder; wanted {', '.join(sorted(SUFFIXES))}")
        yield from found
    elif path.exists():
        yield path
    elif glob.has_magic(source):
        matches = sorted(Path(name) for name in glob.glob(source, recursive=True))
        chosen = [item for item in matches if _is_picture(item)]
        if not chosen:
            raise DataError(f"{source}: no picture matches")
        yield from chosen
    else:
        raise DataError(f"{source} does not exist; wanted a picture, a folder or a glob")


def video_or_camera(source: str) -> Path | int:
    """The path of a video file, or N of `camera:N`.

    Raises:
        DataError: it is neither.
    """
    kind, colon, number = source.partition(":")
    if colon and kind == "camera":
        if not (number.isascii() and number.isdecimal() and len(number) < 4):
            raise DataError(f"{source}: wanted the number of a camera, such as camera:0 for /dev/video0")
        return int(number)
    if "://" in source:  # the rest of an address may hold a password
        raise DataError(f"{kind}:// streams cannot be read yet; {_FRAMES}")
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{source} is a folder; {_FRAMES}")
    if not path.exists():
        raise DataError(f"{source} does not exist; {_FRAMES}")
    if not path.is_file():
        raise DataError(f"{source} is no file; {_FRAMES}, which is /dev/video0")
    return path


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
