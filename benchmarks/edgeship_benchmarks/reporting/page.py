"""Page: a report as one self-contained HTML file, on the workstation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeship_benchmarks.reporting import figures, text
from edgeship_benchmarks.reporting.circumstances import circumstances
from edgeship_benchmarks.reporting.recommending import Recommendation, Wanted, recommend
from edgeship_benchmarks.reporting.report import Parity, ParityPicture, Report, names
from edgeship_benchmarks.reporting.rows import ProcessRun, Result
from edgeship_runtime.pages import render

_MOST_PICTURES = 50  # of those that not all configurations answer alike


@dataclass(frozen=True)
class Row:
    """One measured configuration, for the template."""

    number: int
    color: str
    name: str
    result: Result
    cells: Sequence[str]


@dataclass(frozen=True)
class Alike:
    """Rows of one file that a table need not tell apart: their numbers, the file and its engines, and the first of them."""

    numbers: str
    name: str
    color: str
    result: Result


def page(report: Report) -> str:
    """The page.

    Raises:
        MissingExtraError: the workstation extra is not installed.
    """
    measured = report.measured
    rows = _rows(measured)
    best = recommend(report, Wanted()) if measured else None
    labelled = bool(report.data.labels)
    return render(
        "edgeship_benchmarks",
        "report.html",
        report=report,
        columns=text.COLUMNS,
        rows=rows,
        files=_alike(rows, lambda row: row.model),
        largest=max((row.size_bytes for row in measured), default=1),
        agreements=_alike(rows, lambda row: row.agreement),
        by_label=_alike(rows, lambda row: row.per_label),
        machine=text.machine(report),
        notes=text.notes(report),
        failures=text.failures(report),
        circumstances=circumstances(report),
        best=best,
        pareto=figures.pareto(measured, _front(measured, best)) if best and labelled else "",
        distributions=figures.distributions(measured) if measured else "",
        over_time=figures.over_time(report) if measured else "",
        disturbed=_disturbed(measured),
        parity_names=names(report.parity.ways) if report.parity else [],
        parity_pictures=_sorted_pictures(report.parity),
        blocks=text.at_least(report.settings.blocks, report.settings.most_blocks),
        percent=text.percent,
        number=text.number,
    )


def _rows(measured: Sequence[Result]) -> list[Row]:
    return [
        Row(index + 1, figures.color(index), name, row, text.cells(row))
        for index, (name, row) in enumerate(zip(names(measured), measured, strict=True))
    ]


def _alike(rows: Sequence[Row], key: Callable[[Result], object]) -> list[Alike]:
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault((row.result.sha256, key(row.result)), []).append(row)
    return [
        Alike(_ranges([one.number for one in own]), _named(own), own[0].color, own[0].result) for own in groups.values()
    ]


def _named(rows: Sequence[Row]) -> str:
    engines = dict.fromkeys(row.result.engine for row in rows)
    return f"{rows[0].result.model} · {', '.join(engines)}"


def _ranges(numbers: Sequence[int]) -> str:
    """1, 2, 3, 7 as "1–3, 7"."""
    ends: list[list[int]] = []
    for number in numbers:
        if ends and number == ends[-1][-1] + 1:
            ends[-1][1:] = [number]
        else:
            ends.append([number])
    return ", ".join("–".join(map(str, end)) for end in ends)


def _front(measured: Sequence[Result], best: Recommendation) -> list[bool]:
    on_front = {id(choice.row) for choice in best.choices if choice.on_front}
    return [id(row) in on_front for row in measured]


def _disturbed(measured: Sequence[Result]) -> list[tuple[int, ProcessRun]]:
    """Disturbed runs with their row's number, in the order they were made."""
    found = [(number + 1, run) for number, row in enumerate(measured) for run in row.runs if run.disturbed]
    return sorted(found, key=lambda item: item[1].at_s)


def _sorted_pictures(parity: Parity | None) -> list[ParityPicture]:
    """Those with the most different answers first."""
    pictures = parity.pictures if parity else ()
    return sorted(pictures, key=lambda one: -len({answer.label for answer in one.answers}))[:_MOST_PICTURES]
