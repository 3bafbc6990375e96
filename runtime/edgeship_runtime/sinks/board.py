"""Board: what the live page shows: written by who classifies, read by who serves. Nothing is encoded until somebody looks."""

from __future__ import annotations

import base64
import io
import threading
from collections import deque
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from edgeship_runtime import machine
from edgeship_runtime.record import Json
from edgeship_runtime.results import Result

if TYPE_CHECKING:
    from PIL import Image

_POINTS = 240  # of a plot
_SIDE = 640  # pixels of the picture that is sent, at most
_TOP_K = 5
_PICTURES = "pictures"  # one place for all that ends: a folder of videos must not leave a frame of each in memory


@dataclass
class _Place:
    """What is known of a source."""

    result: Result | None = None
    state: str = ""
    detail: str = ""
    number: int = 0
    shown_s: float = 0.0
    recent: deque[tuple[float, float, float]] = field(
        default_factory=lambda: deque(maxlen=_POINTS)
    )  # when, age, latency


class Board:
    """The newest result of each source, and a short past of their ages and latencies."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.is_closed = False
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}

    def show(self, result: Result) -> None:
        """Takes a result."""
        now = monotonic()
        with self._lock:
            place = self._places.setdefault(result.source if result.is_live else _PICTURES, _Place())
            place.result, place.shown_s = result, now
            place.number += 1
            if result.prediction is not None:
                place.recent.append((now, result.age_ms or 0.0, result.prediction.latency_ms.total))

    def tell(self, source: str, state: str, detail: str) -> None:
        """Takes a state."""
        with self._lock:
            place = self._places.setdefault(source, _Place())
            place.state, place.detail = state, detail
            place.number += 1

    def close(self) -> None:
        """Nothing comes any more."""
        self.is_closed = True

    def sources(self) -> list[str]:
        """That were heard of."""
        with self._lock:
            return list(self._places)

    def number(self, source: str) -> int:
        """Grows with each change of a source."""
        return self._places[source].number

    def snapshot(self, source: str) -> Json:
        """All there is to show of a source now, its picture included."""
        with self._lock:
            place = self._places[source]
            result, recent = place.result, list(place.recent)
            state, detail, shown_s = place.state, place.detail, place.shown_s
        line = {} if result is None else result.to_json(_TOP_K)
        return {
            **line,
            "source": source,
            "name": line.get("source", source),
            "state": state,
            "detail": detail,
            "since_ms": round((monotonic() - shown_s) * 1e3) if shown_s else None,
            "rate": _rate([when for when, _, _ in recent]),
            "ages": [round(age, 1) for _, age, _ in recent],
            "latencies": [round(latency, 1) for _, _, latency in recent],
            "temperature": machine.temperature_c(),
            "picture": None if result is None else _picture(result),
        }


def _rate(times: list[float]) -> float | None:
    """Answers a second, over the last two seconds."""
    last = [when for when in times if when > monotonic() - 2.0]
    return round((len(last) - 1) / (last[-1] - last[0]), 1) if len(last) > 2 and last[-1] > last[0] else None


def _picture(result: Result) -> str | None:
    """A JPEG of what was looked at, as a data: URL; None where it cannot be shown."""
    from edgeship_runtime.errors import PictureError
    from edgeship_runtime.pictures import decode, from_array

    content = result.source if result.frame is None else result.frame.picture
    try:
        if isinstance(content, str | bytes):
            from pathlib import Path

            image = decode(Path(content) if isinstance(content, str) else content, "rgb", at_least=(_SIDE, _SIDE))
        else:
            image = from_array(content, "rgb")
    except PictureError:
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(_jpeg(image)).decode()}"


def _jpeg(image: Image.Image) -> bytes:
    image.thumbnail((_SIDE, _SIDE))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    return stream.getvalue()
