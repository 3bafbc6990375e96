"""Measure model files on this machine: accuracy against latency against size.

Every file on every thread count runs in fresh processes, taking turns. DIR receives report.json, report.md and report.html. A file
that cannot be loaded is a row with its reason.

Example:
  edgeship benchmark flowers.*.tflite --data flowers/ --out report/ --threads 1,4
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_force, add_json, positive
from edgeship_runtime.terminal import answer, answer_json, say, table, watched

if TYPE_CHECKING:
    from pathlib import Path

    from edgeship_runtime.record import Json

_REPORTS = ("report.json", "report.md", "report.html")
_STARTING_S = 1.5  # a process that imports an engine; TensorFlow takes ten times that


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("models", metavar="M", nargs="+", help="model files")
    parser.add_argument("--data", required=True, metavar="DATA", help="labelled pictures: a folder, or digits")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the report")
    parser.add_argument(
        "--threads", type=_counts, metavar="N,N", help="threads for one inference (default: 1 and the cores, at most 4)"
    )
    parser.add_argument(
        "--batch", type=_counts, default=[1], metavar="N,N", help="pictures in one inference (default 1)"
    )
    parser.add_argument("--engine", default="auto", help="auto (default), litert, tflite-runtime, onnxruntime or keras")
    parser.add_argument(
        "--seconds", type=float, default=1.0, metavar="S", help="of timing in each of 3 rounds (default 1)"
    )
    add_force(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Benchmarks. Exit code 1 when no configuration could be measured."""
    import json
    import shlex
    import sys
    from pathlib import Path

    from edgeship_benchmarks import plan, rendering
    from edgeship_benchmarks.report import report
    from edgeship_runtime import files
    from edgeship_runtime.data import open_data
    from edgeship_runtime.errors import MissingExtraError

    out = Path(options.out)
    data = open_data(options.data)
    _make_folder(out, force=options.force)
    configurations = plan.configurations(options.models, options.engine, options.threads, options.batch)
    seconds = plan.ROUNDS * len(configurations) * (options.seconds + _STARTING_S)
    say(f"{len(configurations)} configurations in {plan.ROUNDS} rounds, about {max(1, round(seconds / 60))} min")
    outcomes = plan.run(configurations, data, options.seconds, lambda steps: watched(steps, "benchmark", " runs"))
    result = report(outcomes, data, "edgeship " + shlex.join(sys.argv[1:]) if sys.argv else "")
    texts = {"report.json": json.dumps(result, ensure_ascii=False), "report.md": rendering.markdown(result)}
    try:
        texts["report.html"] = rendering.page(result)
    except MissingExtraError as error:  # a board measures all the same
        say(f"no report.html: {error}")
    for name, text in texts.items():
        files.write(out / name, text.encode(), force=options.force)
    if options.json:
        answer_json(result)
    else:
        _show(result, out / list(texts)[-1])
    return 0 if any("error" not in row for row in result["results"]) else 1


def _make_folder(out: Path, *, force: bool) -> None:
    from edgeship_runtime import files
    from edgeship_runtime.errors import OutputError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: {files.reason(error)}; wanted a folder to write the report into") from None
    for name in _REPORTS:
        files.refuse_existing(out / name, force=force)


def _show(result: Json, report: Path) -> None:
    from edgeship_benchmarks import rendering

    rows = [("model", "engine", "threads", "accuracy", "p50 ms", "p95 ms", "size kB")]
    for row in result["results"]:
        if "error" in row:
            say(f"{row['model']}: not measured: {row['error']}")
        else:
            cells = rendering.cells(row)
            rows.append((cells[0], row["engine"], *cells[2:6], cells[8]))
    if len(rows) > 1:
        answer(table(rows, right=(2, 3, 4, 5, 6)))
    answer(str(report))


def _counts(text: str) -> list[int]:
    return [positive(piece) for piece in text.split(",")]
