"""Result: all there is to say about one picture or frame; what sinks write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeship_runtime.prediction import Latency, Prediction, Score
from edgeship_runtime.record import Json

if TYPE_CHECKING:
    from edgeship_runtime.decision import Decision
    from edgeship_runtime.frames import Frame


@dataclass(frozen=True)
class Result:
    """A prediction and the decision it led to, or why there is none.

    Attributes:
        source: the picture's path, or the camera, stream or video, without passwords.
        index: of the picture in this run, or of the frame in its source.
        prediction: what the model said; None where it was not asked, or its answer was too old to use.
        decision: what to act on; None where nothing could be read.
        error: why nothing could be read.
        age_ms: from the moment a frame arrived, or a picture's bytes were asked for, to the answer.
        dropped: frames of a live source that were passed over since the result before; None for files, of which none is.
        frame: of a camera, stream or video.
    """

    source: str
    index: int
    prediction: Prediction | None = None
    decision: Decision | None = None
    error: str | None = None
    age_ms: float | None = None
    dropped: int | None = None
    frame: Frame | None = field(default=None, repr=False, compare=False)

    @property
    def is_live(self) -> bool:
        """Of a camera or a stream, which has no end."""
        return self.frame is not None and self.frame.captured_at is not None

    def to_json(self, top_k: int = 5) -> Json:
        """The line that `edgeship run --json` prints: `label`, `score` and `top` are the model's, `decision` is to be acted on."""
        if self.error is not None:
            return {"source": self.source, "error": self.error, **self._when()}
        said = self.prediction
        return {
            "source": self.source,
            "label": None if said is None else said.label,
            "score": None if said is None else round(said.score, 6),
            "top": [] if said is None else [_json(item) for item in said.top[:top_k]],
            "decision": None if self.decision is None else _json(self.decision),
            "frame": self.index,
            "age_ms": None if self.age_ms is None else round(self.age_ms, 3),
            "latency_ms": None if said is None else _json(said.latency_ms),
            **self._when(),
        }

    def _when(self) -> dict[str, Json]:
        """What only frames have."""
        if self.frame is None:
            return {}
        if self.frame.captured_at is None:
            return {"frame": self.index, "position_s": round(self.frame.position_s or 0.0, 3)}
        return {"frame": self.index, "captured_at": round(self.frame.captured_at, 3), "dropped": self.dropped}


def _json(value: Score | Decision | Latency) -> Json:
    """Its fields: scores in six decimals, times to the microsecond."""
    digits = 3 if isinstance(value, Latency) else 6
    return {name: round(item, digits) if isinstance(item, float) else item for name, item in vars(value).items()}
