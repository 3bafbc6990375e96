"""Recommending: which configuration to ship, within what the device allows, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_benchmarks.reporting import significance
from edgeship_benchmarks.reporting.accuracy import right_answers
from edgeship_benchmarks.reporting.report import Data, Report, names
from edgeship_benchmarks.reporting.rows import Result
from edgeship_benchmarks.reporting.text import failures, number, percent
from edgeship_runtime.errors import DataError
from edgeship_runtime.terminal import counted

_TOLD_APART = 0.05  # p-value below which an accuracy is another one
_MOST_LOST = 0.02  # of the pictures, however few tell it: speed is not bought with more than that


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
    """The fastest of those that fit and whose accuracy cannot be told from the best of them, nor is two points below it.

    Where the runs do not tell which is the fastest, the smallest of these.

    Raises:
        DataError: nothing was measured, or an accuracy is wanted of a report without labels.
    """
    rows = report.measured
    if not rows:
        why = "".join(f": {line}" for line in failures(report)[:1])
        raise DataError(f"nothing in this report was measured{why}")
    if wanted.accuracy is not None and not report.data.labels:
        raise DataError(f"{report.data.name} has no labels: this report knows no accuracy")
    choices = [_choice(name, row, rows, wanted) for name, row in zip(names(rows), rows, strict=True)]
    choices.sort(key=lambda choice: choice.row.picture_ms)
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
    return (-(row.accuracy or 0.0), row.picture_ms, float(row.size_bytes))


def _pick(fitting: Sequence[Choice], data: Data, wanted: Wanted) -> tuple[Choice, tuple[str, ...]]:
    """Of `fitting`, the fastest first."""
    if not data.labels:
        pick = _least(fitting)
        said = f"the fastest {_that_fits(wanted)}: p50 {number(pick.row.latency_ms.p50)} ms"
        return pick, (said, *_as_fast_as(pick, fitting[0]), *_doubts(pick, wanted))
    best = max(fitting, key=lambda choice: choice.row.accuracy or 0.0)
    right = {choice.name: right_answers(choice.row, data) for choice in fitting}
    equal = [choice for choice in fitting if Against.of(right[choice.name], right[best.name]).as_good]
    pick = _least(equal)
    reasons = [*_accurate(pick, best, right, wanted), *_as_fast_as(pick, equal[0])]
    reasons += [
        f"{choice.name} is faster ({_speed(choice.row)}) but less accurate ({percent(choice.row.accuracy or 0)} %)"
        for choice in fitting
        if choice.row.picture_ms < pick.row.picture_ms and choice not in equal
    ]
    return pick, (*reasons, *_doubts(pick, wanted))


def _least(equal: Sequence[Choice]) -> Choice:
    """Of the fastest, and those that the runs cannot tell from it, what takes least: the smallest, on the fewest threads."""
    level = [choice for choice in equal if not _told_apart(choice.row, equal[0].row)]
    return min(
        level, key=lambda one: (one.row.size_bytes, one.row.threads, -(one.row.accuracy or 0.0), one.row.picture_ms)
    )


def _told_apart(one: Result, other: Result) -> bool:
    """Whether their latencies differ by more than what is unknown of both; rows of one thread are known better to each other."""
    alike = one.threads == other.threads == 1
    unknown = [(row.precision.relative if alike else row.precision.half_width) or 0.0 for row in (one, other)]
    return abs(math.log(one.picture_ms / other.picture_ms)) > math.hypot(*unknown)


def _as_fast_as(pick: Choice, fastest: Choice) -> list[str]:
    if pick is fastest:
        return []
    ours, theirs = pick.row, fastest.row
    less = (
        f"{ours.size_bytes / 1e3:,.0f} kB against {theirs.size_bytes / 1e3:,.0f}"
        if ours.size_bytes < theirs.size_bytes
        else f"{counted(ours.threads, 'thread')} against {theirs.threads}"
        if ours.threads < theirs.threads
        else f"{percent(ours.accuracy or 0)} % against {percent(theirs.accuracy or 0)}"
    )
    return [f"as fast as {fastest.name} ({_speed(theirs)}), as far as the runs tell; {less}"]


def _accurate(pick: Choice, best: Choice, right: dict[str, NDArray[np.bool_]], wanted: Wanted) -> list[str]:
    accuracy = f"{percent(pick.row.accuracy or 0)} % of {pick.row.samples:,} pictures right"
    if pick is best:
        return [f"the most accurate {_that_fits(wanted)}: {accuracy}"]
    ratio, against = best.row.picture_ms / pick.row.picture_ms, Against.of(right[pick.name], right[best.name])
    apart = f"not told apart from the most accurate, {best.name} ({percent(best.row.accuracy or 0)} %, p = {against.p_value:.2g})"
    sizes = f"{pick.row.size_bytes / 1e3:,.0f} kB against {best.row.size_bytes / 1e3:,.0f}"
    said = [f"{accuracy}; {apart}", f"{number(ratio)} × as fast as that; {sizes}"]
    if against.most_lost > _MOST_LOST:
        lost = f"it may lose up to {percent(against.most_lost)} points against that"
        said.append(f"{pick.row.samples:,} pictures are too few to tell: {lost}")
    return said


def _doubts(pick: Choice, wanted: Wanted) -> list[str]:
    """What is wanted and holds, but not to the end of its interval."""
    said = []
    low = pick.row.accuracy_interval[0] if pick.row.accuracy_interval else 0.0
    if wanted.accuracy is not None and low < wanted.accuracy:
        said.append(f"its accuracy may be as low as {percent(low)} %: more pictures would tell")
    high = (pick.row.latency_ms.p50_interval or (0.0,))[-1]
    if wanted.latency_ms is not None and wanted.quantile == "p50" and high > wanted.latency_ms:
        said.append(f"its p50 may be as high as {number(high)} ms: an idle machine, or more blocks, would tell")
    return said


def _that_fits(wanted: Wanted) -> str:
    return "here" if wanted == Wanted(quantile=wanted.quantile) else "that fits"


def _speed(row: Result) -> str:
    return f"{number(row.picture_ms)} ms{'' if row.batch == 1 else ' a picture'}"


@dataclass(frozen=True)
class Against:
    """One's answers to the same pictures against the best's.

    Attributes:
        loss: of accuracy, as it was seen.
        most_lost: what it may be.
        p_value: that there is none.
    """

    loss: float
    most_lost: float
    p_value: float

    @classmethod
    def of(cls, one: NDArray[np.bool_], best: NDArray[np.bool_]) -> Against:
        """From what each answered rightly."""
        lost, won = int((~one & best).sum()), int((one & ~best).sum())
        return cls(
            (lost - won) / len(one), significance.most_lost(lost, won, len(one)), significance.mcnemar(lost, won)
        )

    @property
    def as_good(self) -> bool:
        """Whether it may be picked for its speed."""
        return self.p_value >= _TOLD_APART and self.loss <= _MOST_LOST
