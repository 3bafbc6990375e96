"""Intervals: how far a median of a few runs can be trusted."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_benchmarks.measuring import student

LEVEL = 0.95
_RESAMPLES = 10_000
FEWEST = 5  # of fewer values not even lowest and highest enclose the median nineteen times in twenty: 1 − 2·½⁵ = 0.94


@dataclass(frozen=True)
class Interval:
    """A median and its 95 % interval; without one, from fewer than five values, low and high are None."""

    median: float
    low: float | None
    high: float | None

    @property
    def half_width(self) -> float | None:
        """Half the interval, as a share of the median."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2 / self.median


def median_interval(values: Sequence[float]) -> Interval:
    """Percentile bootstrap of the median, the same each time for the same values.

    The percentiles are spread for small samples, which otherwise give intervals that are too narrow (T. Hesterberg, What Teachers
    Should Know About the Bootstrap, The American Statistician 69, 2015, section 3.3). Of five values it is the lowest to the highest.
    """
    array = np.asarray(values, np.float64)
    median, count = float(np.median(array)), len(array)
    if count < FEWEST:
        return Interval(median, None, None)
    drawn = np.random.default_rng(0).integers(0, count, (_RESAMPLES, count))
    return Interval(median, *ends_of(np.median(array[drawn], axis=1), count))


def ends_of(resampled: NDArray[np.float64], count: int) -> tuple[float, float]:
    """The 95 % interval that bootstrapped medians of `count` values give; NaN among them, draws without a value, are left out."""
    tail = _spread_tail(count)
    low, high = np.quantile(resampled[np.isfinite(resampled)], [tail, 1 - tail])
    return float(low), float(high)


@functools.cache
def _spread_tail(count: int) -> float:
    """Φ(−√(n/(n−1)) · t) with Student's t of n − 1 degrees of freedom, in place of (1 − LEVEL) / 2."""
    reach = math.sqrt(count / (count - 1)) * student.quantile(1 - (1 - LEVEL) / 2, count - 1)
    return math.erfc(reach / math.sqrt(2)) / 2
