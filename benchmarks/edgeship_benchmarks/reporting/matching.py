"""Matching: which configuration of a new report is which of an old one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeship_benchmarks.reporting.report import Report, names
from edgeship_benchmarks.reporting.rows import Failure, Result

Key = tuple[object, ...]


@dataclass(frozen=True)
class Pair:
    """One configuration, measured before and after; the name is the new one's."""

    name: str
    old: Result
    new: Result


@dataclass(frozen=True)
class Matched:
    """Pairs; what ran and no longer does; names of what is in one report only."""

    pairs: tuple[Pair, ...]
    broken: tuple[tuple[str, Failure], ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]


def match(old: Report, new: Report) -> Matched:
    """Configurations of one file name, engine, threads and batch belong together.

    What is left over is matched by format, quantization, engine, threads and batch, where that leaves no doubt: a file may have
    been renamed.
    """
    new_names = dict(zip(map(id, new.measured), names(new.measured), strict=True))
    old_names = dict(zip(map(id, old.measured), names(old.measured), strict=True))
    pairs: list[Pair] = []
    rest_old, rest_new = list(old.measured), list(new.measured)
    for key in (_by_name, _by_kind):
        found = _matches(rest_old, rest_new, key)
        pairs += [Pair(new_names[id(after)], before, after) for before, after in found]
        rest_old = [row for row in rest_old if all(row is not before for before, _ in found)]
        rest_new = [row for row in rest_new if all(row is not after for _, after in found)]
    able = {row.model for row in new.measured}
    broken = {
        old_names[id(row)]: failure
        for row in rest_old
        for failure in new.failed
        if _is_of(failure, row) or (failure.model == row.model and row.model not in able)
    }
    return Matched(
        tuple(sorted(pairs, key=lambda pair: new.measured.index(pair.new))),
        tuple(broken.items()),
        tuple(old_names[id(row)] for row in rest_old if old_names[id(row)] not in broken),
        tuple(new_names[id(row)] for row in rest_new),
    )


def _is_of(failure: Failure, row: Result) -> bool:
    """Whether this way of running the file failed; "auto" may have meant any engine."""
    same = (failure.model, failure.threads, failure.batch) == (row.model, row.threads, row.batch)
    return same and failure.engine in ("auto", row.engine)


def _by_name(row: Result) -> Key:
    return row.model, row.engine, row.threads, row.batch


def _by_kind(row: Result) -> Key:
    return row.format, row.quantization, row.engine, row.threads, row.batch


def _matches(old: Sequence[Result], new: Sequence[Result], key: Callable[[Result], Key]) -> list[tuple[Result, Result]]:
    """Rows of one key, where both reports have as many; by kind, only where that is one."""
    found = []
    for value in dict.fromkeys(map(key, old)):
        before, after = ([row for row in rows if key(row) == value] for rows in (old, new))
        if len(before) == len(after) and (key is _by_name or len(before) == 1):
            found += list(zip(before, after, strict=True))
    return found
