"""Recommending: which configuration to ship, within what the device allows, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_benchmarks.reporting.accuracy import right_answers
from edgeship_benchmarks.reporting.report import Data, Report, Result, names
from edgeship_benchmarks.reporting.significance import mcnemar
from edgeship_benchmarks.reporting.text import number, percent
from edgeship_runtime.errors import DataError

_TOLD_APART = 0.05  # p-value below which an accuracy is another one


@dataclass(frozen=True)
class Wanted:
    """What must hold; None where anything will do.

    Attributes:
        latency_ms: at most.
        quantile: of the latency that this is about.
        accuracy: at least, a fraction.
        size_kb, memory_mb: at most; of 1,000 and 1,000,000 bytes.
    """

    latency_ms: float | None = None
    quantile: str = "p50"
    accuracy: float | None = None
    size_kb: float | None = None
    memory_mb: float | None = None


@dataclass(frozen=True)
class Choice:
    """One configuration and how it stands.

    Attributes:
        name: of the row.
        row: the row.
        fails: what it does not fulfil, in words.
        excess: by how much it misses what it misses most, as a share.
        on_front: whether no other is at least as good in accuracy, latency and size, and better in one of them.
    """

    name: str
    row: Result
    fails: tuple[str, ...]
    excess: float
    on_front: bool


@dataclass(frozen=True)
class Recommendation:
    """The answer.

    Attributes:
        choices: every configuration, the fastest first.
        pick: what to ship; None when nothing fits.
        nearest: what comes nearest, then.
        reasons: for the pick, in words.
    """

    choices: tuple[Choice, ...]
    pick: Choice | None
    nearest: Choice | None
    reasons: tuple[str, ...]


def recommend(report: Report, wanted: Wanted) -> Recommendation:
    """The fastest of those that fit and whose accuracy cannot be told from the best of them.

    Raises:
        DataError: nothing was measured, or an accuracy is wanted of a report without labels.
    """
    rows = report.measured
    if not rows:
        raise DataError("nothing in this report was measured")
    if wanted.accuracy is not None and not report.data.labels:
        raise DataError(f"{report.data.name} has no labels: this report knows no accuracy")
    choices = [_choice(name, row, rows, wanted) for name, row in zip(names(rows), rows, strict=True)]
    choices.sort(key=lambda choice: choice.row.latency_ms.p50)
    fitting = [choice for choice in choices if not choice.fails]
    if not fitting:
        return Recommendation(tuple(choices), None, min(choices, key=lambda choice: choice.excess), ())
    pick, reasons = _pick(fitting, report.data, wanted)
    return Recommendation(tuple(choices), pick, None, reasons)


def _choice(name: str, row: Result, rows: Sequence[Result], wanted: Wanted) -> Choice:
    misses = [miss for miss in _misses(row, wanted) if miss[1] > 0]
    return Choice(
        name,
        row,
        tuple(words for words, _ in misses),
        max((excess for _, excess in misses), default=0.0),
        not any(_dominates(other, row) for other in rows),
    )


def _misses(row: Result, wanted: Wanted) -> list[tuple[str, float]]:
    """What is wanted, in words, and by what share the row misses it."""
    latency = float(getattr(row.latency_ms, wanted.quantile))
    found = []
    for unit, value, most in (
        (f"{wanted.quantile} {number(latency)} ms", latency, wanted.latency_ms),
        (f"{row.size_bytes / 1e3:,.0f} kB", row.size_bytes / 1e3, wanted.size_kb),
        (f"{row.peak_rss_bytes / 1e6:,.0f} MB of memory", row.peak_rss_bytes / 1e6, wanted.memory_mb),
    ):
        if most is not None:
            found.append((f"{unit}, at most {number(most)} wanted", value / most - 1))
    if wanted.accuracy is not None and row.accuracy is not None:
        words = f"accuracy {percent(row.accuracy)} %, at least {percent(wanted.accuracy)} wanted"
        found.append((words, wanted.accuracy / row.accuracy - 1 if row.accuracy else 1.0))
    return found


def _dominates(other: Result, row: Result) -> bool:
    """Whether `other` is nowhere worse, and somewhere better."""
    theirs, ours = _merits(other), _merits(row)
    return theirs != ours and all(one <= two for one, two in zip(theirs, ours, strict=True))


def _merits(row: Result) -> tuple[float, ...]:
    """What should be small."""
    return (-(row.accuracy or 0.0), row.latency_ms.p50 / row.batch, float(row.size_bytes))


def _pick(fitting: Sequence[Choice], data: Data, wanted: Wanted) -> tuple[Choice, tuple[str, ...]]:
    """Of `fitting`, the fastest first."""
    if not data.labels:
        return fitting[0], (f"the fastest {_that_fits(wanted)}: p50 {number(fitting[0].row.latency_ms.p50)} ms",)
    best = max(fitting, key=lambda choice: choice.row.accuracy or 0.0)
    right = {choice.name: right_answers(choice.row, data) for choice in fitting}
    equal = [choice for choice in fitting if _p_value(right[choice.name], right[best.name]) >= _TOLD_APART]
    pick = min(equal, key=lambda choice: (choice.row.latency_ms.p50 / choice.row.batch, choice.row.size_bytes))
    return pick, tuple(_reasons(pick, best, fitting, right, wanted))


def _reasons(
    pick: Choice, best: Choice, fitting: Sequence[Choice], right: dict[str, NDArray[np.bool_]], wanted: Wanted
) -> list[str]:
    said = []
    accuracy = f"{percent(pick.row.accuracy or 0)} % of {pick.row.samples:,} pictures right"
    if pick is best:
        said.append(f"the most accurate {_that_fits(wanted)}: {accuracy}")
    else:
        ratio = best.row.latency_ms.p50 / pick.row.latency_ms.p50
        p = _p_value(right[pick.name], right[best.name])
        apart = f"not told apart from the most accurate, {best.name} ({percent(best.row.accuracy or 0)} %, p = {p:.2g})"
        sizes = f"{pick.row.size_bytes / 1e3:,.0f} kB against {best.row.size_bytes / 1e3:,.0f}"
        said += [f"{accuracy}; {apart}", f"{number(ratio)} × as fast as that; {sizes}"]
    faster = [choice for choice in fitting if choice.row.latency_ms.p50 < pick.row.latency_ms.p50]
    said += [
        f"{choice.name} is faster ({number(choice.row.latency_ms.p50)} ms) but less accurate ({percent(choice.row.accuracy or 0)} %)"
        for choice in faster
    ]
    low = pick.row.accuracy_interval[0] if pick.row.accuracy_interval else 0.0
    if wanted.accuracy is not None and low < wanted.accuracy:
        said.append(f"its accuracy may be as low as {percent(low)} %: more pictures would tell")
    return said


def _that_fits(wanted: Wanted) -> str:
    return "here" if wanted == Wanted(quantile=wanted.quantile) else "that fits"


def _p_value(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return mcnemar(int((~one & other).sum()), int((one & ~other).sum()))
