"""Markdown: a report for a pull request."""

from __future__ import annotations

from edgeship_benchmarks.reporting import text
from edgeship_benchmarks.reporting.report import Report


def report(made: Report) -> str:
    """The table, what did not run, and the machine."""
    lines = [row(text.COLUMNS), "|---|---|" + "--:|" * (len(text.COLUMNS) - 2)]
    lines += [row(text.cells(result)) for result in made.measured]
    lines += ["", *(f"- {note}" for note in text.notes(made))]
    lines += [f"- {failure.model} ({failure.engine}): not measured: {failure.error}" for failure in made.failed]
    return "\n".join([*lines, "", text.machine(made), ""])


def row(cells: list[str] | tuple[str, ...]) -> str:
    """One row of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
