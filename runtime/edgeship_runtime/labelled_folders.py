"""Labelled folders: a sub-folder for each label; or train/, validation/ (= val, valid) and test/ above such."""

from __future__ import annotations

import re
from pathlib import Path

from edgeship_runtime.errors import DataError
from edgeship_runtime.files import reason
from edgeship_runtime.labelled import LabelledData, LabelledPicture
from edgeship_runtime.pictures import SUFFIXES
from edgeship_runtime.sources.listing import Problem, below

PARTS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}

_ARCHIVE_RUBBISH = "__MACOSX"  # beside what was meant, in archives that macOS made


def load(folder: Path) -> LabelledData:
    """Finds the pictures below a folder, without reading them.

    Raises:
        DataError: no such folder, no sub-folders, or no pictures in them.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DataError(f"{folder} {what}; wanted a folder with a sub-folder for each label")
    inner = _subfolders(folder)
    if not inner:
        raise DataError(
            f"{folder} has no sub-folders; wanted one for each label, the pictures inside: {folder.name}/cat/1.jpg"
        )
    divided = [item for item in inner if item.name.lower() in PARTS and _subfolders(item)]
    if divided:
        _check_parts(folder, inner, divided)
        parts = {PARTS[item.name.lower()]: _label_folders(item, folder) for item in divided}
    else:
        parts = {"all": _label_folders(folder, folder)}
    _check_names({label for part in parts.values() for label in part}, folder)
    labels = tuple(sorted({label for part in parts.values() for label in part}, key=_natural))
    pictures = {name: [picture for group in part.values() for picture in group] for name, part in parts.items()}
    if not any(pictures.values()):
        raise DataError(f"{folder}: no pictures in its {len(labels)} sub-folders; wanted {', '.join(sorted(SUFFIXES))}")
    return LabelledData(folder.resolve().name, labels, pictures)


def _check_parts(folder: Path, inner: list[Path], divided: list[Path]) -> None:
    """Refuses what may be parts or labels: a classifier of train against test is nothing that anybody wants unasked."""
    if others := [item.name for item in inner if item not in divided]:
        raise DataError(
            f"{folder} has {divided[0].name}/ with labels in it, and {others[0]}/ beside it, which is no part like it; wanted only "
            "train/, validation/ and test/ there, each with a sub-folder for each label, or only labels, the pictures directly inside"
        )
    names = [PARTS[item.name.lower()] for item in divided]
    if twice := next((item.name for item in divided if names.count(PARTS[item.name.lower()]) > 1), None):
        raise DataError(
            f"{folder} has more than one {PARTS[twice.lower()]} part: {twice}/ and another; leave one of them"
        )


def _label_folders(folder: Path, top: Path) -> dict[str, list[LabelledPicture]]:
    return {item.name: _pictures(item, top) for item in _subfolders(folder)}


def _check_names(labels: set[str], folder: Path) -> None:
    """A label becomes text in model files, a line each."""
    for label in labels:
        if "\n" in label or not label.isprintable():
            raise DataError(
                f"{folder}: the sub-folder {label!r} cannot be a label: its name has a character that is no text"
            )


def _pictures(folder: Path, top: Path) -> list[LabelledPicture]:
    """Every picture below a label's folder, however deep, in the order of their paths."""
    found = []
    for item in below(str(folder)):
        if isinstance(item, Problem):  # what nobody can look into may hold half of the pictures
            raise DataError(f"{item.source}: {item.error}")
        found.append(LabelledPicture(_spoken(item.relative_to(top)), folder.name, item))
    return found


def _spoken(path: Path) -> str:
    """A path for lines and reports: bytes that are no text, and characters that no line can have, become escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in str(path))


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(
            item for item in folder.iterdir() if item.is_dir() and not item.name.startswith((".", _ARCHIVE_RUBBISH))
        )
    except OSError as error:
        raise DataError(f"{folder}: {reason(error)}") from None


def _natural(label: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key: class_2 before class_10; class_02 and class_2 are not the same."""
    pieces = re.split(r"(\d+)", label)
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces], label
