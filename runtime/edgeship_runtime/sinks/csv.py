"""Columns: comma-separated values (RFC 4180) with a heading, for spreadsheets and pandas."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from edgeship_runtime.errors import OutputError
from edgeship_runtime.record import Json
from edgeship_runtime.sinks import Writing
from edgeship_runtime.sinks.output import Output

if TYPE_CHECKING:
    from edgeship_runtime.results import Result
    from edgeship_runtime.sinks.sink import State

COLUMNS = (
    "source", "frame", "label", "score", "decision", "decision_score", "reason", "error",
    "age_ms", "decode_ms", "preprocess_ms", "invoke_ms", "captured_at", "position_s", "dropped",
)  # fmt: skip


class Columns:
    """A row for each result."""

    def __init__(self, name: str, writing: Writing) -> None:
        self._output = Output(name, writing)
        if self._output.was_empty:
            self._output.line(",".join(COLUMNS))
        elif self._output.first_line() != ",".join(COLUMNS):
            self._output.close()
            raise OutputError(f"{name} has other columns than this version writes; name another file")
        self._output.mend(lambda row: len(next(csv.reader([row]))) == len(COLUMNS))

    def write(self, result: Result) -> None:
        """Writes a row; what a result does not have is left empty."""
        row = _flat(result.to_json(1))
        stream = io.StringIO()
        csv.writer(stream, lineterminator="").writerow([row.get(name) for name in COLUMNS])
        self._output.line(stream.getvalue())

    def state(self, source: str, state: State, detail: str) -> None:
        """Nothing: a row is a result."""

    def close(self) -> None:
        """Closes the file."""
        self._output.close()


def _flat(line: dict[str, Json]) -> dict[str, Json]:
    decision, latency = line.get("decision") or {}, line.get("latency_ms") or {}
    return {
        **line,
        "decision": decision.get("label"),
        "decision_score": decision.get("score"),
        "reason": decision.get("reason"),
        **{f"{stage}_ms": cost for stage, cost in latency.items()},
    }
