"""Dataset: labelled pictures, read once and brought to model size, each in its part."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_runtime.errors import DataError
from edgeship_runtime.labelled import LabelledData, LabelledPicture
from edgeship_runtime.manifest import Split
from edgeship_runtime.preparing import Prepared, prepare
from edgeship_runtime.preprocessing import Preprocessing
from edgeship_train.split import order, split

Watch = Callable[[Sequence[LabelledPicture]], Sequence[LabelledPicture]]
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Part:
    """The pictures of one part, in an order that the seed decides.

    Attributes:
        pixels: uint8 N×H×W×C.
        targets: int64 N, index into the labels.
        pictures: where each came from.
        digests: SHA-256 of each picture's content.
    """

    pixels: NDArray[np.uint8]
    targets: NDArray[np.int64]
    pictures: tuple[LabelledPicture, ...]
    digests: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Everything training needs of the data.

    Attributes:
        name: of the folder or set.
        labels: sorted; a target is an index into them.
        preprocessing: what the pictures were brought to.
        parts: "train", "validation" and, if there is one, "test".
        split: how the parts came about.
        sha256: over content and label of every picture.
        unreadable: name → reason, of pictures that training goes on without.
        duplicates: pictures left out because training has the same content already, or the test part does.
    """

    name: str
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    parts: Mapping[str, Part]
    split: Split
    sha256: str
    unreadable: Mapping[str, str]
    duplicates: int


def read_dataset(
    data: LabelledData, preprocessing: Preprocessing, seed: int, watch: Watch = lambda pictures: pictures
) -> Dataset:
    """Reads every picture and decides its part.

    Data that came with its own parts keeps them; a missing validation part is taken from train. Data without parts is split
    80 : 10 : 10, label by label. A picture whose very bytes are in a later part too is left out of the earlier one.

    Raises:
        DataError: fewer than two labels, a label without readable pictures, or no validation pictures.
    """
    _check_labels(data)
    by_part = {name: list(prepare(watch(pictures), preprocessing)) for name, pictures in data.parts.items() if pictures}
    unreadable = {
        item.picture.name: item.error for items in by_part.values() for item in items if item.error is not None
    }
    readable = {name: [item for item in items if item.pixels is not None] for name, items in by_part.items()}
    _check_readable(data, readable, unreadable)
    placed, rule = _place(readable, seed)
    kept, duplicates = _without_duplicates(placed)
    parts = {name: _part(kept[name], data.labels, preprocessing, seed) for name in PARTS if kept.get(name)}
    if "validation" not in parts:
        raise DataError(
            f"{data.name}: no pictures are left for validation; wanted at least 2 different ones for each label"
        )
    return Dataset(
        name=data.name,
        labels=data.labels,
        preprocessing=preprocessing,
        parts=parts,
        split=Split(rule, seed, {name: len(part) for name, part in parts.items()}),
        sha256=_data_sha256([item for items in readable.values() for item in items]),
        unreadable=unreadable,
        duplicates=duplicates,
    )


def _check_labels(data: LabelledData) -> None:
    if len(data.labels) < 2:
        raise DataError(
            f"{data.name} has one label, {data.labels[0]!r}; a classifier needs at least two sub-folders with pictures"
        )
    training = data.parts.get("all") or data.parts.get("train")
    if not training:
        raise DataError(f"{data.name} has no train part; wanted {data.name}/train/LABEL/…, or {data.name}/LABEL/…")
    empty = sorted(set(data.labels) - {picture.label for picture in training})
    if empty:
        raise DataError(f"{data.name}: label {empty[0]!r} has no pictures to train on; add some, or remove its folder")


def _check_readable(
    data: LabelledData, readable: Mapping[str, Sequence[Prepared]], unreadable: Mapping[str, str]
) -> None:
    training = readable.get("all") or readable.get("train") or []
    lost = sorted(set(data.labels) - {item.picture.label for item in training})
    if lost:
        name, why = next(iter(unreadable.items()))
        raise DataError(f"{data.name}: label {lost[0]!r} has no readable picture to train on ({name}: {why})")


def _place(readable: Mapping[str, list[Prepared]], seed: int) -> tuple[dict[str, list[Prepared]], str]:
    """Every picture in its part, and the rule by which."""
    if "all" in readable:
        return _split_up(readable["all"], seed, ("test", "validation", "train")), "content-hash"
    placed = dict(readable)
    if "validation" not in placed:
        placed.update(_split_up(placed["train"], seed, ("validation", "train")))
    return placed, "given"


def _split_up(items: list[Prepared], seed: int, parts: tuple[str, ...]) -> dict[str, list[Prepared]]:
    members: dict[str, list[str]] = defaultdict(list)
    for item in items:
        members[item.picture.label].append(item.digest)
    chosen = split(members, seed, parts)
    placed: dict[str, list[Prepared]] = defaultdict(list)
    for item in items:
        placed[chosen[item.digest]].append(item)
    return placed


def _without_duplicates(placed: Mapping[str, list[Prepared]]) -> tuple[dict[str, list[Prepared]], int]:
    """Each content once, in the latest of its parts: a test picture is never trained on."""
    seen: set[str] = set()
    kept: dict[str, list[Prepared]] = {}
    dropped = 0
    for name in reversed(PARTS):
        kept[name] = []
        for item in placed.get(name, []):
            if item.digest in seen:
                dropped += 1
            else:
                seen.add(item.digest)
                kept[name].append(item)
    return kept, dropped


def _part(items: list[Prepared], labels: tuple[str, ...], preprocessing: Preprocessing, seed: int) -> Part:
    index = {label: number for number, label in enumerate(labels)}
    items = sorted(items, key=lambda item: order(item.digest, seed))
    pixels = np.empty((len(items), *preprocessing.shape), np.uint8)
    for number, item in enumerate(items):
        assert item.pixels is not None  # noqa: S101 - unreadable ones were taken out before
        pixels[number] = item.pixels
    targets = np.array([index[item.picture.label] for item in items], np.int64)
    return Part(pixels, targets, tuple(item.picture for item in items), tuple(item.digest for item in items))


def _data_sha256(items: list[Prepared]) -> str:
    lines = sorted(f"{item.digest} {item.picture.label}\n" for item in items)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
