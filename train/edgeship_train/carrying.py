"""Carrying: the pictures that travel with a model, for calibration, for proof, and to verify it on any device."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_runtime.manifest import MOST_GOLDEN, CarriedPicture
from edgeship_runtime.preprocessing import Preprocessing
from edgeship_runtime.small_pictures import lossless, small
from edgeship_train.dataset import Dataset, Part


@dataclass(frozen=True)
class Carried:
    """Pictures for the manifest, and their bytes by member name."""

    pictures: tuple[CarriedPicture, ...]
    members: dict[str, bytes]


def carry(dataset: Dataset, part: str, folder: str, most: int) -> Carried:
    """Up to `most` pictures of a part, at model size, the labels taking turns."""
    chosen = in_turns(dataset.parts[part], most)
    with ThreadPoolExecutor() as pool:
        encoded = list(pool.map(lambda index: lossless(dataset.parts[part].pixels[index]), chosen))
    names = [f"{folder}/{number:03}.webp" for number in range(len(chosen))]
    labels = [dataset.labels[dataset.parts[part].targets[index]] for index in chosen]
    pictures = tuple(CarriedPicture(name, label) for name, label in zip(names, labels, strict=True))
    return Carried(pictures, dict(zip(names, encoded, strict=True)))


def in_turns(part: Part, most: int) -> list[int]:
    """Indices of up to `most` pictures, one of each label, then a second of each, and so on."""
    rank = np.empty(len(part), np.int64)
    for target in np.unique(part.targets):
        mine = np.flatnonzero(part.targets == target)
        rank[mine] = np.arange(len(mine))
    order = np.lexsort((part.targets, rank))
    return [int(index) for index in order[:most]]


def golden_pictures(part: Part, scores: NDArray[np.float32], preprocessing: Preprocessing) -> list[bytes]:
    """Encoded pictures of different answers that the model is right about and surest of, re-encoded from the originals.

    Sure ones, because a sample that wavers on the workstation would accuse every device.
    """
    ordered = np.sort(scores, axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    answers = scores.argmax(axis=1)
    best: dict[int, int] = {}  # answer → picture; right answers before wrong ones
    for index in np.lexsort((-margin, answers != part.targets)):
        best.setdefault(int(answers[index]), int(index))
    chosen = list(best.values())[:MOST_GOLDEN]
    return [small(preprocessing.decode(part.pictures[index].read()), preprocessing) for index in chosen]
