"""Markdown: a report for a pull request; what not everybody wants to see is folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgeship_benchmarks.reporting import text
from edgeship_benchmarks.reporting.circumstances import circumstances
from edgeship_benchmarks.reporting.report import Report, names
from edgeship_benchmarks.reporting.rows import Result

_SHOWN = tuple(number for number, name in enumerate(text.COLUMNS) if name not in ("first ms", "end to end ms"))
_AGREEMENT = 4  # its place in the table, behind the accuracy
_MORE = (
    *("configuration", "load ms", "first ms", "p90 ms", "p99 ms", "on the clock: p50", "p99"),
    *("decode ms", "preprocess ms", "invoke ms", "end to end ms"),
)


def report(made: Report) -> str:
    """The table, what did not run, the machine; folded, the rest of the figures and how to measure them again."""
    rows = made.measured
    lines = [*_results(rows), ""] if rows else []
    lines += [f"- {plain(line)}" for line in (*text.notes(made), *text.failures(made))]
    return "\n".join([*lines, "", plain(text.machine(made)), "", *(_folded(made) if rows else []), ""])


def row(cells: Sequence[str]) -> str:
    """One row of a table."""
    return "| " + " | ".join(plain(cell).replace("|", "\\|") for cell in cells) + " |"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> list[str]:
    """A table whose first `texts` columns are texts, the others numbers."""
    return [row(columns), "|---" * texts + "|" + "--:|" * (len(columns) - texts), *map(row, rows)]


def plain(line: str) -> str:
    """A text that no file's name or library's message makes markup, or more than a line, of."""
    return " ".join(line.split()).replace("<", "&lt;")


def _results(rows: Sequence[Result]) -> list[str]:
    """What everybody sees, as many columns as a pull request is wide; how often answers are the float parent's, where one is known."""
    columns = [text.COLUMNS[number] for number in _SHOWN]
    cells = [[text.cells(one)[number] for number in _SHOWN] for one in rows]
    if any(one.agreement for one in rows):
        columns.insert(_AGREEMENT, "as float parent, %")
        for one, line in zip(rows, cells, strict=True):
            line.insert(_AGREEMENT, text.percent(one.agreement.fraction) if one.agreement else "")
    return table(columns, cells, texts=2)


def _folded(made: Report) -> Iterator[str]:
    yield "<details><summary>More figures, conditions, and how to measure again</summary>\n"
    yield from table(_MORE, [_more(name, one) for name, one in zip(names(made.measured), made.measured, strict=True)])
    yield ""
    looks = [(one.name, one.before, one.during, one.after) for one in circumstances(made)]
    yield from table(("the machine", "before", "during", "after"), looks)
    yield ""
    for name, sha256 in dict.fromkeys((one.model, one.sha256) for one in made.measured):
        yield f"- {plain(name)}: sha256 `{sha256}`"
    yield f"- edgeship {made.edgeship}, {_packages(made)}; the same again:\n"
    yield f"      {' '.join(made.command.split())}\n"
    yield "</details>"


def _more(name: str, one: Result) -> list[str]:
    latency, whole = one.latency_ms, one.end_to_end_ms
    stages = (None,) * 4 if whole is None else (whole.decode, whole.preprocess, whole.invoke, whole.p50)
    values = (one.load_ms, latency.first, latency.p90, latency.p99, one.wall_ms.p50, one.wall_ms.p99, *stages)
    return [name, *("" if value is None else text.number(value) for value in values)]


def _packages(made: Report) -> str:
    used = made.environment.packages
    return ", ".join(f"{name} {version}" for name, version in used.items() if name != "edgeship")
