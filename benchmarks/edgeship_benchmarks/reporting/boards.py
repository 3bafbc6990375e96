"""Boards: the reports of several boards, measured with the same files and pictures, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeship_benchmarks.reporting import figures, markdown, text
from edgeship_benchmarks.reporting.report import FORMAT, Report, names
from edgeship_benchmarks.reporting.rows import Result
from edgeship_runtime.pages import render
from edgeship_runtime.record import Json
from edgeship_runtime.terminal import table

COLUMNS = ("board", "model", "accuracy, %", "same answer, %", "p50 ms", "p95 ms", "end to end ms", "peak MB")
_NARROW = (0, 1, 2, 3, 4)  # of these, on a terminal


@dataclass(frozen=True)
class Boards:
    """What several boards gave.

    Attributes:
        reports: board → its report, in the order they were asked for; those that gave none are missing.
        errors: board → why it gave none.
    """

    reports: Mapping[str, Report]
    errors: Mapping[str, str]

    def to_json(self) -> Json:
        """What the report.json of several boards holds."""
        reports = {board: report.to_json() for board, report in self.reports.items()}
        return {"format": FORMAT, "boards": reports, "errors": dict(self.errors)}


@dataclass(frozen=True)
class Row:
    """One configuration on one board.

    Attributes:
        board: its name.
        name: of the configuration, the same on every board.
        result: what was measured.
        same: share of pictures that it answers as the first board does with this file; None there, and where their pictures differ.
    """

    board: str
    name: str
    result: Result
    same: float | None

    @property
    def cells(self) -> list[str]:
        """As the columns of the table."""
        whole, cells = self.result.end_to_end_ms, text.cells(self.result)
        return [
            self.board,
            self.name,
            cells[3],
            "" if self.same is None else text.percent(self.same),
            cells[4],
            cells[5],
            "" if whole is None else text.number(whole.p50),
            cells[10],
        ]


def rows(boards: Boards) -> list[Row]:
    """Every configuration that was measured: one after the other, each on all boards."""
    every = [
        (place, board, name, result)
        for board, report in boards.reports.items()
        for place, (name, result) in enumerate(zip(names(report.results), report.results, strict=True))
        if isinstance(result, Result)
    ]
    first: dict[str, Result] = {}
    for _, _, _, result in every:
        first.setdefault(result.sha256, result)
    every.sort(key=lambda item: item[0])  # stable: boards stay in their order
    return [Row(board, name, result, _same(result, first[result.sha256])) for _, board, name, result in every]


def terminal(boards: Boards) -> str:
    """The rows as a table for the terminal."""
    cells = [COLUMNS, *(row.cells for row in rows(boards))]
    return table([[line[column] for column in _NARROW] for line in cells], right=range(2, len(_NARROW)))


def to_markdown(boards: Boards) -> str:
    """The table, the machines, and what did not run."""
    lines = markdown.table(COLUMNS, [row.cells for row in rows(boards)], texts=2)
    lines += ["", *(f"- {board}: {text.machine(report)}" for board, report in boards.reports.items())]
    lines += [f"- {markdown.plain(line)}" for line in notes(boards)]
    return "\n".join([*lines, ""])


def notes(boards: Boards) -> list[str]:
    """What a reader of the table has to know."""
    said = [f"{board}: {note}" for board, report in boards.reports.items() for note in text.notes(report)]
    said += [f"{board}: {line}" for board, report in boards.reports.items() for line in text.failures(report)]
    return said + [f"{board}: nothing was measured: {error}" for board, error in boards.errors.items()]


def page(boards: Boards, folders: Mapping[str, str]) -> str:
    """The page.

    Args:
        boards: measured.
        folders: board → folder of its own report, beside this page.

    Raises:
        MissingExtraError: the workstation extra is not installed.
    """
    measured = rows(boards)
    shown = list(dict.fromkeys(row.name for row in measured))
    points = [(row.board, shown.index(row.name), row.result) for row in measured]
    return render(
        "edgeship_benchmarks",
        "boards.html",
        boards=boards,
        folders=folders,
        columns=COLUMNS,
        rows=measured,
        colors={name: figures.color(number) for number, name in enumerate(shown)},
        latencies=figures.by_board(points, list(boards.reports)) if points else "",
        machines={board: text.machine(report) for board, report in boards.reports.items()},
        notes=notes(boards),
    )


def _same(result: Result, first: Result) -> float | None:
    if result is first or result.data_sha256 != first.data_sha256 or not result.answers:
        return None
    return _share(result.answers, first.answers)


def _share(some: Sequence[int], others: Sequence[int]) -> float:
    return sum(one == other for one, other in zip(some, others, strict=True)) / len(some)
