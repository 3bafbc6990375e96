"""`edgeship benchmark --on`: gathers here, measures on every board at once; of several, a report for each and one of all."""

from __future__ import annotations

import argparse
import contextlib
import re
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeship_benchmarks.commands import writing
from edgeship_runtime.errors import OutputError
from edgeship_runtime.terminal import answer, answer_json, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgeship_benchmarks import gathering
    from edgeship_benchmarks.reporting.boards import Boards
    from edgeship_benchmarks.reporting.report import Report
    from edgeship_devices.session import Target


@dataclass(frozen=True)
class _Named:
    """Boards of --on: name → address, and how a fleet wants them to be worked on."""

    targets: Mapping[str, Target]
    canary: tuple[str, ...]
    concurrency: int


def run_on(options: argparse.Namespace, data: gathering.Pictures, opened: gathering.Opened, out: Path) -> int:
    """Benchmarks on the boards of --on. Exit code 1 when one of them gave nothing."""
    from edgeship_benchmarks.reporting.boards import Boards
    from edgeship_devices.fleet import everywhere

    named = _named(options)
    targets, folders = named.targets, _folders(named.targets)
    with contextlib.ExitStack() as stack:
        if len(targets) > 1:
            for folder in folders.values():
                stack.enter_context(writing.folder(out / folder, force=options.force))
        store = stack.enter_context(tempfile.TemporaryDirectory(prefix="edgeship-store-"))
        measure = _measuring(options, data, opened, Path(store), ask=len(targets) == 1)
        reports: dict[str, Report] = {}
        errors: dict[str, str] = {}
        for outcome in everywhere(
            lambda name: measure(targets[name]), list(targets), canary=named.canary, concurrency=named.concurrency
        ):
            if outcome.done is not None:
                reports[outcome.board] = outcome.done
                if len(targets) > 1:  # at once: what comes later cannot lose it
                    _write_one(outcome.board, outcome.done, out / folders[outcome.board], force=options.force)
            else:
                errors[outcome.board] = str(outcome.error)
                say(f"edgeship: {outcome.board}: {outcome.error}")
        boards = Boards({name: reports[name] for name in targets if name in reports}, errors)
        if len(targets) == 1:
            _show_one(boards, opened, options, out)
        else:
            _show_several(boards, folders, options, out)
    return 0 if not errors and all(report.measured for report in reports.values()) else 1


def _write_one(board: str, report: Report, folder: Path, *, force: bool) -> None:
    try:
        writing.write(report, folder, force=force)
    except OutputError as error:  # the other boards go on; all that was measured is in the answer
        say(f"edgeship: {board}: {error}")
    else:
        say(f"{board}: measured")


def _show_one(boards: Boards, opened: gathering.Opened, options: argparse.Namespace, out: Path) -> None:
    from edgeship_benchmarks.reporting import text

    for report in boards.reports.values():
        for line in text.failures(report, but=opened.errors):
            say(line)
        writing.give(report, out, force=options.force, as_json=options.json)
    if options.json and boards.errors:
        answer_json(boards.to_json())


def _show_several(boards: Boards, folders: Mapping[str, str], options: argparse.Namespace, out: Path) -> None:
    from edgeship_benchmarks.reporting import boards as reporting

    pages = {
        "report.md": lambda: reporting.to_markdown(boards),
        "report.html": lambda: reporting.page(boards, folders),
    }
    last = writing.write_files(boards.to_json(), pages, out, force=options.force)
    if options.json:
        answer_json(boards.to_json())
        return
    if boards.reports:
        answer(reporting.terminal(boards))
    for note in reporting.notes(boards):
        say(note)
    answer(str(last))


def _named(options: argparse.Namespace) -> _Named:
    """The boards of --on, those of fleets under their names there.

    Raises:
        UsageError: --group without a fleet.
        DeviceError: a fleet cannot be read.
    """
    from edgeship_devices.commands.fleets import is_fleet
    from edgeship_devices.fleet import Fleet
    from edgeship_devices.session import Target
    from edgeship_runtime.errors import UsageError

    fleets = {spec: Fleet.load(Path(spec)) for spec in options.on if is_fleet(spec)}
    if options.group and not fleets:
        raise UsageError(f"--group {options.group} is of a fleet: --on FLEET.toml")
    targets: dict[str, Target] = {}
    for spec in options.on:
        if spec in fleets:
            names = fleets[spec].group(options.group)
            targets |= {name: Target(fleets[spec].boards[name], options.python) for name in names}
        else:
            targets[spec] = Target(spec, options.python)
    canary = tuple(name for fleet in fleets.values() for name in fleet.canary)
    return _Named(targets, canary, min([len(targets), *(fleet.concurrency for fleet in fleets.values())]))


def _measuring(
    options: argparse.Namespace, data: gathering.Pictures, opened: gathering.Opened, folder: Path, *, ask: bool
) -> Callable[[Target], Report]:
    """What measures one board."""
    from edgeship_benchmarks import gathering as gathers
    from edgeship_benchmarks.commands import planning
    from edgeship_benchmarks.elsewhere import measure_on
    from edgeship_benchmarks.measuring.store import Store
    from edgeship_benchmarks.reporting.building import Session, build
    from edgeship_devices.deploying import Options

    store = Store(folder)
    gathered = gathers.gather(opened.models, data, store)
    plan = planning.planned(options, opened, gathered)
    planning.say_duration(plan, store, "on this machine; boards start Python more slowly")
    wheels = Path(options.wheels) if options.wheels else None
    chosen = Options("benchmark", opened.device, wheels, options.runtime, ask=ask)
    command = "edgeship " + shlex.join(sys.argv[1:])

    def measure(target: Target) -> Report:
        results = measure_on(target, plan, store, chosen, say)
        return build(Session(command, opened, gathered, plan, results, options.parity))

    return measure


def _folders(targets: Mapping[str, Target]) -> dict[str, str]:
    """A folder's name for each board: its own in a fleet, its host and port otherwise; user and host where two share that."""
    plain = {name: _plain(name.rpartition("@")[2].removeprefix("ssh://")) for name in targets}
    shared = [folder for folder in plain.values() if list(plain.values()).count(folder) > 1]
    return {name: _plain(name.removeprefix("ssh://")) if folder in shared else folder for name, folder in plain.items()}


def _plain(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "board"
