"""How fresh answers are: what is done beyond decoding, preprocessing and inference, and how old the picture really is by then."""

from __future__ import annotations

import os
import statistics
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from camera import RATE, camera, number_in
from numpy.typing import NDArray

import edgeship_runtime.live as live_module
from edgeship_runtime import Classifier
from edgeship_runtime.live import hub as hub_module
from edgeship_runtime.results import Result
from edgeship_runtime.sinks import Writing
from edgeship_runtime.sinks.jsonl import JsonLines
from edgeship_runtime.terminal import table


class Stamped(hub_module.Hub):
    """Notes when a frame was taken."""

    taken_s = 0.0

    def take(self, timeout_s: float) -> hub_module.Taken | None:
        """The same."""
        taken = super().take(timeout_s)
        Stamped.taken_s = time.perf_counter()
        return taken


class Slow:
    """An engine that takes 150 ms longer."""

    def __init__(self, engine: object) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def scores(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The same, later."""
        time.sleep(0.15)
        return self._engine.scores(batch)  # type: ignore[attr-defined]


def live(model: Path, rounds: int) -> None:
    print(f"a camera of {RATE} frames a second at 1280×720, {rounds * 3} s each")
    classifier = Classifier.load(model, "litert", threads=1)
    rows = [["", "answered/s", "dropped", "decode + preprocess + invoke", "beyond", "true age p50", "p95", "allowed"]]
    rows.append(["as it is", *watched(classifier, rounds * 3)])
    classifier.engine = Slow(classifier.engine)  # type: ignore[assignment]
    rows.append(["150 ms slower", *watched(classifier, rounds * 3)])
    print(table(rows, right=tuple(range(1, 8))))


def watched(classifier: Classifier, seconds: float) -> list[str]:

    live_module.Hub = Stamped  # type: ignore[misc]
    sink = JsonLines(os.devnull, Writing("", force=True))
    costs, beyond, ages, dropped = [], [], [], 0
    with camera() as (url, began), closing(classifier.stream(url)) as results:
        until = time.monotonic() + seconds
        for result in results:
            sink.write(result)
            done, now = time.perf_counter() - Stamped.taken_s, time.monotonic()
            if now > until:
                break
            ages.append((now - began() - true_number(result) / RATE) * 1e3)
            assert result.prediction is not None
            costs.append(result.prediction.latency_ms.total)
            beyond.append(done * 1e3 / costs[-1] - 1)
            dropped += result.dropped or 0
            # Or its whole frame, which only this script decodes, would be freed while the next one is answered.
            del result
    warm = len(costs) // 10
    costs, beyond, ages = costs[warm:], beyond[warm:], ages[warm:]
    cost, old = statistics.median(costs), statistics.quantiles(ages, n=20)[-1]
    allowed = cost + 1e3 / RATE
    return [
        f"{len(costs) / seconds / 0.9:.1f}",
        f"{dropped:,}",
        f"{cost:.1f} ms",
        f"{100 * statistics.median(beyond):.1f} %{' NOT ≤ 5 %' if statistics.median(beyond) > 0.05 else ''}",
        f"{statistics.median(ages):.1f} ms",
        f"{old:.1f} ms",
        f"≤ {allowed:.1f} ms {'reached' if old <= allowed else 'NOT reached'}",
    ]


def true_number(result: Result) -> int:
    """The frame's number since the connection, of which the picture tells the last eight bits."""
    assert result.frame is not None
    shown = number_in(result.frame.pixels)
    number = result.index + (shown - result.index + 128) % 256 - 128
    assert abs(number - result.index) < 100, (shown, result.index)
    return number
