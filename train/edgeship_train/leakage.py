"""Leakage: nearly the same picture in two parts, or under two labels, told by names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeship_train.dataset import Dataset
from edgeship_train.near_duplicates import find, thumbnails

_CHUNK = 1_000  # pictures brought into memory at once


@dataclass(frozen=True)
class Leakage:
    """What was found.

    Attributes:
        pairs: names of the two pictures, the most similar first.
        unpaired: pictures that were not compared with each other, because there are too many; 0 as a rule.
    """

    pairs: tuple[tuple[str, str], ...]
    unpaired: int


def look(dataset: Dataset) -> Leakage:
    """Compares every picture with those of other parts and labels."""
    parts = [dataset.parts[name] for name in ("test", "validation", "train") if name in dataset.parts]
    small = np.concatenate(
        [thumbnails(part.pixels[at : at + _CHUNK]) for part in parts for at in range(0, len(part), _CHUNK)]
    )
    labels = len(dataset.labels)
    groups = np.concatenate([number * labels + part.targets for number, part in enumerate(parts)])
    names = [picture.name for part in parts for picture in part.pictures]
    found = find(small, groups)
    pairs = tuple((names[pair.first], names[pair.second]) for pair in found.pairs)
    return Leakage(pairs, len(names) - found.compared)
