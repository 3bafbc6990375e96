"""Bring a model file to a board, prove it there, and only then let it run.

Over your own ssh: its config, agent and known hosts. The board is recognized, and a file that it cannot run is refused before anything
is copied. Then edgeship is installed there in an environment of its own (from the registry, or from --wheels), the file is copied and
compared, `verify` runs on the board, and one atomic step makes the file the current one. A service that runs goes over to it, and back
by itself if it is not well. Whatever happens on the way, the board goes on with the file it had. A fleet.toml names many boards:
all at once, the canary first, and where that fails, the others are left alone.

Example:
  edgeship deploy flowers.int8.tflite ssh://pi@raspberrypi.local --name flowers
  edgeship deploy flowers.int8.tflite ssh://pi@10.0.0.7:2222 --wheels wheels/
  edgeship deploy flowers.int8.tflite fleet.toml --group north
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_json
from edgeship_runtime.terminal import answer, answer_json, say

if TYPE_CHECKING:
    from edgeship_devices.deploying import Deployed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("model", metavar="M", help="a .tflite or .onnx file")
    parser.add_argument(
        "target", metavar="ssh://[USER@]HOST[:PORT]|FLEET.TOML", help="the board, or a file that lists many"
    )
    parser.add_argument("--group", help="only these boards of a fleet")
    parser.add_argument("--name", help="under which the board knows it (default: the file's, up to its first point)")
    parser.add_argument("--device", metavar="NAME", help="a profile, or the path of one, instead of the one recognized")
    parser.add_argument(
        "--python", default="python3", help="the board's Python to make the environment with (default python3)"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--wheels", type=Path, metavar="DIR", help="install from these wheels; the board needs no network"
    )
    where.add_argument(
        "--runtime", metavar="PYTHON", help="a Python on the board that has edgeship already; nothing is installed"
    )
    parser.add_argument(
        "--extra",
        dest="extras",
        action="append",
        default=[],
        choices=("camera", "mqtt", "onnx", "view"),
        help="install this part of edgeship there too, for the service's sources and sinks; may be given several times",
    )
    parser.add_argument(
        "--keep", type=_whole, default=2, metavar="N", help="older slots to keep for rollback (default 2)"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Deploys."""
    from edgeship_devices.commands.fleets import is_fleet, over
    from edgeship_devices.deploying import Options, deploy
    from edgeship_devices.device import Device
    from edgeship_devices.session import Target
    from edgeship_runtime import record
    from edgeship_runtime.model_file import ModelFile

    name = options.name or Path(options.model).name.partition(".")[0]
    device = Device.load(options.device) if options.device else None
    chosen = Options(name, device, options.wheels, options.runtime, tuple(options.extras), options.keep)
    model = ModelFile.open(options.model)
    if is_fleet(options.target):
        quiet = dataclasses.replace(chosen, ask=False)
        return over(
            options, lambda target: deploy(model, target, quiet), lambda done: _short(options, done), careful=True
        )
    done = deploy(model, Target(options.target, options.python), chosen, lambda step: say(f"deploy: {step}"))
    if options.json:
        answer_json(record.to_json(done))
        return 0
    went = "runs now" if done.changed else "was there already"
    answer(f"{name} on {done.target}: {Path(options.model).name} ({done.sha256[:12]}) {went}")
    answer(f"{done.device}, verified there with {done.engine}; service: {done.service or 'none'}")
    return 0


def _short(options: argparse.Namespace, done: Deployed) -> str:
    word = "runs now" if done.changed else "was there already"
    return f"{Path(options.model).name} ({done.sha256[:12]}) {word}, verified with {done.engine}"


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"wanted a whole number, received {text!r}")
    return int(text)
