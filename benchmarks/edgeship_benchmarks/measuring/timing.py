"""Timing: inferences in slices, the reference after each slice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeship_benchmarks.measuring.reference import Reference
from edgeship_benchmarks.measuring.results import GRID
from edgeship_benchmarks.measuring.stopwatch import Lap, Stopwatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SLICE_MS = 30.0  # short against what drifts, long against what the reference leaves behind in the caches
_REFERENCE_SHARE, _FEWEST_TURNS = 0.2, 3
_FEWEST_SLICES, _FEWEST_INFERENCES = 5, 10


@dataclass(frozen=True)
class Timing:
    """See Timed for what the fields mean."""

    inferences: int
    net_ms: tuple[float, ...]
    wall_ms: tuple[float, ...]
    scaled: tuple[float, ...]
    relative: float
    reference_ms: float


def time_inferences(infer: Callable[[], object], watch: Stopwatch, seconds: float) -> Timing:
    """Times for `seconds` of wall clock, at least 5 slices and 10 inferences."""
    reference = Reference()
    _laps(watch, reference, 0.0)  # its first turns are slow, too
    laps: list[Lap] = []
    scaled: list[float] = []
    ratios: list[float] = []
    turns: list[float] = []
    spent = 0.0
    while spent < seconds * 1e3 or len(ratios) < _FEWEST_SLICES or len(laps) < _FEWEST_INFERENCES:
        piece = _laps(watch, infer, _SLICE_MS, fewest=1)
        fixed = _laps(watch, reference, _REFERENCE_SHARE * sum(lap.wall_ms for lap in piece))
        turn_ms = _median([lap.net_ms for lap in fixed])
        ratios.append(_median([lap.net_ms for lap in piece]) / turn_ms)
        turns.append(turn_ms)
        scaled += [lap.net_ms / turn_ms for lap in piece]
        laps += piece
        spent += sum(lap.wall_ms for lap in piece) + sum(lap.wall_ms for lap in fixed)
    net, wall = np.array([lap.net_ms for lap in laps]), np.array([lap.wall_ms for lap in laps])
    return Timing(len(laps), _grid(net), _grid(wall), _grid(np.array(scaled)), _median(ratios), _median(turns))


def _laps(watch: Stopwatch, call: Callable[[], object], wall_ms: float, fewest: int = _FEWEST_TURNS) -> list[Lap]:
    laps: list[Lap] = []
    spent = 0.0
    while len(laps) < fewest or spent < wall_ms:
        laps.append(watch.lap(call))
        spent += laps[-1].wall_ms
    return laps


def _median(values: list[float]) -> float:
    return float(np.median(values))


def _grid(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(f"{value:.5g}") for value in np.quantile(values, np.linspace(0, 1, GRID)))
