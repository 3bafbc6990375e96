"""Labelled pictures: a picture, its true label, and the parts of a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeship_runtime.errors import PictureError
from edgeship_runtime.files import reason

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class LabelledPicture:
    """One picture and its true label.

    Attributes:
        name: how to speak of it: its path below the folder, or its number in the named set.
        label: the true one.
        content: a file's path, or pixels, uint8 H×W or H×W×3.
    """

    name: str
    label: str
    content: Path | NDArray[np.uint8]

    def read(self) -> bytes | NDArray[np.uint8]:
        """The file's bytes, or the pixels.

        Raises:
            PictureError: the file cannot be read.
        """
        if not isinstance(self.content, Path):
            return self.content
        try:
            return self.content.read_bytes()
        except OSError as error:
            raise PictureError(reason(error)) from None


def digest(content: bytes | NDArray[np.uint8]) -> str:
    """SHA-256 of what was read: a file's bytes, or the pixels with their shape."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha256(repr(content.shape).encode() + content.tobytes()).hexdigest()


@dataclass(frozen=True)
class LabelledData:
    """Labelled pictures, in parts when the data came so.

    Attributes:
        name: the folder's name, or the named set's.
        labels: of all parts, sorted; numbers in their names sort as numbers.
        parts: "train", "validation", "test"; or "all".
    """

    name: str
    labels: tuple[str, ...]
    parts: Mapping[str, Sequence[LabelledPicture]]

    def for_measuring(self) -> tuple[str, Sequence[LabelledPicture]]:
        """The part that accuracy is measured on: test where there is one, otherwise everything."""
        if self.parts.get("test"):
            return "test", self.parts["test"]
        return "all", [picture for part in self.parts.values() for picture in part]
