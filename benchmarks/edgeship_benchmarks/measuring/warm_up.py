"""Warm-up: inferences until they get no faster. First ones are slow: caches are cold, clocks low, buffers not there yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_WINDOW_MS, _FEWEST = 30.0, 3  # of inferences whose median is looked at
_STILL = 3  # windows in a row that bring nothing
_GAIN = 0.02  # of the best window before: what counts as faster
_PATIENCE_MS, _MOST_WINDOWS = 3000.0, 40


@dataclass(frozen=True)
class WarmUp:
    """What it took.

    Attributes:
        inferences: before the first that counts.
        steady: whether they had stopped getting faster.
    """

    inferences: int
    steady: bool


def warm_up(lap_ms: Callable[[], float]) -> WarmUp:
    """Calls `lap_ms`, one inference and its milliseconds, until three windows in a row are not faster than the best before."""
    inferences, still, spent = 0, 0, 0.0
    best = float("inf")
    for window in range(_MOST_WINDOWS):
        laps: list[float] = []
        while len(laps) < _FEWEST or sum(laps) < _WINDOW_MS:
            laps.append(lap_ms())
        inferences, spent = inferences + len(laps), spent + sum(laps)
        median = sorted(laps)[len(laps) // 2]  # statistics would take memory that is none of the model's
        still = 0 if median < best * (1 - _GAIN) else still + 1
        best = min(best, median)
        if still == _STILL:
            return WarmUp(inferences, steady=True)
        if spent > _PATIENCE_MS and window >= _STILL:
            break
    return WarmUp(inferences, steady=False)
