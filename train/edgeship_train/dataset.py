"""Dataset: labelled pictures, read once and brought to model size, each in its part."""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeship_runtime import machine
from edgeship_runtime.digests import Digests
from edgeship_runtime.errors import DataError
from edgeship_runtime.labelled import LabelledData, LabelledPicture
from edgeship_runtime.manifest import Split
from edgeship_runtime.preparing import prepare
from edgeship_runtime.preprocessing import Preprocessing
from edgeship_train import cache, interrupts
from edgeship_train.cache import Cache, Memory
from edgeship_train.pixels import Pixels
from edgeship_train.placing import PARTS, Item, absent, place, without_duplicates
from edgeship_train.rehearsal import Rehearsal
from edgeship_train.split import rank

Watch = Callable[[Sequence[LabelledPicture]], Sequence[LabelledPicture]]
_COMPARED = 256  # pictures in memory at a time, to see whether any differs from the first


@dataclass(frozen=True, eq=False)
class Part:
    """The pictures of one part, in an order that the seed decides.

    Attributes:
        pixels: uint8 N×H×W×C.
        targets: int64 N, index into the labels.
        pictures: where each came from.
        digests: SHA-256 of each picture's content.
    """

    pixels: Pixels
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
        duplicates: pictures left out because training has the same content already, or a later part does.
        contradictions: names of pictures with one content and two labels; the first was kept.
        near: names of nearly the same pictures in different parts, or under different labels (`near_duplicates`).
        in_cache: whether the pixels lie in the cache's files.
        decoded: how many pictures were decoded anew.
    """

    name: str
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    parts: Mapping[str, Part]
    split: Split
    sha256: str
    unreadable: Mapping[str, str]
    duplicates: int
    contradictions: tuple[tuple[str, str], ...] = ()
    near: tuple[tuple[str, str], ...] = ()
    in_cache: bool = False
    decoded: int = 0

    @property
    def parts_sha256(self) -> str:
        """Over content, label and part of every picture that takes part: what a run that goes on needs to be the same."""
        text = [f"{name} {part.digests} {part.targets.tolist()}" for name, part in self.parts.items()]
        text.append(f"{self.labels}")  # a folder may have been renamed without changing its place among the others
        return hashlib.sha256("\n".join(text).encode()).hexdigest()


def read_dataset(
    data: LabelledData,
    preprocessing: Preprocessing,
    seed: int,
    watch: Watch = lambda pictures: pictures,
    *,
    cached: bool = True,
    rehearsal: Rehearsal | None = None,
) -> Dataset:
    """Reads every picture and decides its part.

    Data that came with its own parts keeps them; a missing validation part is taken from train. Data without parts is split
    80 : 10 : 10, label by label. A picture whose very bytes are in a later part too is left out of the earlier one.

    Args:
        data: labelled pictures.
        preprocessing: what to bring them to.
        seed: of the split, and of the order within a part.
        watch: wraps the pictures, for a progress bar.
        cached: whether pictures from files are looked for in the cache, and added to it.
        rehearsal: what the model that goes on brings along: further pictures, unless the data has them too, and those that
            measure nothing any more, which are trained on wherever they lie.

    Raises:
        DataError: fewer than two labels, a label without readable pictures, no validation pictures, or the cache cannot be written.
    """
    goes_on, rehearsal = rehearsal is not None, rehearsal or Rehearsal({}, Digests())
    rehearsed_labels = {picture.label for picture in rehearsal.pictures.get("train", ())}
    check_labels(data, rehearsed_labels if goes_on else None)
    unreadable: dict[str, str] = {}
    with _store(data, preprocessing, cached=cached) as store:
        readable = {
            name: list(_read(watch(pictures), preprocessing, store, unreadable))
            for name, pictures in data.parts.items()
            if pictures
        }
        rehearsed = {
            name: list(_read(items, preprocessing, store, unreadable)) for name, items in rehearsal.pictures.items()
        }
    decoded = store.added if isinstance(store, Cache) else sum(map(len, readable.values()))
    _check_readable(data, readable, unreadable, rehearsed_labels)
    placed, rule = place(readable, seed, rehearsal.trained)
    for name, items in absent(rehearsed, readable, store).items():
        placed[name] = [*items, *placed.get(name, [])]
    kept, duplicates, contradictions = without_duplicates(placed)
    _check_kept(data, readable, kept, goes_on=goes_on)
    parts = {name: _part(kept[name], data.labels, store, seed) for name in PARTS if kept.get(name)}
    _check_different(data, preprocessing, parts["train"])
    return Dataset(
        name=data.name,
        labels=data.labels,
        preprocessing=preprocessing,
        parts=parts,
        split=Split(rule, seed, {name: len(part) for name, part in parts.items()}),
        sha256=_data_sha256([item for items in readable.values() for item in items]),
        unreadable=unreadable,
        duplicates=duplicates,
        contradictions=contradictions,
        in_cache=isinstance(store, Cache),
        decoded=decoded,
    )


def check_labels(data: LabelledData, rehearsed: Set[str] | None = None) -> None:
    """Refuses labels that cannot be learnt, which their folders tell before a picture is read.

    Args:
        data: labelled pictures.
        rehearsed: labels of the pictures that the model that goes on brings along to be trained on; None when none goes on.

    Raises:
        DataError: fewer than two labels, or one without pictures to train on.
    """
    if len(data.labels) < 2:
        raise DataError(
            f"{data.name} has one label, {data.labels[0]!r}; a classifier needs at least two sub-folders with pictures"
        )
    training = data.parts.get("all") or data.parts.get("train")
    if not training:
        raise DataError(f"{data.name} has no train part; wanted {data.name}/train/LABEL/…, or {data.name}/LABEL/…")
    known = {picture.label for picture in training} | (rehearsed or set())
    for label in data.labels:
        if label not in known:
            elsewhere = [name for name, part in data.parts.items() if any(item.label == label for item in part)]
            if rehearsed is not None and not elsewhere:
                raise DataError(
                    f"{data.name} has no pictures of {label!r}, which the earlier model knows, and its file carries none to train "
                    "on; add a folder of some"
                )
            where = f"; it has some in {elsewhere[0]}" if elsewhere else ""
            cure = "add some, or remove its folder" if in_files(data) else "the set is not whole"
            raise DataError(f"{data.name}: label {label!r} has no pictures to train on{where}; {cure}")


def in_files(data: LabelledData) -> bool:
    """Whether the pictures are files, rather than in memory already."""
    first = next((picture for part in data.parts.values() for picture in part), None)
    return first is not None and isinstance(first.content, Path)


@contextlib.contextmanager
def _store(data: LabelledData, preprocessing: Preprocessing, *, cached: bool) -> Iterator[Cache | Memory]:
    """Where prepared pictures go: those of files to the cache, those that are in memory already stay there."""
    if cached and in_files(data):
        with cache.opened(preprocessing) as store:
            yield store
    else:
        if in_files(data):
            _check_memory(data, preprocessing)
        yield Memory(preprocessing)


def _check_memory(data: LabelledData, preprocessing: Preprocessing) -> None:
    """Refuses what the system would end this process for, an hour from now."""
    pictures = sum(map(len, data.parts.values()))
    needed, free = 2 * pictures * math.prod(preprocessing.shape), machine.free_bytes()  # as they come, and in order
    if free is not None and needed > free:
        raise DataError(
            f"{data.name}: decoded, its {pictures:,} pictures take {needed / 1e9:.3g} GB of memory, {free / 1e9:.3g} GB are free; "
            "leave --no-cache out, or choose a smaller --size"
        )


def _read(
    pictures: Sequence[LabelledPicture], preprocessing: Preprocessing, store: Cache | Memory, unreadable: dict[str, str]
) -> Iterator[Item]:
    for item in prepare(pictures, preprocessing, skip=store):
        interrupts.obey()
        if item.error is not None:
            unreadable[item.picture.name] = item.error
            continue
        if item.pixels is not None:
            store.add(item.digest, item.pixels)
        yield Item(item.picture, item.digest)


def _check_readable(
    data: LabelledData, readable: Mapping[str, Sequence[Item]], unreadable: Mapping[str, str], rehearsed: set[str]
) -> None:
    training = readable.get("all") or readable.get("train") or []
    lost = sorted(set(data.labels) - {item.picture.label for item in training} - rehearsed)
    if lost:
        name, why = next(iter(unreadable.items()))
        raise DataError(f"{data.name}: label {lost[0]!r} has no readable picture to train on ({name}: {why})")


def _check_kept(
    data: LabelledData,
    readable: Mapping[str, Sequence[Item]],
    kept: Mapping[str, Sequence[Item]],
    *,
    goes_on: bool,
) -> None:
    """What is left when every content is there once."""
    contents = {item.digest for items in readable.values() for item in items}
    if len(contents) == 1:
        total = sum(map(len, readable.values()))
        raise DataError(f"{data.name}: all {total} pictures are identical; there is nothing to learn from them")
    lost = sorted(set(data.labels) - {item.picture.label for item in kept.get("train", ())})
    if lost:
        raise DataError(
            f"{data.name}: every picture of label {lost[0]!r} is under another label, or in a later part, too; "
            "none is left to train on"
        )
    if not kept.get("validation"):
        new = ", that the earlier model was not trained on" if goes_on else ""
        raise DataError(
            f"{data.name}: no pictures are left for validation; wanted at least 2 different ones for each label{new}"
        )


def _check_different(data: LabelledData, preprocessing: Preprocessing, training: Part) -> None:
    """Of pictures that look alike in every pixel, however their files differ, nothing can be learnt."""
    first, count = training.pixels[:1], len(training)
    for at in range(0, count, _COMPARED):
        if (training.pixels[at : at + _COMPARED] != first).any():
            return
    size = f"{preprocessing.width}×{preprocessing.height} {preprocessing.color}"
    raise DataError(
        f"{data.name}: all {count} pictures to train on are identical at {size}; there is nothing to learn from them"
    )


def _part(items: list[Item], labels: tuple[str, ...], store: Cache | Memory, seed: int) -> Part:
    index = {label: number for number, label in enumerate(labels)}
    items = sorted(items, key=lambda item: rank(item.digest, seed))
    digests = tuple(item.digest for item in items)
    targets = np.array([index[item.picture.label] for item in items], np.int64)
    return Part(store.pixels(digests), targets, tuple(item.picture for item in items), digests)


def _data_sha256(items: list[Item]) -> str:
    lines = sorted(f"{item.digest} {item.picture.label}\n" for item in items)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
