"""Comparing: did this change make it worse? Two reports of one machine and one set of pictures, configuration by configuration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_benchmarks.reporting import significance
from edgeship_benchmarks.reporting.accuracy import right_answers
from edgeship_benchmarks.reporting.common import Common, Here, installed, objections
from edgeship_benchmarks.reporting.drift import Corrected, corrected
from edgeship_benchmarks.reporting.matching import Pair, match
from edgeship_benchmarks.reporting.report import Report
from edgeship_benchmarks.reporting.rows import Result
from edgeship_benchmarks.reporting.significance import Difference
from edgeship_runtime.errors import DataError


@dataclass(frozen=True)
class Limits:
    """What is too much, as shares: a slower median, and lost accuracy; None for what is not judged."""

    latency: float | None = 0.025
    accuracy: float | None = 0.005


@dataclass(frozen=True)
class LatencyChange:
    """Median latency, new against old.

    Attributes:
        old_ms: p50 of the old report.
        new_ms: old_ms and the change: at the machine's speed of then; p50 of the new report where drift is not taken out.
        change: share by which it grew; machine drift is taken out where both reports timed one reference.
        low, high: its 98 % interval; None with the p-value.
        p_value: corrected for the number of configurations; None when there were too few runs to tell, or the machines differ.
        verdict: "slower" or "faster" where the change is significant and above the limit, else "".
    """

    old_ms: float
    new_ms: float
    change: float
    low: float | None
    high: float | None
    p_value: float | None
    verdict: str


@dataclass(frozen=True)
class AccuracyChange:
    """Accuracy, new against old.

    Attributes:
        old, new: fractions, of the pictures that both reports have where they have any.
        lost, won: pictures whose answer turned wrong, or right; None where no picture is in both.
        p_value: corrected for the number of configurations.
        verdict: "worse" or "better" where the change is significant and above the limit, else "".
    """

    old: float
    new: float
    lost: int | None
    won: int | None
    p_value: float
    verdict: str


@dataclass(frozen=True)
class Turned:
    """A picture that is answered differently: its true label, if it has one, and the two answers."""

    picture: str
    label: str | None
    old: str
    new: str


@dataclass(frozen=True)
class RowChange:
    """One configuration in both reports.

    Attributes:
        name: of the new one.
        latency: see LatencyChange.
        accuracy: see AccuracyChange; None without labels.
        answers_changed: pictures; None where none is in both.
        turned: these pictures.
        old_bytes, new_bytes: of the file.
        old_rss_bytes, new_rss_bytes: peak memory.
    """

    name: str
    latency: LatencyChange
    accuracy: AccuracyChange | None
    answers_changed: int | None
    turned: tuple[Turned, ...]
    old_bytes: int
    new_bytes: int
    old_rss_bytes: int
    new_rss_bytes: int


@dataclass(frozen=True)
class Broken:
    """A configuration that ran, and no longer does."""

    name: str
    error: str


@dataclass(frozen=True)
class Comparison:
    """What changed.

    Attributes:
        limits: what is too much.
        rows: configurations in both.
        broken: those that no longer run.
        missing: those of the old report that the new one does not have; empty when that is meant to be.
        notes: what a reader has to know.
    """

    limits: Limits
    rows: tuple[RowChange, ...]
    broken: tuple[Broken, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def regressed(self) -> bool:
        """Whether anything became worse."""
        worse = any(
            row.latency.verdict == "slower" or (row.accuracy and row.accuracy.verdict == "worse") for row in self.rows
        )
        return worse or bool(self.broken) or bool(self.missing)


def compare(old: Report, new: Report, limits: Limits, *, anyway: bool = False) -> Comparison:
    """Compares two reports.

    Args:
        old: before the change.
        new: after it.
        limits: what is too much.
        anyway: also when they are of different machines or pictures, or when configurations of the old one are not in the new one.

    Raises:
        DataError: they are of different machines or pictures, or have no configuration in common.
    """
    notes = objections(old, new)
    if notes and not anyway:
        raise DataError(f"these reports do not compare: {'; '.join(notes)}. --anyway compares them all the same")
    matched = match(old, new)
    if not matched.pairs and not matched.broken:
        raise DataError("the reports have no configuration in common: no model, engine, threads and batch are in both")
    here, common = Here.of(old, new), Common.of(old.data, new.data)
    notes += [*here.notes, *common.notes, *installed(old, new)]
    notes += [f"only in the old report: {name}" for name in matched.only_old]
    notes += [f"only in the new report: {name}" for name in matched.only_new]
    rows = _changes(matched.pairs, here, common, limits)
    few = sum(row.latency.p_value is None for row in rows) if here.one_machine else 0
    if few:
        notes.append(f"too few runs to compare latencies in {few} of {len(rows)}: measure with at least 5 blocks")
    broken = tuple(Broken(name, failure.error) for name, failure in matched.broken)
    return Comparison(limits, rows, broken, () if anyway else matched.only_old, tuple(notes))


def _changes(pairs: Sequence[Pair], here: Here, common: Common, limits: Limits) -> tuple[RowChange, ...]:
    times = [_difference(pair, here) for pair in pairs]
    p_times = _corrected([None if isinstance(time, float) else time.p_value for time in times])
    labelled = common.old.labels and common.new.labels
    judged = [_Judged.of(pair, common) if labelled else None for pair in pairs]
    p_answers = _corrected([None if one is None else one.p_value for one in judged])
    turned = [_turned(pair, common) for pair in pairs]
    return tuple(
        RowChange(
            name=pair.name,
            latency=_latency(pair, time, p_time, limits, drift=here.drift),
            accuracy=None if one is None or p_answer is None else one.change(p_answer, limits),
            answers_changed=len(others) if common.paired else None,
            turned=others,
            old_bytes=pair.old.size_bytes,
            new_bytes=pair.new.size_bytes,
            old_rss_bytes=pair.old.peak_rss_bytes,
            new_rss_bytes=pair.new.peak_rss_bytes,
        )
        for pair, time, p_time, one, p_answer, others in zip(
            pairs, times, p_times, judged, p_answers, turned, strict=True
        )
    )


def _corrected(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction over those that there are."""
    known = iter(significance.holm([p for p in p_values if p is not None]))
    return [None if p is None else next(known) for p in p_values]


