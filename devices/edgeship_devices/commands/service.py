"""Keep a deployed file running on a board: after a crash, after a hang, after a restart of the board.

`install` writes a systemd user unit that runs `edgeship run` on the current file with the sources and sinks that you name, starts it,
and waits for its first answer; a unit that does not come up is removed again. systemd starts it anew when it ends, when it hangs for
--watchdog seconds, or takes more memory than --memory. It waits for sources that are away, and goes on with files that exist (--force
overwrites them at each start). `deploy` and `rollback` restart it. What belongs to `edgeship run` comes last, after --.

Example:
  edgeship service install ssh://pi@raspberrypi.local --name flowers -- camera:0 --to view://0.0.0.0:8080
  edgeship service remove ssh://pi@raspberrypi.local --name flowers
"""

from __future__ import annotations

import argparse

from edgeship_runtime.commands.options import add_json, positive
from edgeship_runtime.terminal import answer, answer_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the subcommands."""
    what = parser.add_subparsers(dest="what", metavar="install | remove", required=True)
    install = what.add_parser("install", help="write and start the service")
    remove = what.add_parser("remove", help="stop and remove it; what was deployed stays")
    for one in (install, remove):
        one.add_argument("target", metavar="ssh://[USER@]HOST[:PORT]", help="the board")
        one.add_argument("--name", required=True, help="of what was deployed")
        one.add_argument("--python", default="python3", help="the board's Python (default python3)")
        add_json(one)
    install.add_argument(
        "--memory", type=positive, default=400, metavar="MIB", help="at most so much memory (default 400)"
    )
    install.add_argument(
        "--watchdog",
        type=positive,
        default=60,
        metavar="S",
        help="start anew what hangs for S seconds (default 60)",
    )
    install.add_argument("arguments", nargs="+", metavar="-- SOURCE…", help="sources and options of edgeship run")


def run(options: argparse.Namespace) -> int:
    """Installs or removes."""
    from edgeship_devices.commands import showing
    from edgeship_devices.session import Target, connect

    with connect(Target(options.target, options.python)) as board:
        board.lock()
        if options.what == "remove":
            return _removed(options, bool(board.ask("remove", name=options.name)))
        from edgeship_devices.unit import Unit

        arguments = tuple(options.arguments)
        unit = Unit(options.name, board.facts["home"], arguments, options.memory, options.watchdog)
        installed = board.ask("install", name=options.name, unit=unit.text())
    notes, page = installed["notes"], showing.page(installed["service"])
    if options.json:
        answer_json({"target": options.target, "name": options.name, "service": "active", "page": page, "notes": notes})
        return 0
    answer(f"{options.name} on {options.target}: the service runs, and answered")
    if page:
        answer(f"live page: {page}")
    for note in notes:
        answer(f"note: {note}")
    return 0


def _removed(options: argparse.Namespace, there_was: bool) -> int:  # noqa: FBT001 - the answer of the board
    if options.json:
        answer_json({"target": options.target, "name": options.name, "removed": there_was})
    else:
        answer(f"{options.name} on {options.target}: {'removed' if there_was else 'there is no service of this name'}")
    return 0 if there_was else 1
