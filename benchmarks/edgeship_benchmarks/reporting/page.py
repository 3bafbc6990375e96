"""Page: a report as one self-contained HTML file, on the workstation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeship_benchmarks.reporting import figures, text
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
class Size:
    """One file as a bar: the numbers of its rows, and its share of the largest."""

    numbers: str
    color: str
    result: Result
    share: float


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
        sizes=_sizes(rows),
        machine=text.machine(report),
        notes=text.notes(report),
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


def _sizes(rows: Sequence[Row]) -> list[Size]:
    largest = max((row.result.size_bytes for row in rows), default=1)
    files = {row.result.sha256: [one for one in rows if one.result.sha256 == row.result.sha256] for row in rows}
    return [
        Size(", ".join(str(one.number) for one in own), own[0].color, own[0].result, own[0].result.size_bytes / largest)
        for own in files.values()
    ]


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
