"""What the benchmark could have measured: processes, and reports changed as if other things had been."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

from edgeship_benchmarks.measuring.conditions import Conditions
from edgeship_benchmarks.measuring.results import GRID, Timed
from edgeship_benchmarks.measuring.warm_up import WarmUp

Report = dict[str, Any]
QUIET = Conditions(1500.0, 50.0, (), 0, 100.0, 0.0, 0.1)


def timed(relative: float = 10.0, **changes: object) -> Timed:
    """What an undisturbed process of 0.5 s measures."""
    plain = Timed(
        engine="litert",
        engine_version="2",
        import_ms=1.0,
        load_ms=1.0,
        first_ms=1.0,
        warm_up=WarmUp(20, steady=True),
        inferences=100,
        net_ms=(1.0,) * GRID,
        wall_ms=(1.0,) * GRID,
        scaled=(relative,) * GRID,
        relative=relative,
        reference_ms=0.5,
        waiting=0.0,
        end_to_end=None,
        peak_rss_bytes=1,
        own_s=0.5,
        wall_s=0.5,
        before=QUIET,
        after=QUIET,
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


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
