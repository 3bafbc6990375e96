"""Reading: the pictures of a resolved configuration, and what is to be said about them."""

from __future__ import annotations

import dataclasses

from edgeship_runtime import files
from edgeship_runtime.labelled import LabelledData
from edgeship_runtime.terminal import counted, say, watched
from edgeship_train.config import TrainingConfig
from edgeship_train.dataset import Dataset, read_dataset
from edgeship_train.leakage import look
from edgeship_train.rehearsal import Rehearsal
from edgeship_train.resolving import preprocessing_of

_LISTED, _FEW_LISTED = 10, 3


def read(
    data: LabelledData,
    config: TrainingConfig,
    *,
    cached: bool,
    rehearsal: Rehearsal | None = None,
) -> Dataset:
    """The pictures of a resolved configuration, and a few lines about them."""
    preprocessing = preprocessing_of(config)
    dataset = read_dataset(
        data,
        preprocessing,
        config.seed,
        lambda pictures: watched(pictures, "read"),
        cached=cached,
        rehearsal=rehearsal,
    )
    leakage = look(dataset)
    dataset = dataclasses.replace(dataset, near=leakage.pairs)
    _say_data(dataset)
    _say_moved(data, dataset)
    if leakage.unpaired:
        say(
            f"too many pictures to compare each with each: {leakage.unpaired:,} of training were not, for near duplicates"
        )
    return dataset


def _say_data(dataset: Dataset) -> None:
    for name, why in list(dataset.unreadable.items())[:_LISTED]:
        say(f"left out: {name}: {why}")
    if dataset.unreadable:
        say(f"training goes on without them: {counted(len(dataset.unreadable), 'unreadable picture')}")
    for first, second in dataset.contradictions[:_LISTED]:
        say(f"one picture, two labels: {first} was kept, {second} left out")
    if dataset.duplicates:
        say(f"left out {counted(dataset.duplicates, 'exact duplicate')}")
    for first, second in dataset.near[:_FEW_LISTED]:
        say(f"nearly the same picture: {first} and {second}")
    if len(dataset.near) > _FEW_LISTED:
        say(
            f"and {counted(len(dataset.near) - _FEW_LISTED, 'more such pair')} in other parts or under other labels: see the report"
        )
    parts = ", ".join(f"{name} {count:,}" for name, count in dataset.split.counts.items())
    shape = f"{dataset.preprocessing.width}×{dataset.preprocessing.height} {dataset.preprocessing.color}"
    say(f"data: {len(dataset.labels)} labels; {parts} pictures; input {shape}")
    if dataset.in_cache:
        size = sum(part.pixels.nbytes for part in dataset.parts.values()) / 1e6
        say(f"decoded {counted(dataset.decoded, 'picture')}; {size:,.0f} MB are in the cache ({files.cache_home()})")


def _say_moved(data: LabelledData, dataset: Dataset) -> None:
    """Of data that came in parts: what the earlier model was trained on, and so tells nothing about it."""
    measuring = {id(picture) for name in ("validation", "test") for picture in data.parts.get(name, ())}
    if moved := sum(id(picture) in measuring for picture in dataset.parts["train"].pictures):
        say(
            f"the earlier model was trained on {counted(moved, 'picture')} of validation or test: trained on again, not measured"
        )
