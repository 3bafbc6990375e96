"""Boards: which are known, what this one can do, what runs on others.

`list` and `show` tell of profiles: what a kind of board has, with the sources; `show` prints one as the file it is, to begin one of
your own. `doctor` examines this machine and says for what is wrong the command that mends it, where a command can; the exit
code is 1 when edgeship cannot run there. `status` says what boards run, since when, and whether it is well.

Example:
  edgeship devices list
  edgeship devices show raspberry-pi-4 > mine.toml
  edgeship devices doctor
  edgeship devices status ssh://pi@raspberrypi.local
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_json
from edgeship_runtime.terminal import answer, answer_json, table

if TYPE_CHECKING:
    from edgeship_devices.session import Target
    from edgeship_runtime.record import Json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the subcommands."""
    what = parser.add_subparsers(dest="what", metavar="list | show | doctor | status", required=True)
    add_json(what.add_parser("list", help="the boards that are known"))
    show = what.add_parser("show", help="one profile, with its sources")
    show.add_argument("name", help="of a profile, or the path of one of your own")
    add_json(show)
    add_json(what.add_parser("doctor", help="what is wrong with this machine, and the command that mends it"))
    status = what.add_parser("status", help="what a board runs, since when, and whether it is well")
    status.add_argument(
        "target", metavar="ssh://[USER@]HOST[:PORT]|FLEET.TOML", help="the board, or a file that lists many"
    )
    status.add_argument("--group", help="only these boards of a fleet")
    status.add_argument("--python", default="python3", help="the board's Python (default python3)")
    add_json(status)


def run(options: argparse.Namespace) -> int:
    """Answers."""
    return {"list": _list, "show": _show, "doctor": _doctor, "status": _status}[options.what](options)


def _list(options: argparse.Namespace) -> int:
    from edgeship_devices.catalog import Unsupported, boards

    if options.json:
        answer_json({"devices": [_described(board) for board in boards()]})
        return 0
    supported = [board for board in boards() if not isinstance(board, Unsupported)]
    answer(table([(board.name, board.title) for board in supported]))
    answer("\nnot supported:")
    for board in boards():
        if isinstance(board, Unsupported):
            answer(f"{board.name}: {board.title}: {board.reason}")
    return 0


def _show(options: argparse.Namespace) -> int:
    from edgeship_devices.catalog import board, path_of

    described = _described(board(options.name))  # a wrong profile is refused, not shown
    if options.json:
        answer_json(described)
    else:
        answer(path_of(options.name).read_text("utf-8").rstrip())
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from edgeship_devices.commands import showing
    from edgeship_devices.examining.doctor import examine

    found = examine()
    if options.json:
        answer_json(found.to_json())
    else:
        answer(showing.diagnosis(found))
    return 0 if found.runs else 1


def _status(options: argparse.Namespace) -> int:
    from edgeship_devices.commands import fleets, showing
    from edgeship_devices.session import Target, connect

    if fleets.is_fleet(options.target):
        return fleets.over(options, _asked, showing.brief, careful=False)
    with connect(Target(options.target, options.python)) as board:
        models = board.ask("status")
        seen = {"target": options.target, "model": board.facts["model"], "os": board.facts["os"].get("pretty_name")}
    if options.json:
        answer_json({**seen, "models": models})
    elif models:
        answer(f"{seen['model'] or board.facts['machine']}, {seen['os']}\n{showing.status(models)}")
    else:
        answer(f"{options.target}: nothing is deployed there")
    return 0 if all(map(showing.is_well, models)) else 1


def _asked(target: Target) -> list[dict[str, Json]]:
    """What a board of a fleet runs.

    Raises:
        DeviceError: it cannot be asked, or something there is not well.
    """
    from edgeship_devices.commands import showing
    from edgeship_devices.session import connect
    from edgeship_runtime.errors import DeviceError

    with connect(target, ask=False) as board:
        models: list[dict[str, Json]] = board.ask("status")
    if not all(map(showing.is_well, models)):
        raise DeviceError(f"{target.url}: {showing.brief(models)}")
    return models


def _described(board: object) -> dict[str, object]:
    from edgeship_devices.catalog import Unsupported
    from edgeship_runtime import record

    return {**record.to_json(board), "supported": not isinstance(board, Unsupported)}
