"""Output: where lines are written, a file or stdout; each line is whole and handed to the system before the next."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

from edgeship_runtime.errors import OutputError
from edgeship_runtime.files import reason
from edgeship_runtime.sinks import Writing
from edgeship_runtime.terminal import answer

_BLOCK = 2**16


class Output:
    """A file that grows by lines, or stdout."""

    def __init__(self, name: str, writing: Writing) -> None:
        """Opens it; a file that exists is gone on with, or begun anew, as was asked.

        Raises:
            OutputError: it cannot be opened.
        """
        self.name, self.was_empty = name, True
        self._file: BinaryIO | None = None
        if name == "-":
            return
        try:
            # Unbuffered, so that a line is one call: a kill between two lines loses nothing.
            mode: Literal["ab", "wb", "xb"] = "ab" if writing.append else "wb" if writing.force else "xb"
            self._file = Path(name).open(mode, buffering=0)  # noqa: SIM115 - closed by close
            self.was_empty = self._file.tell() == 0
        except FileExistsError:
            raise OutputError(f"{name} exists; --append goes on with it, --force overwrites it") from None
        except OSError as error:
            raise OutputError(f"{name}: {reason(error)}") from None

    def line(self, text: str) -> None:
        """Writes a line.

        Raises:
            OutputError: the disk is full, or the like.
        """
        if self._file is None:
            answer(text)
            return
        data = f"{text}\n".encode(errors="backslashreplace")
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError as error:
            raise OutputError(f"{self.name}: {reason(error)}; what was written before stays") from None

    def close(self) -> None:
        """Sees to it that what was written outlives a power cut."""
        if self._file is None:
            return
        with self._file as file:
            self._file = None
            if not Path(self.name).is_file():  # a device or a pipe
                return
            try:
                os.fsync(file.fileno())
            except OSError as error:
                raise OutputError(f"{self.name}: {reason(error)}; its end may be missing") from None

    def first_line(self) -> str:
        """Of what was there already."""
        with Path(self.name).open(errors="replace") as file:
            return file.readline().rstrip("\n")

    def mend(self, is_whole: Callable[[str], bool]) -> None:
        """Sees to what a power cut left of a last line: takes it away, or ends it, where it is whole all the same.

        Raises:
            OutputError: the file cannot be changed.
        """
        if self._file is None or not Path(self.name).is_file():  # a device or a pipe
            return
        try:
            with Path(self.name).open("r+b") as file:
                begin = _last_line(file)
                file.seek(begin)
                rest = file.read()
                if rest and is_whole(rest.decode(errors="replace")):
                    file.write(b"\n")
                else:
                    file.truncate(begin)
        except OSError as error:
            raise OutputError(f"{self.name}: {reason(error)}") from None


def _last_line(file: BinaryIO) -> int:
    """Where what comes after the last line break begins."""
    end = file.seek(0, os.SEEK_END)
    while end:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        if (at := file.read(end - begin).rfind(b"\n")) >= 0:
            return begin + at + 1
        end = begin
    return 0
