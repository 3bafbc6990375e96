"""Data section: the part of the report that shows the pictures themselves, before and in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeship_runtime.manifest import Manifest
from edgeship_train import survey
from edgeship_train.carrying import in_turns
from edgeship_train.config import TrainingConfig
from edgeship_train.dataset import Dataset, Part
from edgeship_train.reporting import contact_sheet, figures, problems
from edgeship_train.reporting.contact_sheet import Thumbnail
from edgeship_train.reporting.problems import Problem
from edgeship_train.resolving import augmentation_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BARS = 60  # labels that have a bar each
_MOST_ROWS, _MOST_SAMPLES, _FEWEST_EACH, _MOST_EACH = 48, 100, 2, 10
_AUGMENTED, _EPOCHS = 8, 3


@dataclass(frozen=True)
class Row:
    """A label's pictures in each part, and their share of the largest label's, in percent."""

    label: str
    counts: dict[str, int]
    widths: dict[str, float]


@dataclass(frozen=True)
class Samples:
    """Some training pictures of a label."""

    label: str
    pictures: list[Thumbnail]


@dataclass(frozen=True)
class DataSection:
    """What the template shows.

    Attributes:
        rows: of every label.
        counts: chart, where labels are too many for bars; otherwise "".
        sizes: chart of the originals' sizes; "" where all are alike.
        widths: of the narrowest original and of the widest; None where no header can be read.
        heights: of the lowest original and of the highest.
        samples: of all labels, or of some when there are many.
        each: most samples of a label.
        augmented: a model input, and the same as three epochs show it.
        problems: what was found.
        examples: name → picture, of those that the problems show.
    """

    rows: list[Row]
    counts: str
    sizes: str
    widths: tuple[int, int] | None
    heights: tuple[int, int] | None
    samples: list[Samples]
    each: int
    augmented: list[tuple[Thumbnail, list[Thumbnail]]]
    problems: list[Problem]
    examples: dict[str, Thumbnail]


def data_section(dataset: Dataset, config: TrainingConfig, manifest: Manifest, *, head_first: bool) -> DataSection:
    """Looks at headers, decodes a hundred pictures or so, and augments a few."""
    every = [picture for part in dataset.parts.values() for picture in part.pictures]
    sizes = survey.sizes(every)
    counts = _counts(dataset)
    wanted = dataset.preprocessing
    several = len(np.unique(sizes, axis=0)) > 1
    faults = problems.found(dataset, config, manifest, sizes)
    each = max(_FEWEST_EACH, min(_MOST_EACH, _MOST_SAMPLES // min(len(dataset.labels), _MOST_ROWS)))
    return DataSection(
        rows=_rows(dataset, counts),
        counts=figures.counts(counts[:, 0]) if len(counts) > MOST_BARS else "",
        sizes=figures.sizes(sizes, wanted.width, wanted.height) if several else "",
        widths=_range(sizes[:, 0]),
        heights=_range(sizes[:, 1]),
        samples=_samples(dataset, each),
        each=each,
        augmented=_augmented(dataset, config, head_first=head_first),
        problems=faults,
        examples=_examples(dataset, faults),
    )


def _counts(dataset: Dataset) -> NDArray[np.int64]:
    """Labels×parts, training first."""
    labels = len(dataset.labels)
    return np.stack([np.bincount(part.targets, minlength=labels) for part in dataset.parts.values()], axis=1)


def _rows(dataset: Dataset, counts: NDArray[np.int64]) -> list[Row]:
    widths = 100 * counts / counts.sum(axis=1).max()
    return [
        Row(
            label,
            dict(zip(dataset.parts, row.tolist(), strict=True)),
            dict(zip(dataset.parts, wide.tolist(), strict=True)),
        )
        for label, row, wide in zip(dataset.labels, counts, widths, strict=True)
    ]


def _range(values: NDArray[np.int64]) -> tuple[int, int] | None:
    return (int(values.min()), int(values.max())) if len(values) else None


def _samples(dataset: Dataset, each: int) -> list[Samples]:
    """The first training pictures of each label, which the seed's order makes random ones; of many labels, evenly chosen ones."""
    part = dataset.parts["train"]
    shown = np.unique(np.linspace(0, len(dataset.labels) - 1, min(len(dataset.labels), _MOST_ROWS)).round().astype(int))
    chosen = [np.flatnonzero(part.targets == target)[:each] for target in shown]
    thumbnails = iter(contact_sheet.of_originals([part.pictures[index] for group in chosen for index in group]))
    return [
        Samples(dataset.labels[target], [next(thumbnails) for _ in group])
        for target, group in zip(shown, chosen, strict=True)
    ]


def _augmented(
    dataset: Dataset, config: TrainingConfig, *, head_first: bool
) -> list[tuple[Thumbnail, list[Thumbnail]]]:
    """Pictures of different labels, each as it is and exactly as the first augmented epochs of this run draw it."""
    from edgeship_train.batches import epoch_order

    part, augmentation = dataset.parts["train"], augmentation_of(config)
    only_head = head_first and (config.fine_tune_from == "none" or config.epochs == 1)
    if only_head or not (augmentation.moves or augmentation.lights):
        return []
    epochs = range(int(head_first), int(head_first) + _EPOCHS)
    orders = [epoch_order(part.targets, config.seed, epoch, sampling=config.balance == "sampling") for epoch in epochs]
    chosen = _in_all(part, orders)[:_AUGMENTED]
    pixels, pictures = part.pixels[np.array(chosen, np.int64)], [part.pictures[index] for index in chosen]
    shown = []
    for epoch, order in zip(epochs, orders, strict=True):
        places = np.array([np.flatnonzero(order == index)[0] for index in chosen], np.int64)
        changed = augmentation.draw(config.seed, epoch, len(order)).apply(pixels, places)
        shown.append(contact_sheet.of_inputs(changed, pictures))
    originals = contact_sheet.of_inputs(pixels, pictures)
    return [(original, list(changed)) for original, *changed in zip(originals, *shown, strict=True)]


def _in_all(part: Part, orders: list[NDArray[np.int64]]) -> list[int]:
    """Pictures that every epoch shows, the labels taking turns; when labels are sampled, an epoch leaves some out."""
    common = np.logical_and.reduce([np.bincount(order, minlength=len(part)) > 0 for order in orders])
    return [index for index in in_turns(part, len(part)) if common[index]]


def _examples(dataset: Dataset, faults: list[Problem]) -> dict[str, Thumbnail]:
    wanted = {name for fault in faults for example in fault.examples for name in example.names}
    pictures = [picture for part in dataset.parts.values() for picture in part.pictures if picture.name in wanted]
    return {thumbnail.name: thumbnail for thumbnail in contact_sheet.of_originals(pictures)}
