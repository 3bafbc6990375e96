"""Prediction: the answer for one picture, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass

from edgeship_runtime.record import Json


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


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture.

    Attributes:
        source: the picture's path, or "array".
        top: the highest scores, best first; equal scores in label order.
        frame: index of the picture within its source.
        age_ms: from the moment its bytes were asked for to the answer.
        latency_ms: see Latency.
    """

    source: str
    top: tuple[Score, ...]
    frame: int
    age_ms: float
    latency_ms: Latency

    @property
    def label(self) -> str:
        """The best label."""
        return self.top[0].label

    @property
    def score(self) -> float:
        """Its score."""
        return self.top[0].score

    def to_json(self) -> Json:
        """The line that `edgeship run --json` prints."""
        latency = self.latency_ms
        return {
            "source": self.source,
            "label": self.label,
            "score": round(self.score, 6),
            "top": [{"label": item.label, "score": round(item.score, 6)} for item in self.top],
            "frame": self.frame,
            "age_ms": round(self.age_ms, 3),
            "latency_ms": {
                "decode": round(latency.decode, 3),
                "preprocess": round(latency.preprocess, 3),
                "invoke": round(latency.invoke, 3),
            },
        }
