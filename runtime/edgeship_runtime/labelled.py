"""Labelled pictures: what DATA on the command line stands for.

A folder with a sub-folder for each label; or train/, validation/ (= val, valid) and test/ above such; or a named set.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeship_runtime.errors import DataError, PictureError
from edgeship_runtime.files import reason
from edgeship_runtime.pictures import SUFFIXES

PARTS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}
NAMED_SETS = ("digits",)


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


def open_data(spec: str) -> LabelledData:
    """Finds the labelled pictures that DATA stands for, without reading them.

    Raises:
        DataError: no such folder or set, no sub-folders, or no pictures in them.
    """
    if spec in NAMED_SETS:
        from edgeship_runtime import named_sets

        return named_sets.load(spec)
    folder = Path(spec)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DataError(
            f"{spec} {what}; wanted a folder with a sub-folder for each label, or one of: {', '.join(NAMED_SETS)}"
        )
    inner = _subfolders(folder)
    if not inner:
        raise DataError(
            f"{spec} has no sub-folders; wanted one for each label, the pictures inside: {folder.name or spec}/cat/1.jpg"
        )
    if all(item.name.lower() in PARTS and _subfolders(item) for item in inner):
        parts = {PARTS[item.name.lower()]: _label_folders(item, folder) for item in inner}
    else:
        parts = {"all": _label_folders(folder, folder)}
    labels = tuple(sorted({label for part in parts.values() for label in part}, key=_natural))
    pictures = {name: [picture for group in part.values() for picture in group] for name, part in parts.items()}
    if not any(pictures.values()):
        raise DataError(f"{spec}: no pictures in its {len(labels)} sub-folders; wanted {', '.join(sorted(SUFFIXES))}")
    return LabelledData(folder.resolve().name, labels, pictures)


def _label_folders(folder: Path, top: Path) -> dict[str, list[LabelledPicture]]:
    return {item.name: _pictures(item, top) for item in _subfolders(folder)}


def _pictures(folder: Path, top: Path) -> list[LabelledPicture]:
    """Every picture below a label's folder, however deep, in the order of their paths."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    return [
        LabelledPicture(str(path.relative_to(top)), folder.name, path)
        for path in found
        if not any(piece.startswith(".") for piece in path.relative_to(folder).parts)
    ]


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(item for item in folder.iterdir() if item.is_dir() and not item.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: {reason(error)}") from None


def _natural(label: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key: class_2 before class_10; class_02 and class_2 are not the same."""
    pieces = re.split(r"(\d+)", label)
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces], label
