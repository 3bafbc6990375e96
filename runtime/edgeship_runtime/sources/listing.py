"""Listing: the picture files of a folder, a glob or a list, in the order of their paths, found as they are needed."""

from __future__ import annotations

import contextlib
import glob
import itertools
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from edgeship_runtime.errors import DataError
from edgeship_runtime.files import reason
from edgeship_runtime.pictures import SEARCHED, SUFFIXES


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
    for entry in _entries_below(folder):
        if isinstance(entry, Problem):
            yield entry
        elif not isinstance(entry, str) and _suffix(entry.name) in SEARCHED:
            if entry.is_file():  # as the folder tells, so that not each of 100,000 files is asked for
                yield Path(entry.path)
            else:
                yield from _file(entry.path)


def _entries_below(folder: str) -> Iterator[os.DirEntry[str] | str | Problem]:
    """A folder's path; then what is in it, by name: entries that are no folders, and each folder like this one.

    Links are followed, but each folder is gone through once, whatever leads to it, and none that the first one lies in: links that
    lead round in circles would have no end.
    """
    entered = set(_above(folder))
    levels: list[list[os.DirEntry[str] | str]] = [[folder]]  # what is left of each level, the next one last
    while levels:
        if not levels[-1]:
            levels.pop()
            continue
        entry = levels[-1].pop()
        path = entry if isinstance(entry, str) else entry.path
        try:
            if not isinstance(entry, str) and not entry.is_dir():
                yield entry
                continue
            identity = _identity(path)
            if identity in entered:
                continue
            entered.add(identity)
            with os.scandir(path) as found:
                inner = [item for item in found if not item.name.startswith(".")]
        except OSError as error:  # links in a circle, a folder that may not be entered
            yield Problem(path, reason(error))
            continue
        yield path
        inner.sort(key=lambda item: item.name, reverse=True)
        levels.append([*inner])


def _above(folder: str) -> Iterator[tuple[int, int]]:
    for place in Path(os.path.realpath(folder)).parents:
        with contextlib.suppress(OSError):  # of a folder that one stands in, those above may be closed
            yield _identity(str(place))


def _identity(folder: str) -> tuple[int, int]:
    found = os.stat(folder)  # noqa: PTH116 - see _suffix
    return found.st_dev, found.st_ino


def _matching(pattern: str) -> Iterator[Path | Problem]:
    problems: list[Problem] = []
    names = sorted(set(_names(pattern, problems)))
    yield from problems
    pictures = [name for name in names if _suffix(name) in SEARCHED]
    for name in pictures:
        yield from _file(name)
    if names and not pictures:
        yield Problem(
            pattern, "nothing that matches is named like a picture; videos and folders are given by their own names"
        )


def _names(pattern: str, problems: list[Problem]) -> Iterator[str]:
    """What a pattern matches; `**` stands for a folder and those below it, gone through as `below` does.

    (By glob itself they would be, links and all, round in circles until a path is too long, which two links make for ever.)
    """
    parts = pattern.split("/")
    if "**" not in parts:
        yield from glob.iglob(pattern)
        return
    at = parts.index("**")
    rest = list(itertools.dropwhile(lambda part: part == "**", parts[at:])) or ["*"]
    head = "/".join(parts[:at]) or ("/" if pattern.startswith("/") else ".")
    for top in filter(os.path.isdir, glob.iglob(head)):
        for entry in _entries_below(top):
            if isinstance(entry, Problem):
                problems.append(entry)
            elif isinstance(entry, str):
                inner = os.path.join(glob.escape(entry), *rest)  # noqa: PTH118 - a pattern is no path
                yield from _names(inner.removeprefix("./"), problems)


def _file(name: str) -> Iterator[Path | Problem]:
    """What is a file, or why nobody can tell; nothing of what is a folder or a socket."""
    try:
        if stat.S_ISREG(os.stat(name).st_mode):  # noqa: PTH116 - see _suffix
            yield Path(name)
    except FileNotFoundError:  # a link to nowhere, which is told when it is read
        yield Path(name)
    except OSError as error:  # links in a circle, a folder that may not be entered
        yield Problem(name, reason(error))


def _listed() -> Iterator[Path | Problem]:
    """Lines of stdin: bytes, because a file's name need not be text."""
    if sys.stdin is None:  # a program that was started without one
        yield Problem("-", "there is no stdin to read paths from")
        return
    for line in iter(sys.stdin.buffer.readline, b""):
        if name := line.rstrip(b"\r\n"):
            yield Path(os.fsdecode(name))


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a Path for each of 100,000 names is a third of the search
