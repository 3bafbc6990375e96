"""Problems: what is wrong with the pictures, or what there are too few of, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from edgeship_runtime.evaluation import wilson
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.terminal import counted
from edgeship_train.config import TrainingConfig
from edgeship_train.dataset import Dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

Case = TypeVar("Case")

MOST_EXAMPLES = 12
_TELLING = 10  # pictures: of fewer, any network may be wrong about half by chance
_FEW = 20  # training pictures of a label
_UNEQUAL = 3  # largest label to smallest
_UNSURE = 0.05  # half of an accuracy's 95 % interval
_MANY = 0.1  # share of the pictures
_STRETCHED = 1.5  # how many times wider, or narrower, than the input


@dataclass(frozen=True)
class Example:
    """One case of a problem.

    Attributes:
        text: to read.
        names: of pictures to show.
    """

    text: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Something to know before the numbers are believed.

    Attributes:
        headline: what it is.
        advice: what it does, and what helps.
        examples: some cases.
        more: how many further ones there are.
    """

    headline: str
    advice: str
    examples: tuple[Example, ...] = ()
    more: int = 0


def found(dataset: Dataset, config: TrainingConfig, manifest: Manifest, sizes: NDArray[np.int64]) -> list[Problem]:
    """All of them, the most harmful first; `sizes` are of original pictures, N×2."""
    counts = np.bincount(dataset.parts["train"].targets, minlength=len(dataset.labels))
    return [
        *no_better_than_one_answer(dataset, manifest),
        *_unreadable(dataset),
        *_contradictions(dataset),
        *_near_duplicates(dataset),
        *_duplicates(dataset),
        *_imbalance(dataset, config, counts),
        *_few(dataset, counts),
        *_not_evaluated(dataset),
        *_unsure(dataset, manifest),
        *_enlarged(dataset, sizes),
        *_stretched(dataset, sizes),
    ]


def no_better_than_one_answer(dataset: Dataset, manifest: Manifest) -> Iterator[Problem]:
    """Whether the network may as well not look: the accuracy of answering with the most frequent label is no lower."""
    name = next(part for part in ("test", "validation") if part in manifest.metrics)
    counts = np.bincount(dataset.parts[name].targets)
    constant, accuracy = counts.max() / counts.sum(), manifest.metrics[name].accuracy
    if counts.sum() >= _TELLING and accuracy <= constant:
        yield Problem(
            f"The network answers no better than always {dataset.labels[counts.argmax()]!r} would",
            f"That is right for {100 * constant:.1f} % of the {name} pictures, the network for {100 * accuracy:.1f} %. "
            "Look at the curves: a loss that rises or stays wants another --learning-rate; few pictures want --arch mobilenet_v2.",
        )


def _unreadable(dataset: Dataset) -> Iterator[Problem]:
    if dataset.unreadable:
        yield _listed(
            f"{counted(len(dataset.unreadable), 'picture')} cannot be read",
            "Training went on without. Replace or remove such files.",
            list(dataset.unreadable.items()),
            lambda item: Example(f"{item[0]}: {item[1]}"),
        )


def _contradictions(dataset: Dataset) -> Iterator[Problem]:
    if dataset.contradictions:
        yield _listed(
            f"{counted(len(dataset.contradictions), 'picture')} with two labels",
            "The very same file is under both; the first was kept. One of the labels is wrong.",
            dataset.contradictions,
            lambda pair: Example(f"{pair[0]} is {pair[1]} too", pair[:1]),
        )


def _near_duplicates(dataset: Dataset) -> Iterator[Problem]:
    if dataset.near:
        yield _listed(
            f"{counted(len(dataset.near), 'pair')} of nearly the same picture in different parts, or under different labels",
            "A model that has seen one knows the other, so the accuracy is flattered: keep such pictures in one part. Of two labels, "
            "one may be wrong.",
            dataset.near,
            lambda pair: Example(f"{pair[0]} and {pair[1]}", pair),
        )


