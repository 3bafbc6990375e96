"""Evaluation: how often a model is right on labelled pictures. NumPy only, so that it runs on the board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeship_runtime.classifier import Classifier
from edgeship_runtime.digests import MEMBER, Digests
from edgeship_runtime.errors import DataError
from edgeship_runtime.labelled import LabelledData, LabelledPicture
from edgeship_runtime.preparing import prepare
from edgeship_runtime.record import Json

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Unreadable:
    """A picture that could not be counted, and why."""

    name: str
    error: str


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What came out.

    Attributes:
        part: "test", or "all" where the data has no such part.
        labels: the model's.
        confusion: pictures by true label (row) and answer (column).
        trained_on: pictures left out because the model was trained on them.
        unreadable: pictures left out because they could not be decoded.
    """

    part: str
    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    trained_on: int
    unreadable: tuple[Unreadable, ...]

    @property
    def samples(self) -> int:
        """Pictures counted."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Fraction of right answers."""
        return float(np.trace(self.confusion)) / self.samples

    def per_label(self) -> list[dict[str, Json]]:
        """Precision, recall, F1 (0 where undefined) and number of pictures, for each label."""
        right = np.diag(self.confusion).astype(float)
        answered, true = self.confusion.sum(axis=0), self.confusion.sum(axis=1)
        precision = np.divide(right, answered, out=np.zeros_like(right), where=answered > 0)
        recall = np.divide(right, true, out=np.zeros_like(right), where=true > 0)
        both = precision + recall
        f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(right), where=both > 0)
        return [
            {
                "label": label,
                "precision": round(float(precision[index]), 6),
                "recall": round(float(recall[index]), 6),
                "f1": round(float(f1[index]), 6),
                "samples": int(true[index]),
            }
            for index, label in enumerate(self.labels)
        ]

    def to_json(self) -> Json:
        """What `edgeship evaluate --json` prints."""
        low, high = wilson(round(self.accuracy * self.samples), self.samples)
        return {
            "accuracy": self.accuracy,
            "interval": [low, high],
            "samples": self.samples,
            "part": self.part,
            "labels": list(self.labels),
            "confusion": self.confusion.tolist(),
            "per_label": self.per_label(),
            "trained_on": self.trained_on,
            "unreadable": [{"source": item.name, "error": item.error} for item in self.unreadable],
        }


def evaluate(
    classifier: Classifier,
    data: LabelledData,
    watch: Callable[[Sequence[LabelledPicture]], Sequence[LabelledPicture]] = lambda x: x,
) -> Evaluation:
    """Measures a model on the test part of `data`, or on all of it where there is none.

    Args:
        classifier: the model.
        data: labels must be among the model's.
        watch: wraps the pictures, for a progress bar.

    Raises:
        DataError: a label is none of the model's, or no picture is left to count.
    """
    part, pictures = data.for_measuring()
    index = label_index(classifier.labels, pictures, data.name)
    trained = trained_digests(classifier)
    confusion = np.zeros((len(index), len(index)), np.int64)
    trained_on, unreadable = 0, []
    for item in prepare(watch(pictures), classifier.preprocessing, skip=trained):
        if item.pixels is not None:
            answer = int(np.argmax(classifier.scores(item.pixels[np.newaxis])[0]))
            confusion[index[item.picture.label], answer] += 1
        elif item.error is None:
            trained_on += 1
        else:
            unreadable.append(Unreadable(item.picture.name, item.error))
    if not confusion.sum():
        raise DataError(_nothing_left(data.name, trained_on, len(unreadable)))
    return Evaluation(part, classifier.labels, confusion, trained_on, tuple(unreadable))


def label_index(labels: Sequence[str], pictures: Sequence[LabelledPicture], name: str) -> dict[str, int]:
    """Label → output index.

    Raises:
        DataError: a picture's label is none of the model's.
    """
    index = {label: number for number, label in enumerate(labels)}
    unknown = sorted({picture.label for picture in pictures} - set(index))
    if unknown:
        known = ", ".join(labels[:10]) + (", …" if len(labels) > 10 else "")
        raise DataError(f"{name} has the label {unknown[0]!r}, which the model does not know; it knows {known}")
    return index


def trained_digests(classifier: Classifier) -> Digests:
    """The pictures the model was trained on, as far as its file lists them."""
    return Digests.from_bytes(classifier.model.raw.members.get(MEMBER, b""))


def wilson(successes: int, samples: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of a fraction (E. B. Wilson, JASA 22, 1927): unlike the textbook one it holds for 372 of 372."""
    share = successes / samples
    centre = share + z * z / (2 * samples)
    spread = z * np.sqrt(share * (1 - share) / samples + z * z / (4 * samples * samples))
    scale = 1 + z * z / samples
    return float((centre - spread) / scale), float((centre + spread) / scale)


def _nothing_left(name: str, trained_on: int, unreadable: int) -> str:
    why = []
    if trained_on:
        why.append(f"the model was trained on {trained_on}")
    if unreadable:
        why.append(f"{unreadable} cannot be decoded")
    return f"{name}: no picture is left to measure on: {' and '.join(why) or 'the part is empty'}"
