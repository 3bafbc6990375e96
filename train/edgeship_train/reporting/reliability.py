"""Reliability: whether a score of 0.9 means nine right answers in ten."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from edgeship_runtime.evaluation import wilson
from edgeship_runtime.record import Json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Booleans: TypeAlias = NDArray[np.bool_]

BINS = 15  # of equal width, as Guo et al. have them
FEWEST = 30  # below, an interval is so wide that nothing follows from it
_DRAWS = 200


@dataclass(frozen=True)
class Bin:
    """Answers whose score lies above `low` and up to `high`.

    Attributes:
        low: of the bin.
        high: of the bin.
        samples: answers in it; without any, the rest is None.
        confidence: their mean score.
        accuracy: fraction of right ones.
        interval: 95 % of the accuracy.
    """

    low: float
    high: float
    samples: int
    confidence: float | None = None
    accuracy: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Reliability:
    """How far scores can be taken at their word.

    Attributes:
        samples: pictures.
        confidence: mean score of the answers.
        accuracy: fraction of right answers.
        ece: expected calibration error (Guo et al., 2017, arXiv:1706.04599, equation 3): distance of confidence and accuracy in
            a bin, averaged over the answers.
        ece_by_chance: what scores that are exactly right would reach on so many pictures in 1 of 20 draws.
        bins: from the lowest scores to the highest.
    """

    samples: int
    confidence: float
    accuracy: float
    ece: float
    ece_by_chance: float
    bins: tuple[Bin, ...]

    @property
    def enough(self) -> bool:
        """Whether there are pictures enough for anything to follow."""
        return self.samples >= FEWEST

    @property
    def verdict(self) -> str:
        """In plain words, and no more than so many pictures can tell."""
        if not self.enough:
            return f"Too few pictures to judge: {self.samples}; wanted at least {FEWEST}, better some hundreds."
        low, high = wilson(round(self.accuracy * self.samples), self.samples)
        if self.confidence > high:
            return "Over-confident: the model is surer of its answers than it is right."
        if self.confidence < low:
            return "Under-confident: the model is right more often than its scores say."
        if self.ece > self.ece_by_chance:
            return "Right on average, but not at every height: some scores are too high and others too low."
        return (
            "Reliable, as far as so many pictures can tell: scores and accuracy differ by no more than chance explains."
        )

    def to_json(self) -> Json:
        """For evaluation.json."""
        return dataclasses.asdict(self)


def reliability(scores: NDArray[np.float32], targets: NDArray[np.int64]) -> Reliability:
    """Compares scores N×labels with N true labels; N is at least 1."""
    confidence = np.clip(scores.max(axis=1).astype(np.float64), 0, 1)
    right = scores.argmax(axis=1) == targets
    bins = tuple(_bin(number, confidence, right) for number in range(BINS))
    return Reliability(
        samples=len(targets),
        confidence=float(confidence.mean()),
        accuracy=float(right.mean()),
        ece=expected_calibration_error(confidence, right),
        ece_by_chance=_by_chance(confidence),
        bins=bins,
    )


def expected_calibration_error(confidence: Floats, right: Booleans) -> float:
    """Of N scores and whether each answer was right."""
    difference = np.bincount(_places(confidence), weights=confidence - right, minlength=BINS)
    return float(np.abs(difference).sum() / len(right))


def _places(confidence: Floats) -> NDArray[np.int64]:
    """The bin of each score; a border belongs to the bin below it."""
    edges = np.arange(1, BINS) / BINS
    return np.digitize(confidence, edges, right=True).astype(np.int64)


def _bin(number: int, confidence: Floats, right: Booleans) -> Bin:
    low, high = number / BINS, (number + 1) / BINS
    mine = _places(confidence) == number
    samples = int(mine.sum())
    if not samples:
        return Bin(low, high, 0)
    hits = int(right[mine].sum())
    return Bin(low, high, samples, float(confidence[mine].mean()), hits / samples, wilson(hits, samples))


def _by_chance(confidence: Floats) -> float:
    """The 95th percentile of the error where each answer is right with the probability its score states.

    After Bröcker and Smith, Weather and Forecasting 22, 2007: few pictures look unreliable even where the scores are perfect.
    """
    random = np.random.default_rng(0)
    errors = [
        expected_calibration_error(confidence, random.random(len(confidence)) < confidence) for _ in range(_DRAWS)
    ]
    return float(np.quantile(errors, 0.95))
