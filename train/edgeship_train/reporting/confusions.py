"""Confusions: which labels are taken for which, as a map, and as a list where there are too many labels to read one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from edgeship_train.reporting.contact_sheet import data_uri

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_IN_TABLE = 30  # labels whose counts can be read in a table
_RIGHT, _WRONG = (18, 158, 116), (214, 78, 54)  # seen on white and on near-black


@dataclass(frozen=True)
class Confusion:
    """Pictures of one label that were taken for another.

    Attributes:
        true: label.
        answer: label.
        samples: how many.
        share: of the true label's pictures.
    """

    true: str
    answer: str
    samples: int
    share: float


def most_frequent(confusion: NDArray[np.int64], labels: Sequence[str], most: int) -> list[Confusion]:
    """Pairs of labels, the most frequent confusion first."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    totals = confusion.sum(axis=1)
    rows, columns = np.nonzero(wrong)
    order = np.lexsort((columns, rows, -wrong[rows, columns]))[:most]
    return [
        Confusion(labels[row], labels[column], int(wrong[row, column]), float(wrong[row, column] / totals[row]))
        for row, column in zip(rows[order], columns[order], strict=True)
    ]


def heat_map(confusion: NDArray[np.int64]) -> str:
    """A data URI of an image with a pixel for each cell: the larger its share of the row, the less transparent."""
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    pixels = np.empty((*confusion.shape, 4), np.uint8)
    pixels[..., :3] = _WRONG
    pixels[np.eye(len(confusion), dtype=bool), :3] = _RIGHT
    pixels[..., 3] = np.rint(255 * np.sqrt(share))  # the root: a tenth is still seen
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", optimize=True)
    return data_uri(stream.getvalue(), "png")
