"""Speed: an exported file against the same model without quantization, on this machine, in the same engine."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_runtime.engines import Engine

_SECONDS = 1.5
_TURN = 5  # inferences in a row: enough that the other model's weights leave the cache only once
_LEAST_TURNS = 3


@dataclass(frozen=True)
class Speed:
    """Medians of single inferences, taken in turns, one thread.

    Attributes:
        latency_ms: of the exported file.
        float_latency_ms: of the same model as float32.
    """

    latency_ms: float
    float_latency_ms: float

    @property
    def ratio(self) -> float:
        """Above 1, the exported file is the slower one."""
        return self.latency_ms / self.float_latency_ms


def measure(exported: Engine, unquantized: Engine, picture: NDArray[np.uint8]) -> Speed:
    """Takes about 1.5 s.

    Args:
        exported: with one thread.
        unquantized: with one thread.
        picture: a model input, 1×H×W×C.
    """
    engines = (exported, unquantized)
    for engine in engines:
        engine.scores(picture)  # first inferences allocate and pack weights
    taken: tuple[list[float], list[float]] = ([], [])
    ends = time.perf_counter() + _SECONDS
    turns = 0
    while turns < _LEAST_TURNS or time.perf_counter() < ends:
        for engine, times in zip(engines, taken, strict=True):
            times.extend(_inference_ms(engine, picture) for _ in range(_TURN))
        turns += 1
    return Speed(*(statistics.median(times) for times in taken))


def _inference_ms(engine: Engine, picture: NDArray[np.uint8]) -> float:
    began = time.perf_counter()
    engine.scores(picture)
    return (time.perf_counter() - began) * 1e3
