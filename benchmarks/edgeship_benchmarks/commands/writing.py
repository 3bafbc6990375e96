"""Writing: a report's files into its folder, and its table onto the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edgeship_runtime import files
from edgeship_runtime.errors import MissingExtraError, OutputError
from edgeship_runtime.terminal import answer, say

if TYPE_CHECKING:
    from edgeship_benchmarks.reporting.report import Report
    from edgeship_runtime.record import Json

_REPORTS = ("report.json", "report.md", "report.html")


def make_folder(out: Path, *, force: bool) -> None:
    """A folder that a report can be written into, before the work rather than after it.

    Raises:
        OutputError: it cannot be made, or holds a report already.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: {files.reason(error)}; wanted a folder to write the report into") from None
    for name in _REPORTS:
        files.refuse_existing(out / name, force=force)


def write(report: Report, out: Path, *, force: bool) -> Path:
    """Writes the report of one machine and returns the last of its files."""
    from edgeship_benchmarks.reporting import markdown
    from edgeship_benchmarks.reporting.page import page

    shown = {"report.md": lambda: markdown.report(report), "report.html": lambda: page(report)}
    return write_files(report.to_json(), shown, out, force=force)


def write_files(content: Json, shown: Mapping[str, Callable[[], str]], out: Path, *, force: bool) -> Path:
    """Writes report.json and what shows it, and returns the last; a page that cannot be made here is said and left out.

    Args:
        content: of report.json.
        shown: file's name → what makes its text.
        out: the folder.
        force: overwrite.
    """
    last = _written(out / "report.json", json.dumps(content, ensure_ascii=False), force=force)  # first: it is the work
    for name, make in shown.items():
        try:
            text = make()
        except MissingExtraError as error:  # a board measures all the same
            say(f"no {name}: {error}")
        else:
            last = _written(out / name, text, force=force)
    return last


def _written(path: Path, text: str, *, force: bool) -> Path:
    """A file's name need not be text; what is not stays an escape, in JSON and elsewhere."""
    files.write(path, text.encode(errors="backslashreplace"), force=force)
    return path


def show(report: Report, last: Path) -> None:
    """The table, what has to be known of it, and where the report is."""
    from edgeship_benchmarks.reporting import text

    if report.measured:
        answer(text.results(report))
    for note in text.notes(report):
        say(note)
    answer(str(last))
