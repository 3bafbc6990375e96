"""Which of these files is best for this machine? Accuracy, latency, memory and size, with intervals.

Every file on every thread count runs in at least 5 fresh processes, which take turns in blocks of random order; a run that something
disturbs is repeated. Blocks go on until the median latency is known to within --precision, or there were --most-blocks. DIR
receives report.json, report.md and report.html. A file that cannot be loaded is a row with its reason.

With --on it is measured on a board, over ssh: files and pictures go over once. Several boards measure at once; each has its report in
a folder of DIR, and DIR the report that shows them side by side. With --device the files are for a board: those that it cannot run
are rows with the reason, the others run in the engine that it would take, and the report says where this machine is not that board.

DATA without labels (a folder of pictures, a glob) gives latency alone. Next: edgeship recommend DIR, edgeship compare OLD NEW.

Example:
  edgeship benchmark flowers.*.tflite --data flowers/ --out report/ --threads 1,4
  edgeship benchmark flowers.*.tflite --data flowers/ --out report/ --device raspberry-pi-4
  edgeship benchmark flowers.*.tflite --data flowers/ --out report/ --on ssh://pi@raspberrypi.local
  edgeship benchmark flowers.*.tflite --data flowers/ --out report/ --on fleet.toml --group lab
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgeship_benchmarks.commands import writing
from edgeship_runtime.commands.options import add_force, add_json, positive
from edgeship_runtime.terminal import counted, say, steps

if TYPE_CHECKING:
    from edgeship_benchmarks import gathering
    from edgeship_benchmarks.gathering import Opened
    from edgeship_benchmarks.reporting.report import Report
    from edgeship_devices.device import Device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("models", metavar="M", nargs="+", help="model files")
    parser.add_argument(
        "--data",
        required=True,
        metavar="DATA",
        help="labelled pictures: a folder, or digits; or pictures without labels",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the report")
    parser.add_argument(
        "--threads",
        type=_counts,
        metavar="N,N",
        help="threads for one inference (default: 1 and the cores, at most 4; on boards 1 and 4)",
    )
    parser.add_argument(
        "--batch", type=_counts, default=[1], metavar="N,N", help="pictures in one inference (default 1)"
    )
    parser.add_argument(
        "--engine",
        type=_names,
        default=["auto"],
        metavar="E,E",
        help="auto (default), litert, tflite-runtime, litert-builtin (without XNNPACK), onnxruntime, openvino, keras",
    )
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="the board it is for (a profile's name, or a .toml): its engine, and files that it cannot run are not measured",
    )
    parser.add_argument(
        "--precision",
        type=_share,
        default=0.01,
        metavar="PERCENT",
        help="go on until every median latency is known to within P %% (default 1%%), at most --most-blocks",
    )
    parser.add_argument("--blocks", type=positive, default=5, metavar="N", help="at least N blocks (default 5)")
    parser.add_argument("--most-blocks", type=positive, metavar="N", help="at most N blocks (default: 3 × --blocks)")
    parser.add_argument(
        "--seconds", type=_seconds, default=0.6, metavar="S", help="of timing in each process (default 0.6)"
    )
    parser.add_argument("--parity", action="store_true", help="also: which pictures each engine answers differently")
    parser.add_argument("--seed", type=int, default=0, help="of the order in the blocks (default 0)")
    _add_boards(parser)
    add_force(parser)
    add_json(parser)


def _add_boards(parser: argparse.ArgumentParser) -> None:
    boards = parser.add_argument_group("on boards")
    boards.add_argument(
        "--on",
        action="append",
        metavar="ssh://[USER@]HOST[:PORT]|FLEET.TOML",
        help="measure there, or on all boards of a file; may be given several times",
    )
    boards.add_argument("--group", help="only these boards of a fleet")
    boards.add_argument("--python", default="python3", help="the boards' Python (default python3)")
    boards.add_argument("--wheels", metavar="DIR", help="install edgeship there from these wheels, without a network")
    boards.add_argument("--runtime", metavar="PYTHON", help="a Python there that has edgeship already")


def run(options: argparse.Namespace) -> int:
    """Benchmarks. Exit code 1 when no configuration could be measured."""
    import shlex
    from pathlib import Path

    from edgeship_benchmarks import gathering
    from edgeship_benchmarks.reporting import text
    from edgeship_devices.device import Device
    from edgeship_runtime.stopping import ending_tidily

    out = Path(options.out)
    _check(options)
    device = Device.load(options.device) if options.device else None
    data = gathering.open_pictures(options.data)
    with ending_tidily(), writing.folder(out, force=options.force):
        if not data.labels:
            say(f"{data.name} has no labels: latency alone, no accuracy")
        if data.beside:
            alone = shlex.quote(f"{options.data.rstrip('/')}/*.*")
            say(
                f"left out: {counted(data.beside, 'picture')} beside the labels' folders; --data {alone} takes these alone"
            )
        opened = open_models(options, data, device)
        if options.on:
            from edgeship_benchmarks.commands.on_boards import run_on

            return run_on(options, data, opened, out)
        report = _measured(options, data, opened)
        for line in text.failures(report, but=opened.errors):
            say(line)
        writing.give(report, out, force=options.force, as_json=options.json)
    return 0 if report.measured else 1


def _check(options: argparse.Namespace) -> None:
    from edgeship_runtime.engines import ENGINES
    from edgeship_runtime.errors import UsageError

    options.most_blocks = options.most_blocks or 3 * options.blocks
    if options.most_blocks < options.blocks:
        raise UsageError(f"--blocks {options.blocks} is more than --most-blocks {options.most_blocks}")
    if options.group and not options.on:
        raise UsageError(f"--group {options.group} is of a fleet: --on FLEET.toml")
    for name in options.engine:
        if name != "auto" and name not in ENGINES:
            raise UsageError(f"--engine: unknown engine {name!r}; known: auto, {', '.join(ENGINES)}")


def open_models(options: argparse.Namespace, data: gathering.Pictures, device: Device | None) -> Opened:
    """Opens the files of the command line; those that cannot be used are said before minutes are spent on the others."""
    from edgeship_benchmarks import for_device, gathering

    models, refused = gathering.open_models(options.models, data)
    if device is not None:
        models, more = for_device.runs_there(models, device)
        refused += more
    for one in refused:
        say(f"{one.name}: not measured: {one.error}")
    return gathering.Opened(models, refused, device)


def _measured(options: argparse.Namespace, data: gathering.Pictures, opened: Opened) -> Report:
    """Gathers, measures here, and builds the report."""
    import shlex
    import sys
    import tempfile
    from pathlib import Path

    from edgeship_benchmarks import gathering
    from edgeship_benchmarks.commands import planning
    from edgeship_benchmarks.measuring import session
    from edgeship_benchmarks.measuring.store import Store
    from edgeship_benchmarks.reporting.building import Session, build

    with tempfile.TemporaryDirectory(prefix="edgeship-store-") as folder:
        store = Store(Path(folder))
        gathered = gathering.gather(opened.models, data, store)
        plan = planning.planned(options, opened, gathered)
        planning.say_duration(plan, store)
        with steps(len(plan.configurations) + plan.most_blocks * plan.timed) as begin:
            results = session.run(plan, store, begin)
    command = "edgeship " + shlex.join(sys.argv[1:])
    return build(Session(command, opened, gathered, plan, results, options.parity))


def _counts(text: str) -> list[int]:
    return [positive(piece) for piece in text.split(",")]


def _names(text: str) -> list[str]:
    return text.split(",")


def _share(text: str) -> float:
    """A percentage as a share: "2%" and "2" are 0.02."""
    try:
        value = float(text.removesuffix("%")) / 100
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"wanted a percentage such as 2%, received {text!r}")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 3600:
        raise argparse.ArgumentTypeError(f"wanted seconds above 0, received {text!r}")
    return value
