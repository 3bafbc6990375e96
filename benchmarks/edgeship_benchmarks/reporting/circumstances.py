"""Circumstances: what the machine was like before, during and after the measuring, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeship_benchmarks.measuring.conditions import Conditions
from edgeship_benchmarks.reporting.report import Report
from edgeship_benchmarks.reporting.rows import ProcessRun

_NOT_TOLD = "not told"


@dataclass(frozen=True)
class Circumstance:
    """One thing, in words; `during` is of all processes, from the lowest to the highest, and empty where only the ends are known."""

    name: str
    before: str
    during: str
    after: str


def circumstances(report: Report) -> list[Circumstance]:
    """What a board tells of itself, and what it does not."""
    before, after = report.before, report.after
    runs = [run for row in report.measured for run in row.runs]
    events = after.throttle_events - before.throttle_events
    return [
        Circumstance(
            "clock, MHz", _one(before.clock_mhz), _span([run.clock_mhz for run in runs]), _one(after.clock_mhz)
        ),
        Circumstance(
            "temperature, °C",
            _one(before.temperature_c, 1),
            _span([run.temperature_c for run in runs], 1),
            _one(after.temperature_c, 1),
        ),
        Circumstance("throttled", _flags(before), f"{events} times more" if events else "", _flags(after)),
        Circumstance("processor time of others, %", "", _percents([run.others for run in runs]), ""),
        Circumstance("threads that waited for a CPU, %", "", _percents([run.waiting for run in runs]), ""),
        Circumstance("running programs (1 min)", _one(before.load_1min, 2), "", _one(after.load_1min, 2)),
        Circumstance("disturbed runs", "", _disturbed(runs), ""),
    ]


def _one(value: float | None, digits: int = 0) -> str:
    return _NOT_TOLD if value is None else f"{value:,.{digits}f}"


def _span(values: Sequence[float | None], digits: int = 0) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return _NOT_TOLD if values else ""
    low, high = _one(min(known), digits), _one(max(known), digits)
    return low if low == high else f"{low} to {high}"


def _percents(values: Sequence[float | None]) -> str:
    return _span([None if value is None else 100 * value for value in values])


def _flags(look: Conditions) -> str:
    return ", ".join(look.throttled) or "no"


def _disturbed(runs: Sequence[ProcessRun]) -> str:
    return f"{sum(bool(run.disturbed) for run in runs)} of {len(runs)}" if runs else ""
