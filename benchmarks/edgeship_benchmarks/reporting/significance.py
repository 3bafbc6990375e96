"""Significance: whether a difference is more than chance. NumPy only, so that reports compare where they were made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_benchmarks.measuring import student

LEVEL = 0.02  # a false alarm in fifty comparisons: CI makes many
FEWEST = 5  # values on each side, for a comparison of two groups
_ONE_SIDED = 1.645  # Φ⁻¹(0.95)
_TRIM = 0.2
_TINY = 1e-6  # keeps degrees of freedom finite


@dataclass(frozen=True)
class Difference:
    """How much larger the second group is than the first.

    Attributes:
        estimate: difference of the trimmed means.
        low, high: its 98 % interval, as LEVEL has it.
        p_value: two-sided.
    """

    estimate: float
    low: float
    high: float
    p_value: float


def mcnemar(lost: int, won: int) -> float:
    """Two-sided exact McNemar test (Q. McNemar, Psychometrika 12, 1947) of answers that turned wrong, or right."""
    turned = lost + won
    tail = sum(math.exp(_log_choose(turned, count) - turned * math.log(2)) for count in range(min(lost, won) + 1))
    return min(1.0, 2 * tail)


def yuen(first: Sequence[float], second: Sequence[float], variance_between: float = 0.0) -> Difference:
    """Yuen's test of 20 % trimmed means, variances unequal (K. K. Yuen, Biometrika 61, 1974).

    A fresh process now and then is slower by half for no reason that can be seen: with one such value in twenty, Welch's test
    misses 42 of 100 differences of 5 %, this one 1 (benchmarks/benchmarking.py power).

    Args:
        first: values of one group.
        second: those of the other.
        variance_between: of what else sets the groups apart, known beforehand.

    Raises:
        ValueError: fewer than FEWEST values on a side.
    """
    if min(len(first), len(second)) < FEWEST:
        raise ValueError(f"{len(first)} and {len(second)} values; wanted at least {FEWEST} each")
    one, other = _trimmed(first), _trimmed(second)
    estimate, variance = other.mean - one.mean, one.variance + other.variance + variance_between
    if variance == 0:
        return Difference(estimate, estimate, estimate, 0.0 if estimate else 1.0)
    freedom = variance**2 / max(
        one.variance**2 / (one.kept - 1) + other.variance**2 / (other.kept - 1), _TINY * variance**2
    )
    error = math.sqrt(variance)
    reach = student.quantile(1 - LEVEL / 2, freedom) * error
    return Difference(estimate, estimate - reach, estimate + reach, student.two_sided(estimate / error, freedom))


def most_lost(lost: int, won: int, of: int) -> float:
    """Upper end, 95 % one-sided, of the share of pictures that are lost on balance.

    Wald's interval of a difference of matched proportions with half an observation added to each cell (A. Agresti, Y. Min, Statistics
    in Medicine 24, 2005).

    Args:
        lost: pictures whose answer turned wrong.
        won: pictures whose answer turned right.
        of: pictures.
    """
    total, worse, better = of + 2, lost + 0.5, won + 0.5
    error = math.sqrt(worse + better - (worse - better) ** 2 / total) / total
    return (worse - better) / total + _ONE_SIDED * error


def proportions(right: int, of: int, right_then: int, of_then: int) -> float:
    """Two-sided p-value that two fractions differ, pooled z-test: for answers to different pictures, which no pairing connects."""
    pooled = (right + right_then) / (of + of_then)
    error = math.sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_then))
    return 1.0 if error == 0 else math.erfc(abs(right / of - right_then / of_then) / error / math.sqrt(2))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values that stay below a level by chance in one family only as often as the level says (S. Holm, 1979)."""
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda number: p_values[number])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted


@dataclass(frozen=True)
class _Trimmed:
    """A trimmed mean, its squared standard error, and how many values it is of."""

    mean: float
    variance: float
    kept: int


def _trimmed(values: Sequence[float]) -> _Trimmed:
    ordered: NDArray[np.float64] = np.sort(np.asarray(values, np.float64))
    cut = int(_TRIM * len(ordered))
    kept = len(ordered) - 2 * cut
    winsorized = np.clip(ordered, ordered[cut], ordered[-cut - 1])
    squares = float(((winsorized - winsorized.mean()) ** 2).sum())
    return _Trimmed(float(ordered[cut : len(ordered) - cut].mean()), squares / (kept * (kept - 1)), kept)


def _log_choose(of: int, count: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(count + 1) - math.lgamma(of - count + 1)
