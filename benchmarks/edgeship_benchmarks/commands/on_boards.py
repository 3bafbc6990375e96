"""`edgeship benchmark --on`: gathers here, measures on every board at once, and writes a report for each."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edgeship_runtime.terminal import answer_json, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgeship_benchmarks import gathering
    from edgeship_benchmarks.reporting.report import Report


def run_on(options: argparse.Namespace, data: gathering.Pictures, out: Path) -> int:
    """Benchmarks on the boards of --on. Exit code 1 when one of them gave nothing."""
    from edgeship_benchmarks.commands import benchmark
    from edgeship_devices.fleet import everywhere

    targets = list(dict.fromkeys(options.on))
    reports: dict[str, Report] = {}
    errors: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="edgeship-store-") as folder:
        measure = _measuring(options, data, Path(folder), ask=len(targets) == 1)
        for outcome in everywhere(measure, targets, canary=(), concurrency=len(targets)):
            if outcome.done is not None:
                reports[outcome.board] = outcome.done
            else:
                errors[outcome.board] = str(outcome.error)
                say(f"edgeship: {outcome.error}")
    for url in [url for url in targets if url in reports]:
        place = out if len(targets) == 1 else out / _folder(url)
        place.mkdir(exist_ok=True)
        last = benchmark.write(reports[url], place, force=options.force)
        if not options.json:
            benchmark.show(reports[url], last)
    if options.json:
        boards = {url: report.to_json() for url, report in reports.items()}
        answer_json(boards[targets[0]] if len(targets) == 1 and boards else {"boards": boards, "errors": errors})
    return 0 if len(reports) == len(targets) and all(report.measured for report in reports.values()) else 1


def _measuring(
    options: argparse.Namespace, data: gathering.Pictures, folder: Path, *, ask: bool
) -> Callable[[str], Report]:
    """What measures one board, by its address."""
    from edgeship_benchmarks import gathering as gathers
    from edgeship_benchmarks.commands import benchmark
    from edgeship_benchmarks.elsewhere import measure_on
    from edgeship_benchmarks.measuring.store import Store
    from edgeship_benchmarks.reporting.building import Session, build
    from edgeship_devices.deploying import Options
    from edgeship_devices.session import Target

    models, refused = gathers.open_models(options.models, data)
    store = Store(folder)
    gathered = gathers.gather(models, data, store)
    plan = benchmark.planned(options, models, gathered)
    wheels = Path(options.wheels) if options.wheels else None
    chosen = Options("benchmark", wheels=wheels, runtime=options.runtime, ask=ask)
    command = "edgeship " + shlex.join(sys.argv[1:])

    def measure(url: str) -> Report:
        results = measure_on(Target(url, options.python), plan, store, chosen, say)
        return build(Session(command, models, refused, gathered, plan, results, options.parity))

    return measure


def _folder(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}-{parts.port}" if parts.port else str(parts.hostname)