def _difference(pair: Pair, here: Here) -> Difference | float:
    """The difference of log latency; only its estimate where machines differ or there are too few runs for more."""
    plain = Corrected(_as_they_came(pair.old), _as_they_came(pair.new), 0.0)
    logs = corrected(pair.old, pair.new) if here.drift else plain
    if not here.one_machine or min(len(logs.old), len(logs.new)) < significance.FEWEST:
        return float(np.median(logs.new) - np.median(logs.old))
    return significance.yuen(logs.old, logs.new, logs.variance)


def _as_they_came(row: Result) -> list[float]:
    return [math.log(run.p50_ms) for run in row.runs if run.counted]


def _latency(
    pair: Pair, time: Difference | float, p_value: float | None, limits: Limits, *, drift: bool
) -> LatencyChange:
    change = math.expm1(time if isinstance(time, float) else time.estimate)
    old_ms = pair.old.latency_ms.p50
    # Milliseconds of two hours are of two speeds: where that is taken out, the new one is the old one and its change.
    new_ms = old_ms * (1 + change) if drift else pair.new.latency_ms.p50
    if isinstance(time, float) or p_value is None:
        return LatencyChange(old_ms, new_ms, change, None, None, None, "")
    above = limits.latency is not None and abs(change) > limits.latency and p_value < significance.LEVEL
    verdict = ("slower" if change > 0 else "faster") if above else ""
    return LatencyChange(old_ms, new_ms, change, math.expm1(time.low), math.expm1(time.high), p_value, verdict)


@dataclass(frozen=True)
class _Judged:
    """Right answers of the two."""

    old: NDArray[np.bool_]
    new: NDArray[np.bool_]
    paired: bool

    @classmethod
    def of(cls, pair: Pair, common: Common) -> _Judged:
        old, new = right_answers(pair.old, common.old), right_answers(pair.new, common.new)
        return (
            cls(old[common.in_old], new[common.in_new], paired=True) if common.paired else cls(old, new, paired=False)
        )

    @property
    def lost(self) -> int:
        return int((self.old & ~self.new).sum())

    @property
    def won(self) -> int:
        return int((~self.old & self.new).sum())

    @property
    def p_value(self) -> float:
        if self.paired:
            return significance.mcnemar(self.lost, self.won)
        return significance.proportions(int(self.old.sum()), len(self.old), int(self.new.sum()), len(self.new))

    def change(self, p_value: float, limits: Limits) -> AccuracyChange:
        before, after = float(self.old.mean()), float(self.new.mean())
        above = limits.accuracy is not None and abs(after - before) > limits.accuracy and p_value < significance.LEVEL
        verdict = ("worse" if after < before else "better") if above else ""
        lost, won = (self.lost, self.won) if self.paired else (None, None)
        return AccuracyChange(before, after, lost, won, p_value, verdict)


def _turned(pair: Pair, common: Common) -> tuple[Turned, ...]:
    found = []
    for at_old, at_new in zip(common.in_old.tolist(), common.in_new.tolist(), strict=True):
        old, new = pair.old.labels[pair.old.answers[at_old]], pair.new.labels[pair.new.answers[at_new]]
        if old != new:
            label = common.new.labels[common.new.targets[at_new]] if common.new.labels else None
            found.append(Turned(common.new.pictures[at_new].name, label, old, new))
    return tuple(found)
