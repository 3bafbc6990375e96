"""Writing: a report's files into its folder, and its table onto the terminal."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edgeship_runtime import files
from edgeship_runtime.errors import MissingExtraError, OutputError
from edgeship_runtime.terminal import answer, answer_json, say

if TYPE_CHECKING:
    from edgeship_benchmarks.reporting.report import Report
    from edgeship_runtime.record import Json

_REPORTS = ("report.json", "report.md", "report.html")


@contextlib.contextmanager
def folder(out: Path, *, force: bool) -> Iterator[None]:
    """A folder that a report can be written into, before the work rather than after it; where none came, it is gone again.

    Raises:
        OutputError: it cannot be made, or holds a report already.
    """
    made = [path for path in (out, *out.parents) if not path.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: {files.reason(error)}; wanted a folder to write the report into") from None
    for name in _REPORTS:
        files.refuse_existing(out / name, force=force)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the first that is not empty
            for path in made:
                path.rmdir()


def give(report: Report, out: Path, *, force: bool, as_json: bool) -> None:
    """Writes the report and answers with it. On a disk that has become full, what was measured is at least told.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        last = write(report, out, force=force)
    except OutputError:
        _tell(report, as_json=as_json)
        raise
    _tell(report, as_json=as_json)
    if not as_json:
        answer(str(last))


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


def _tell(report: Report, *, as_json: bool) -> None:
    """All of it as JSON; or the table, and what has to be known of it."""
    from edgeship_benchmarks.reporting import text

    if as_json:
        answer_json(report.to_json())
        return
    if report.measured:
        answer(text.results(report))
    for note in text.notes(report):
        say(note)
