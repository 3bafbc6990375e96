"""Drift: two reports of one machine, brought to one speed of it.

A model does not follow the reference to the letter: of five networks, one that fits the nearest cache followed it by 1.5 for 1, the
others by 0.75 to 1.1. How closely this one does shows within the reports, wherever the machine changed its speed; from there, and
from 1 ± 0.15 to begin with, what remains between them is estimated (an analysis of covariance with a normal prior), and how far that
estimate can be trusted widens the interval. Where the machine kept its speed, all of this does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_benchmarks.reporting.rows import ProcessRun, Result

_PRIOR = 0.15  # standard deviation of how much more or less than the reference a model follows the machine
_OUTLIER = 3.0  # standard deviations beyond which a run tells nothing of that
_TO_DEVIATION = 1.4826  # from a median absolute deviation


@dataclass(frozen=True)
class Corrected:
    """Logarithms of latency, at one speed of the machine.

    Attributes:
        old, new: of each run that counts.
        variance: of what the correction itself adds to their difference.
    """

    old: Sequence[float]
    new: Sequence[float]
    variance: float


def corrected(old: Result, new: Result) -> Corrected:
    """Takes the machine's drift between and within two measurements of a configuration out."""
    runs = [[run for run in row.runs if run.counted] for row in (old, new)]
    latencies = [_logs(group, "relative") for group in runs]
    speeds = [_logs(group, "reference_ms") for group in runs]
    slope, variance = _remaining(latencies, speeds)
    middle = float(np.median(np.concatenate(speeds)))
    first, second = (y - slope * (x - middle) for y, x in zip(latencies, speeds, strict=True))
    drifted = float(np.median(speeds[1]) - np.median(speeds[0]))
    return Corrected(first.tolist(), second.tolist(), variance * drifted**2)


def _remaining(latencies: Sequence[NDArray[np.float64]], speeds: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """How latency still follows the reference after division by it, and the variance of that."""
    y = np.concatenate([group - np.median(group) for group in latencies])
    x = np.concatenate([group - np.median(group) for group in speeds])
    spread = _TO_DEVIATION * float(np.median(np.abs(y)))
    if spread == 0:
        return 0.0, _PRIOR**2
    usual = np.abs(y) < _OUTLIER * spread
    precision = 1 / _PRIOR**2 + float((x[usual] ** 2).sum()) / spread**2
    return float((x[usual] * y[usual]).sum()) / spread**2 / precision, 1 / precision


def _logs(runs: Sequence[ProcessRun], name: str) -> NDArray[np.float64]:
    return np.log([getattr(run, name) for run in runs])
