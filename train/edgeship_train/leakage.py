"""Leakage: nearly the same picture in two parts, or under two labels, told by names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_train.dataset import Dataset, Part
from edgeship_train.near_duplicates import SIDE, find, thumbnails

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
    small = _thumbnails(parts)
    labels = len(dataset.labels)
    groups = np.concatenate([number * labels + part.targets for number, part in enumerate(parts)])
    names = [picture.name for part in parts for picture in part.pictures]
    found = find(small, groups)
    pairs = tuple((names[pair.first], names[pair.second]) for pair in found.pairs)
    return Leakage(pairs, len(names) - found.compared)


def _thumbnails(parts: Sequence[Part]) -> NDArray[np.uint8]:
    """Of all pictures, filled in as they are read: 3 kB a picture, and not a second time while they are put together."""
    small = np.empty((sum(map(len, parts)), SIDE, SIDE, parts[0].pixels.shape[-1]), np.uint8)
    start = 0
    for part in parts:
        for at in range(0, len(part), _CHUNK):
            chunk = thumbnails(part.pixels[at : at + _CHUNK])
            small[start : start + len(chunk)] = chunk
            start += len(chunk)
    return small
