"""Rehearsal: what an earlier model brings into the training that goes on from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeship_runtime.digests import Digests
from edgeship_runtime.labelled import LabelledPicture
from edgeship_train.pixels import Pixels

_CHUNK = 1_000  # pictures brought into memory at once


@dataclass(frozen=True)
class Rehearsal:
    """What is known of the pictures that the earlier model met.

    Attributes:
        pictures: those that its file carries, by the part they take.
        trained: all that it was trained on. They measure nothing any more, whatever part they are in now.
    """

    pictures: Mapping[str, Sequence[LabelledPicture]]
    trained: Digests


def fingerprints(pixels: Pixels) -> list[bytes]:
    """Of model inputs, which tell a carried picture and its original, whose files differ, to be one picture."""
    rows = np.arange(len(pixels))
    return [
        hashlib.sha256(row.tobytes()).digest()
        for at in range(0, len(rows), _CHUNK)
        for row in pixels[rows[at : at + _CHUNK]]
    ]
