"""Carrying: the pictures that travel with a model, for calibration, for proof, and to verify it on any device."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeship_runtime.manifest import MOST_GOLDEN, CarriedPicture
from edgeship_runtime.preprocessing import Preprocessing
from edgeship_train.dataset import Dataset, Part

GOLDEN_BYTES = 10_000  # four of them leave room for labels within an exported file's 64 kB
_QUALITIES = (90, 80, 70, 60, 50, 40, 30)


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
    return [_small(preprocessing.decode(part.pictures[index].read()), preprocessing) for index in chosen]


def lossless(pixels: NDArray[np.uint8]) -> bytes:
    """Lossless WebP of H×W×C pixels: 0.7 of a PNG for photos."""
    return _encoded(Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels), lossless=True, quality=50)


def _small(image: Image.Image, preprocessing: Preprocessing) -> bytes:
    """The picture in at most GOLDEN_BYTES, still larger than the model's input if it was, so that resizing is proven too."""
    image.thumbnail((preprocessing.width * 3 // 2, preprocessing.height * 3 // 2), reducing_gap=2.0)
    data = lossless(np.asarray(image).reshape(image.height, image.width, -1))
    for quality in _QUALITIES:
        if len(data) <= GOLDEN_BYTES:
            return data
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        data = stream.getvalue()
    while len(data) > GOLDEN_BYTES:
        image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)), Image.Resampling.BILINEAR)
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=_QUALITIES[-1])
        data = stream.getvalue()
    return data


def _encoded(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "WEBP", exact=True, **options)
    return stream.getvalue()