def _duplicates(dataset: Dataset) -> Iterator[Problem]:
    if dataset.duplicates:
        yield Problem(
            f"{counted(dataset.duplicates, 'exact duplicate')} left out",
            "Each content is there once, in the latest of its parts: a picture that is tested is not trained on.",
        )


def _imbalance(dataset: Dataset, config: TrainingConfig, counts: NDArray[np.int64]) -> Iterator[Problem]:
    largest, smallest = int(counts.argmax()), int(counts.argmin())
    ratio = counts[largest] / counts[smallest]
    if ratio < _UNEQUAL:
        return
    advice = (
        "Rare labels are answered too rarely. Add pictures of them, or train with --balance weights."
        if config.balance == "none"
        else f"This run evened it out: --balance {config.balance}."
    )
    yield Problem(
        f"The largest label has {ratio:.0f} times as many training pictures as the smallest",
        advice,
        tuple(Example(f"{dataset.labels[index]}: {counts[index]:,}") for index in (largest, smallest)),
    )


def _few(dataset: Dataset, counts: NDArray[np.int64]) -> Iterator[Problem]:
    rare = [index for index in np.argsort(counts, kind="stable") if counts[index] < _FEW]
    if rare:
        yield _listed(
            f"{counted(len(rare), 'label')} with fewer than {_FEW} training pictures",
            "So few teach little of what varies. Add some; a pretrained network (--arch mobilenet_v2) needs the fewest.",
            rare,
            lambda index: Example(f"{dataset.labels[index]}: {counts[index]}"),
        )


def _not_evaluated(dataset: Dataset) -> Iterator[Problem]:
    for name, part in dataset.parts.items():
        missing = sorted(set(range(len(dataset.labels))) - set(part.targets.tolist()))
        if missing:
            yield _listed(
                f"{counted(len(missing), 'label')} without a {name} picture",
                f"The {name} accuracy says nothing of them.",
                missing,
                lambda index: Example(dataset.labels[index]),
            )


def _unsure(dataset: Dataset, manifest: Manifest) -> Iterator[Problem]:
    measured = {name: manifest.metrics[name] for name in dataset.parts if name in manifest.metrics}
    for name, metric in measured.items():
        low, high = wilson(round(metric.accuracy * metric.samples), metric.samples)
        if high - low > 2 * _UNSURE:
            what = "the best epoch was partly chosen by chance, and " if name == "validation" else ""
            yield Problem(
                f"The {name} part is small: {counted(metric.samples, 'picture')}",
                f"Its accuracy of {100 * metric.accuracy:.1f} % may as well be {100 * low:.0f} or {100 * high:.0f} % (95 %): "
                f"{what}smaller differences between models mean nothing.",
            )


def _enlarged(dataset: Dataset, sizes: NDArray[np.int64]) -> Iterator[Problem]:
    wanted = dataset.preprocessing
    share = _share((sizes[:, 0] < wanted.width) & (sizes[:, 1] < wanted.height))
    if share > _MANY:
        yield Problem(
            f"{100 * share:.0f} % of the pictures are smaller than the model's input",
            "Enlarging adds work, but nothing to see. A smaller --size is faster and likely as accurate.",
        )


def _stretched(dataset: Dataset, sizes: NDArray[np.int64]) -> Iterator[Problem]:
    wanted = dataset.preprocessing
    proportion = sizes[:, 0] / sizes[:, 1] * (wanted.height / wanted.width)
    share = _share(np.maximum(proportion, 1 / proportion) > _STRETCHED)
    if wanted.fit == "stretch" and share > _MANY:
        yield Problem(
            f"{100 * share:.0f} % of the pictures are stretched or squeezed by half or more",
            "Where shapes matter, try --fit crop, which keeps the centre, or --fit letterbox, which keeps everything.",
        )


def _share(chosen: NDArray[np.bool_]) -> float:
    return float(chosen.mean()) if len(chosen) else 0.0


def _listed(headline: str, advice: str, cases: Sequence[Case], example: Callable[[Case], Example]) -> Problem:
    examples = tuple(example(case) for case in cases[:MOST_EXAMPLES])
    return Problem(headline, advice, examples, len(cases) - len(examples))
