"""Evidence: the pictures an export is calibrated and proven on, from the .keras file itself or from DATA."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np
from numpy.typing import NDArray

from edgeship_runtime.digests import MEMBER, Digests
from edgeship_runtime.evaluation import label_index
from edgeship_runtime.labelled import LabelledData, LabelledPicture
from edgeship_runtime.manifest import MOST_CALIBRATION, MOST_PROOF, CarriedPicture
from edgeship_runtime.model_file import ModelFile
from edgeship_runtime.preparing import prepare

_NAMED = 12  # hex digits of a digest that stand for a picture: a file's name might tell of a person


@dataclass(frozen=True, eq=False)
class Pictures:
    """Model inputs, uint8 N×H×W×C, the index of each true label, and what to call each."""

    pixels: NDArray[np.uint8]
    targets: NDArray[np.int64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Disjoint pictures: `calibration` decides scales, `proof` measures what came of it."""

    calibration: Pictures
    proof: Pictures


def carried(parent: ModelFile) -> Evidence:
    """What travels in the .keras file.

    Raises:
        ModelFileError: a picture that the manifest names is missing.
        PictureError: one is damaged.
    """
    return Evidence(_decoded(parent, parent.manifest.calibration), _decoded(parent, parent.manifest.proof))


def from_data(parent: ModelFile, data: LabelledData) -> Evidence:
    """Pictures of DATA: those the model was trained on calibrate, others prove. The test part is for neither: it is for measuring.

    Where DATA is not what the model was trained on, its train part calibrates and its validation part proves; pictures in no part
    take turns.

    Raises:
        DataError: a label is none of the model's.
    """
    trained = Digests.from_bytes(parent.raw.members.get(MEMBER, b""))
    pool = [(part, picture) for part, group in data.parts.items() if part != "test" for picture in in_turns(group)]
    index = label_index(parent.manifest.labels, [picture for _, picture in pool], data.name)
    parts = [part for part, _ in pool]
    calibration, proof = _Gathered(MOST_CALIBRATION), _Gathered(MOST_PROOF)
    seen: set[str] = set()
    prepared = prepare((picture for _, picture in pool), parent.manifest.preprocessing)
    for number, (part, item) in enumerate(zip(parts, prepared, strict=True)):
        if item.pixels is None or item.digest in seen:
            continue
        seen.add(item.digest)
        calibrates = item.digest in trained or (
            part != "validation" and not trained and (part == "train" or number % 2 == 0)
        )
        (calibration if calibrates else proof).add(item.pixels, index[item.picture.label], item.digest)
        if calibration.full and proof.full:
            break
    shape = parent.manifest.preprocessing.shape
    return Evidence(calibration.pictures(shape), proof.pictures(shape))


class _Gathered:
    """Pictures up to a number."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pixels: list[NDArray[np.uint8]] = []
        self._targets: list[int] = []
        self._names: list[str] = []

    @property
    def full(self) -> bool:
        return len(self._targets) >= self._most

    def add(self, pixels: NDArray[np.uint8], target: int, digest: str) -> None:
        if not self.full:
            self._pixels.append(pixels)
            self._targets.append(target)
            self._names.append(digest[:_NAMED])

    def pictures(self, shape: tuple[int, ...]) -> Pictures:
        pixels = np.stack(self._pixels) if self._pixels else np.empty((0, *shape), np.uint8)
        return Pictures(pixels, np.array(self._targets, np.int64), tuple(self._names))


def _decoded(parent: ModelFile, pictures: Sequence[CarriedPicture]) -> Pictures:
    manifest = parent.manifest
    index = {label: number for number, label in enumerate(manifest.labels)}
    pixels = np.empty((len(pictures), *manifest.preprocessing.shape), np.uint8)
    for number, picture in enumerate(pictures):
        pixels[number] = manifest.preprocessing(parent.member(picture.member))
    targets = np.array([index[picture.label] for picture in pictures], np.int64)
    return Pictures(pixels, targets, tuple(picture.member for picture in pictures))


def in_turns(pictures: Iterable[LabelledPicture]) -> Iterator[LabelledPicture]:
    """One picture of each label, then a second of each, and so on."""
    by_label: dict[str, list[LabelledPicture]] = defaultdict(list)
    for picture in pictures:
        by_label[picture.label].append(picture)
    return (picture for picture in chain.from_iterable(zip_longest(*by_label.values())) if picture is not None)
