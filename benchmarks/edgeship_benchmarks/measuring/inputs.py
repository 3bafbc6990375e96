"""Inputs: every picture at the size of each model, made once and mapped by the processes that answer for them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeship_benchmarks.measuring.plan import PlannedPicture
from edgeship_benchmarks.measuring.results import Unreadable
from edgeship_benchmarks.measuring.store import Store
from edgeship_runtime.errors import DataError, OutputError
from edgeship_runtime.files import reason
from edgeship_runtime.labelled import LabelledPicture
from edgeship_runtime.preparing import prepare
from edgeship_runtime.preprocessing import Preprocessing


@dataclass(frozen=True)
class Inputs:
    """Model inputs, uint8 N×H×W×C, in a .npy file; pictures that cannot be decoded are black in it."""

    path: Path
    unreadable: tuple[Unreadable, ...]


def make_inputs(pictures: Sequence[PlannedPicture], store: Store, preprocessing: Preprocessing, path: Path) -> Inputs:
    """Decodes and resizes all pictures into `path`.

    Raises:
        DataError: not one of them can be decoded.
        OutputError: there is no room for them.
    """
    rows = _room(path, (len(pictures), *preprocessing.shape))
    labelled = [LabelledPicture(picture.name, "", store.picture(picture)) for picture in pictures]
    unreadable = []
    for index, item in enumerate(prepare(labelled, preprocessing)):
        if item.pixels is None:
            unreadable.append(Unreadable(index, item.error or ""))
        else:
            rows[index] = item.pixels
    rows.flush()
    if len(unreadable) == len(pictures):
        raise DataError(f"not one of the {len(pictures)} pictures can be decoded: {unreadable[0].error}")
    return Inputs(path, tuple(unreadable))


def _room(path: Path, shape: tuple[int, ...]) -> np.memmap[tuple[int, ...], np.dtype[np.uint8]]:
    """A file for so many bytes, mapped. Taken from the disk at once: on a full one, writing to a mapped file ends the process."""
    needed = math.prod(shape)
    try:
        rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        if hasattr(os, "posix_fallocate"):
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        raise OutputError(
            f"{path.parent}: {reason(error, needed)} for {shape[0]:,} pictures at the model's size; TMPDIR names another folder"
        ) from None
    return rows
