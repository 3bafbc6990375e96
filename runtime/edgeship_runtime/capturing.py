"""Capturing: frames that differ become numbered pictures in a label's folder."""

from __future__ import annotations

import contextlib
import io
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from edgeship_runtime import files
from edgeship_runtime.errors import OutputError
from edgeship_runtime.frames import Frame
from edgeship_runtime.labelled_folders import PARTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

Format = Literal["jpg", "png"]

_THUMBNAIL = (32, 32)


@dataclass(frozen=True)
class LabelFolder:
    """DATASET/LABEL, to which pictures are added under the next free number; nothing is ever overwritten."""

    dataset: Path
    label: str

    def __post_init__(self) -> None:
        """Refuses names that cannot be a folder, or cannot be a label."""
        if not self.label.strip() or self.label != self.label.strip():
            raise ValueError(f"{self.label!r} cannot be a label: it is empty, or begins or ends with a space")
        if not self.label.isprintable() or "/" in self.label or "\\" in self.label:
            raise ValueError(
                f"{self.label!r} cannot be a label: it has a slash, a line break or another character that is no text"
            )
        if self.label.startswith("."):
            raise ValueError(
                f"{self.label!r} cannot be a label: folders that begin with a dot are hidden, and not read"
            )
        if self.label.lower() in PARTS:
            raise ValueError(
                f"{self.label!r} cannot be a label: it names a part of a dataset; to capture into that part, "
                f"name it in DIR: {self.dataset / self.label}"
            )

    @property
    def path(self) -> Path:
        """The folder."""
        return self.dataset / self.label

    def add(self, data: bytes, suffix: str) -> Path:
        """Writes a picture as the number after the highest one there, and returns its path.

        Args:
            data: an encoded picture.
            suffix: of its format, with the dot.

        Raises:
            OutputError: the folder cannot be made, or the picture cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with _locked(self.path):
                path = self.path / f"{self._highest() + 1:05}{suffix}"
                files.write(path, data, force=False)
        except OSError as error:
            raise OutputError(f"{self.path}: {files.reason(error)}") from None
        return path

    def _highest(self) -> int:
        stems = (item.stem for item in self.path.iterdir())
        return max((int(stem) for stem in stems if stem.isascii() and stem.isdecimal()), default=0)


@dataclass(frozen=True)
class Kept:
    """A frame that was kept.

    Attributes:
        path: of its picture.
        change: how far it differs from the one kept before, in levels of 255; None for the first.
    """

    path: Path
    change: float | None


@dataclass
class Capture:
    """One session of capturing: what was kept, and what was skipped because it hardly differed from the frame kept before.

    Attributes:
        folder: where pictures go.
        format: "jpg" (quality 95, colours at full resolution) or "png".
        min_change: frames that differ less are skipped, in levels of 255 (see `change`); 0 keeps all.
    """

    folder: LabelFolder
    format: Format
    min_change: float
    kept: list[Path] = field(default_factory=list)
    skipped: int = 0
    _last: NDArray[np.int16] | None = None

    def offer(self, frame: Frame) -> Kept | None:
        """Keeps the frame, or skips it and returns None.

        Raises:
            OutputError: it cannot be written.
        """
        image = Image.fromarray(frame.pixels)
        small = thumbnail(image)
        difference = None if self._last is None else change(self._last, small)
        if difference is not None and difference < self.min_change:
            self.skipped += 1
            return None
        path = self.folder.add(encoded(image, self.format), f".{self.format}")
        self.kept.append(path)
        self._last = small
        return Kept(path, difference)


def thumbnail(image: Image.Image) -> NDArray[np.int16]:
    """The picture in 32×32 grey blocks, so small that the noise of a sensor averages out."""
    return np.asarray(image.convert("L").resize(_THUMBNAIL, Image.Resampling.BOX), np.int16)


def change(before: NDArray[np.int16], after: NDArray[np.int16]) -> float:
    """Mean absolute difference of two thumbnails, in levels of 255.

    On 200 clothing photos, saved as JPEG 85 with sensor noise of 6 or 12 levels: the same scene again differs by 0.6 or 1.1 (95th
    percentile 1.3), 1 % more exposure by 1.3 (1.6); a shift by 1 % of the width differs by 4.7 (5th percentile 2.6), another
    object on 5 % of the picture by 2.6, on 10 % by 4.9.
    """
    return float(np.abs(after - before).mean())


def encoded(image: Image.Image, format_name: Format) -> bytes:
    """A picture file's bytes. JPEG keeps the colours' full resolution (4:4:4), because the model may see a small part of it."""
    stream = io.BytesIO()
    if format_name == "png":
        image.save(stream, "PNG")
    else:
        image.save(stream, "JPEG", quality=95, subsampling=0)
    return stream.getvalue()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two captures into one label take turns, so that neither takes the other's number."""
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot lock a folder
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C waits until a picture is written, counted and told, so that the numbers at the end are right."""
    came: list[tuple[int, FrameType | None]] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(*came[0])
