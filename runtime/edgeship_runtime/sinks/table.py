"""Table: a line for people on stdout; of live sources one a second, and one whenever the answer changes."""

from __future__ import annotations

from time import monotonic, strftime
from typing import TYPE_CHECKING

from edgeship_runtime.sinks import Writing
from edgeship_runtime.terminal import answer, say

if TYPE_CHECKING:
    from edgeship_runtime.results import Result
    from edgeship_runtime.sinks.sink import State

_EVERY_S = 1.0


class Table:
    """Lines on stdout; what cannot be read on stderr."""

    def __init__(self, writing: Writing) -> None:
        self._top_k = writing.top_k or 1
        self._told: dict[str, tuple[str | None, float]] = {}  # live source → decision, when

    def write(self, result: Result) -> None:
        """Prints a line, where there is news."""
        if result.is_live and not self._is_news(result):
            return
        if result.error is not None:
            say(f"edgeship: {result.source}: {result.error}")
        else:
            answer("  ".join(self._cells(result)))

    def state(self, source: str, state: State, detail: str) -> None:
        """Nothing: states are logged on stderr whatever the sinks."""

    def close(self) -> None:
        """Nothing is left."""

    def _is_news(self, result: Result) -> bool:
        said = None if result.decision is None else result.decision.label
        before, at = self._told.get(result.source, ("", -_EVERY_S))
        if said == before and monotonic() - at < _EVERY_S:
            return False
        self._told[result.source] = said, monotonic()
        return True

    def _cells(self, result: Result) -> list[str]:
        cells = [strftime("%H:%M:%S")] if result.is_live else []
        cells += self._answer(result)
        cells.append(result.source)
        if result.frame is not None and result.frame.position_s is not None:
            cells.append(f"{result.frame.position_s:.2f} s")
        if result.prediction is not None:
            cells.append(f"{result.prediction.latency_ms.total:.1f} ms")
        if result.is_live:
            cells.append(f"age {result.age_ms or 0:.0f} ms")
        return cells

    def _answer(self, result: Result) -> list[str]:
        decision, prediction = result.decision, result.prediction
        if decision is None or decision.label is None:
            return [f"no decision: {'' if decision is None else decision.reason}"]
        best = [f"{decision.label}  {decision.score:.3f}"]
        others = [] if prediction is None else [item for item in prediction.top if item.label != decision.label]
        return best + [f"{item.label}  {item.score:.3f}" for item in others[: self._top_k - 1]]
