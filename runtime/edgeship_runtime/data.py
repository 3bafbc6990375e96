"""DATA: what the word stands for on every command line: a folder with a sub-folder for each label, or a named set."""

from __future__ import annotations

from pathlib import Path

from edgeship_runtime import labelled_folders, named_sets
from edgeship_runtime.errors import DataError
from edgeship_runtime.labelled import LabelledData


def open_data(spec: str) -> LabelledData:
    """Finds the labelled pictures that DATA stands for. A folder's pictures are not read yet.

    Raises:
        DataError: neither a folder with labelled pictures nor a named set.
        MissingExtraError: the package that brings the set is not installed.
    """
    if named_sets.is_named_set(spec):
        return named_sets.load(spec)
    if not Path(spec).exists():
        sets = ", ".join(named_sets.NAMES)
        raise DataError(f"{spec} does not exist; wanted a folder with a sub-folder for each label, or one of: {sets}")
    return labelled_folders.load(Path(spec))
