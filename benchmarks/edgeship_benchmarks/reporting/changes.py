"""Changes: a comparison in words, for the terminal and for a pull request."""

from __future__ import annotations

from edgeship_benchmarks.reporting import markdown as table_of
from edgeship_benchmarks.reporting.comparing import AccuracyChange, Comparison, LatencyChange, RowChange
from edgeship_benchmarks.reporting.text import number, percent
from edgeship_runtime.terminal import counted, table

_COLUMNS = ("configuration", "p50 ms", "change", "accuracy, %", "answers changed", "size kB", "peak MB", "")
_MOST_TURNED = 20  # pictures of one configuration in a pull request
_NARROW = (0, 1, 2, 3, 5, 7)  # of these, on a terminal


def text(comparison: Comparison) -> str:
    """A table, what no longer runs, notes, and the verdict in the last line."""
    rows = [[cells[column] for column in _NARROW] for cells in (_COLUMNS, *map(_cells, comparison.rows))]
    pieces = [table(rows, right=range(1, len(_NARROW) - 1))] if comparison.rows else []
    pieces += [f"no longer runs: {one.name}: {one.error}" for one in comparison.broken]
    return "\n".join([*pieces, *(f"note: {note}" for note in comparison.notes), _verdict(comparison)])


def markdown(comparison: Comparison) -> str:
    """The same for a pull request."""
    lines = [f"**{_verdict(comparison)}**", ""]
    if comparison.rows:
        lines += [table_of.row(_COLUMNS), "|---|" + "--:|" * (len(_COLUMNS) - 2) + "---|"]
        lines += [table_of.row(_cells(row)) for row in comparison.rows]
    lines += ["", *(f"- {table_of.plain(f'no longer runs: {one.name}: {one.error}')}" for one in comparison.broken)]
    lines += [f"- {table_of.plain(note)}" for note in comparison.notes]
    lines += [line for row in comparison.rows if row.turned for line in _turned(row)]
    return "\n".join(lines)


def _turned(row: RowChange) -> list[str]:
    """Pictures that are answered differently, folded."""
    more = len(row.turned) - _MOST_TURNED
    lines = [
        "",
        f"<details><summary>{table_of.plain(row.name)}: {len(row.turned):,} answered differently</summary>",
        "",
    ]
    for one in row.turned[:_MOST_TURNED]:
        truth = "" if one.label is None else f" (is {one.label})"
        lines.append(f"- `{one.picture}`: {one.old} → {one.new}{truth}")
    return [*lines, *([f"- and {more:,} more, in `--format json`"] if more > 0 else []), "", "</details>"]


def _cells(row: RowChange) -> list[str]:
    return [
        row.name,
        f"{number(row.latency.old_ms)} → {number(row.latency.new_ms)}",
        _latency(row.latency),
        "" if row.accuracy is None else _accuracy(row.accuracy),
        "" if row.answers_changed is None else f"{row.answers_changed:,}",
        _from_to(row.old_bytes / 1e3, row.new_bytes / 1e3),
        _from_to(row.old_rss_bytes / 1e6, row.new_rss_bytes / 1e6),
        ", ".join(filter(None, [row.latency.verdict, row.accuracy.verdict if row.accuracy else ""])),
    ]


def _latency(change: LatencyChange) -> str:
    estimate = f"{100 * change.change:+.1f} %"
    if change.low is None or change.high is None:
        return estimate
    return f"{estimate} ({100 * change.low:+.1f} to {100 * change.high:+.1f})"


def _accuracy(change: AccuracyChange) -> str:
    turned = "" if change.lost is None else f" (-{change.lost} +{change.won})"
    return f"{percent(change.old)} → {percent(change.new)}{turned}"


def _from_to(old: float, new: float) -> str:
    return f"{old:,.0f}" if round(old) == round(new) else f"{old:,.0f} → {new:,.0f}"


def _unjudged(comparison: Comparison) -> str:
    """What nobody should take for a success."""
    few = sum(row.latency.p_value is None for row in comparison.rows)
    if comparison.limits.latency is None or not few:
        return ""
    return f"; latency is not judged in {few} of {counted(len(comparison.rows), 'configuration')}"


def _verdict(comparison: Comparison) -> str:
    worse = [row.name for row in comparison.rows if row.latency.verdict == "slower"]
    wrong = [row.name for row in comparison.rows if row.accuracy is not None and row.accuracy.verdict == "worse"]
    limits = ", ".join(
        f"{100 * most:g} {unit}"
        for most, unit in ((comparison.limits.latency, "% latency"), (comparison.limits.accuracy, "points accuracy"))
        if most is not None
    )
    if not comparison.regressed:
        return f"no regression (limits: {limits}, and significant){_unjudged(comparison)}"
    pieces = [f"{len(some)} {what}" for some, what in ((worse, "slower"), (wrong, "less accurate")) if some]
    if comparison.broken:
        pieces.append(f"{len(comparison.broken)} no longer running")
    if comparison.missing:
        pieces.append(f"{len(comparison.missing)} not measured any more")
    return f"REGRESSION: {', '.join(pieces)} (limits: {limits})"
