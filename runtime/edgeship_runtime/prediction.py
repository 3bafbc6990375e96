"""Prediction: the answer for one picture, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Score:
    """One label and its score, 0 to 1."""

    label: str
    score: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds spent on one picture, by stage."""

    decode: float
    preprocess: float
    invoke: float

    @property
    def total(self) -> float:
        """All stages."""
        return self.decode + self.preprocess + self.invoke


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture.

    Attributes:
        source: the picture's path, or the frame's source; otherwise "array", "bytes" or "image".
        top: the highest scores, best first; equal scores in label order.
        frame: index of the picture within its source.
        age_ms: from the moment its bytes were asked for, or a live frame arrived, to the answer.
        latency_ms: see Latency.
        scores: of all labels, in their order.
    """

    source: str
    top: tuple[Score, ...]
    frame: int
    age_ms: float
    latency_ms: Latency
    scores: NDArray[np.float32] = field(repr=False, compare=False)

    @property
    def label(self) -> str:
        """The best label."""
        return self.top[0].label

    @property
    def score(self) -> float:
        """Its score."""
        return self.top[0].score
