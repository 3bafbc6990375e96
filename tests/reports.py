"""Reports of the benchmark, changed as if other things had been measured."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

Report = dict[str, Any]


def with_runs(
    report: Report, model: str, relatives: Sequence[float], references: Sequence[float] | None = None
) -> Report:
    """The report as it would be if the processes of `model` had measured these latencies, in units of these references (ms)."""
    changed = copy.deepcopy(report)
    for row in rows(changed, model):
        one = row["runs"][0]
        references = references or [1.0] * len(relatives)
        row["runs"] = [
            {**one, "block": block, "relative": value, "reference_ms": unit, "p50_ms": value * unit, "counted": True}
            for block, (value, unit) in enumerate(zip(relatives, references, strict=True))
        ]
    return changed


def rows(report: Report, model: str) -> list[Report]:
    """The results of a model, by its suffix."""
    return [row for row in report["results"] if row["model"].endswith(model)]
