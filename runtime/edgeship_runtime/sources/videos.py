"""Videos: every frame of a file, in order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from edgeship_runtime.errors import EdgeshipError
from edgeship_runtime.frames import Frame
from edgeship_runtime.sources.listing import Problem


@dataclass(frozen=True)
class Video:
    """A video file."""

    path: Path
    is_live: ClassVar[Literal[False]] = False

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    def __iter__(self) -> Iterator[Frame | Problem]:
        """Every frame; then, where the file ends too early, that it does."""
        from edgeship_runtime.video import VideoFile

        try:
            with contextlib.closing(VideoFile(self.path)) as file:
                yield from file.frames()
        except EdgeshipError as error:
            yield Problem(self.name, str(error).removeprefix(self.name).lstrip(": "))
