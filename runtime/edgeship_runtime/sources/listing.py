"""Listing: the picture files of a folder, a glob or a list, in the order of their paths, found as they are needed."""

from __future__ import annotations

import glob
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from edgeship_runtime.errors import DataError
from edgeship_runtime.files import reason
from edgeship_runtime.pictures import SUFFIXES


class Problem(NamedTuple):
    """A source, or a part of one, that gives nothing, and why."""

    source: str
    error: str


@dataclass(frozen=True)
class Pictures:
    """A picture, a folder, a glob, or "-" for a list of paths on stdin, one a line."""

    name: str
    is_live: ClassVar[Literal[False]] = False

    def __iter__(self) -> Iterator[Path | Problem]:
        """The picture files.

        A file that is named is taken whatever its name ends with; folders (all that is below them, but what is hidden) and globs give
        what looks like a picture. Of a list each path is given as its line arrives.
        """
        if self.name == "-":
            return _listed()
        if os.path.isdir(self.name):  # noqa: PTH112 - Path.is_dir raises where a folder above may not be entered
            wanted = f"no pictures in this folder; wanted {', '.join(sorted(SUFFIXES))}"
            return _some(below(self.name), self.name, wanted)
        if os.path.exists(self.name) or not glob.has_magic(self.name):  # noqa: PTH110 - as above
            return iter([Path(self.name)])
        return _some(_matching(self.name), self.name, "no picture matches")


def every_picture(*names: str) -> list[Path]:
    """The picture files of several sources, where each must give some.

    Raises:
        DataError: one gives none.
    """
    found = []
    for item in (item for name in names for item in Pictures(name)):
        if isinstance(item, Problem):
            raise DataError(f"{item.source}: {item.error}")
        found.append(item)
    return found


def _some(found: Iterator[Path | Problem], name: str, otherwise: str) -> Iterator[Path | Problem]:
    empty = True
    for item in found:
        empty = False
        yield item
    if empty:
        yield Problem(name, otherwise)


def below(folder: str) -> Iterator[Path | Problem]:
    """The picture files below a folder, hidden ones left out.

    One folder at a time is read and sorted: the first picture comes at once, however many there are.
    """
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        yield Problem(folder, reason(error))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):  # a link could lead back up
            yield from below(entry.path)
        elif _suffix(entry.name) in SUFFIXES:
            yield from _file(entry.path)


def _matching(pattern: str) -> Iterator[Path | Problem]:
    for name in sorted(glob.glob(pattern, recursive=True)):
        if _suffix(name) in SUFFIXES:
            yield from _file(name)


def _file(name: str) -> Iterator[Path | Problem]:
    """What is a file, or why nobody can tell; nothing of what is a folder, a socket, a link to nowhere."""
    try:
        if stat.S_ISREG(os.stat(name).st_mode):  # noqa: PTH116 - see _suffix
            yield Path(name)
    except FileNotFoundError:
        pass
    except OSError as error:  # links in a circle, a folder that may not be entered
        yield Problem(name, reason(error))


def _listed() -> Iterator[Path]:
    """Lines of stdin: bytes, because a file's name need not be text."""
    for line in iter(sys.stdin.buffer.readline, b""):
        if name := line.rstrip(b"\r\n"):
            yield Path(os.fsdecode(name))


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each of 100,000 names is a third of the search
