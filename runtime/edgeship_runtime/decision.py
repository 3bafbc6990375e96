"""Decision: what to act on, made of predictions: smoothed over time, agreed on by several frames, or refused as too uncertain.

A camera sees the same thing many times, so one frame's mistake need not become an answer. A picture by itself is only held against the
threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Rules:
    """How predictions become decisions.

    Attributes:
        smooth_s: time constant in seconds of an exponentially weighted moving average of the scores; 0 takes each frame as it is.
            A weight is 1 − exp(−Δt/smooth_s), so it does not matter how many frames a second are answered.
        agree: consecutive frames that must have the same best label.
        threshold: the best score that is needed, 0 to 1.
    """

    smooth_s: float = 0.0
    agree: int = 1
    threshold: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what nothing could satisfy."""
        if not 0 <= self.smooth_s < math.inf:
            raise ValueError(f"smooth is {self.smooth_s}; wanted seconds, at least 0")
        if self.agree < 1:
            raise ValueError(f"agree is {self.agree}; wanted at least 1 frame")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}; wanted a score from 0 to 1")


@dataclass(frozen=True)
class Decision:
    """What to act on.

    Attributes:
        label: the answer; None where there is none.
        score: the best label's, smoothed; None where nothing was predicted.
        reason: why there is no answer.
    """

    label: str | None
    score: float | None
    reason: str | None = None


class _Past:
    """What is remembered of a source."""

    def __init__(self, scores: NDArray[np.float32], at_s: float) -> None:
        self.scores, self.at_s = scores, at_s
        self.best, self.agreeing = -1, 0


class Decider:
    """Makes decisions, with a memory for each source. Not for several threads at once."""

    def __init__(self, labels: tuple[str, ...], rules: Rules) -> None:
        self.labels, self.rules = labels, rules
        self._past: dict[str, _Past] = {}

    def decide(self, scores: NDArray[np.float32], source: str, at_s: float | None = None) -> Decision:
        """Decides on one picture, or the next frame of a source.

        Args:
            scores: one for each label.
            source: whose frame it is.
            at_s: when it was taken, in seconds from any moment; None for a picture, which stands alone.
        """
        if at_s is None:
            return self._judge(scores, int(np.argmax(scores)), self.rules.agree)
        past = self._past.setdefault(source, _Past(scores, at_s))
        if self.rules.smooth_s:
            weight = -math.expm1(-max(0.0, at_s - past.at_s) / self.rules.smooth_s)
            past.scores = (past.scores + weight * (scores - past.scores)).astype(np.float32)
        else:
            past.scores = scores
        past.at_s = at_s
        best = int(np.argmax(past.scores))
        sure = float(past.scores[best]) >= self.rules.threshold
        past.agreeing = (past.agreeing + 1 if best == past.best else 1) if sure else 0
        past.best = best
        return self._judge(past.scores, best, past.agreeing)

    def forget(self, source: str) -> None:
        """Begins a source anew: after a gap, what was seen before says nothing."""
        self._past.pop(source, None)

    def _judge(self, scores: NDArray[np.float32], best: int, agreeing: int) -> Decision:
        label, score, rules = self.labels[best], float(scores[best]), self.rules
        if score < rules.threshold:
            return Decision(None, score, f"{label} {score:.3f} is below {rules.threshold:.3f}")
        if agreeing < rules.agree:
            return Decision(None, score, f"{agreeing} of {rules.agree} frames agree on {label}")
        return Decision(label, score)
