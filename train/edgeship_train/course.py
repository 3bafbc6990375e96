"""Course: how a training run stands after an epoch, kept on disk, so that a run that was killed goes on as if it was not."""

from __future__ import annotations

import contextlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from edgeship_runtime import files
from edgeship_runtime.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays: TypeAlias = list[NDArray[np.generic]]

_FORMAT = 2
# What reading a damaged archive raises: RuntimeError where it seems to be encrypted, or packed in a way that nobody can read.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


@dataclass
class Course:
    """What has happened so far.

    Attributes:
        epochs: finished ones.
        history: quantity → value of each epoch.
        best: the lowest validation loss, or the negative of the highest accuracy.
        best_epoch: when that was, from 1.
        weights: the model's variables then.
    """

    epochs: int = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    best: float = math.inf
    best_epoch: int = 0
    weights: Arrays = field(default_factory=list)

    def record(self, values: Mapping[str, float]) -> None:
        """An epoch's quantities."""
        for name, value in values.items():
            self.history.setdefault(name, []).append(float(value))
        self.epochs += 1

    def is_best(self, monitor: str) -> bool:
        """Whether the last epoch is the best so far. An equal accuracy counts when the loss is lower."""
        loss, accuracy = self.history["val_loss"][-1], self.history["val_accuracy"][-1]
        value = loss if monitor == "loss" else -accuracy + 1e-6 * math.tanh(loss)
        if value >= self.best:
            return False
        self.best, self.best_epoch = value, self.epochs
        return True


@dataclass(frozen=True)
class Checkpoint:
    """A file beside the model that is to be, written after every epoch and removed when the model is written.

    Attributes:
        path: where.
        about: what the run is: its configuration, its data. A run of another kind does not continue it.
    """

    path: Path
    about: Mapping[str, object]

    def save(self, course: Course, variables: Arrays) -> None:
        """Writes atomically.

        Raises:
            OutputError: the disk is full.
        """
        head = {"format": _FORMAT, "about": self.about, "epochs": course.epochs, "history": course.history}
        head |= {"best": course.best, "best_epoch": course.best_epoch}
        arrays = {f"variable_{number}": value for number, value in enumerate(variables)}
        arrays |= {f"best_{number}": value for number, value in enumerate(course.weights)}
        stream = io.BytesIO()
        np.savez(stream, head=np.array(json.dumps(head)), **arrays)  # type: ignore[arg-type]  # its stub takes keywords for bools
        files.write(self.path, stream.getvalue(), force=True)

    def load(self) -> tuple[Course, Arrays]:
        """The course, and the variables of model and optimizer.

        Raises:
            TrainingError: the file is damaged.
        """
        head, arrays = _read(self.path)
        course = Course(head["epochs"], head["history"], head["best"], head["best_epoch"], _numbered(arrays, "best"))
        return course, _numbered(arrays, "variable")

    def remove(self) -> None:
        """When the model is written."""
        self.path.unlink(missing_ok=True)


def stands_at(path: Path) -> str:
    """For people, how far a checkpoint has come: "3 of 8 epochs"; "" where there is none, or it is damaged."""
    with contextlib.suppress(*_DAMAGED), path.open("rb") as file, np.load(file) as archive:
        head = json.loads(str(archive["head"]))  # of the arrays, only this one is read
        return f"{head['epochs']} of {head['about']['options']['epochs']} epochs"
    return ""


def about(path: Path) -> dict[str, object]:
    """What the run was that a checkpoint is of.

    Raises:
        TrainingError: there is no checkpoint, or it is damaged.
    """
    if not path.exists():
        raise TrainingError(f"--resume: there is no checkpoint {path}; leave --resume out to begin")
    found: dict[str, object] = _read(path)[0]["about"]
    return found


def _read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        head = json.loads(str(arrays.pop("head")))
        readable = head["format"] == _FORMAT
    except _DAMAGED as error:
        raise TrainingError(f"{path} cannot be read ({error}); --force begins anew") from None
    if not readable:
        raise TrainingError(f"{path} has format {head['format']}; this version reads {_FORMAT}; --force begins anew")
    return head, arrays


def _numbered(arrays: Mapping[str, NDArray[np.generic]], prefix: str) -> Arrays:
    count = sum(name.startswith(f"{prefix}_") for name in arrays)
    return [arrays[f"{prefix}_{number}"] for number in range(count)]
