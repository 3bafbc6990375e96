"""Go back, on a board, to the file that ran before: one atomic step, without copying anything.

Again goes back further, as long as there are slots; `edgeship deploy` goes forward. A service that runs goes over too.

Example:
  edgeship rollback ssh://pi@raspberrypi.local --name flowers
"""

from __future__ import annotations

import argparse

from edgeship_runtime.commands.options import add_json
from edgeship_runtime.terminal import answer, answer_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("target", metavar="ssh://[USER@]HOST[:PORT]", help="the board")
    parser.add_argument("--name", required=True, help="of what was deployed")
    parser.add_argument("--python", default="python3", help="the board's Python (default python3)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Goes back."""
    from edgeship_devices.session import Target, connect

    with connect(Target(options.target, options.python)) as board:
        board.lock()
        done = board.ask("rollback", name=options.name)
    left, now = done["left"], done["now"]
    if options.json:
        answer_json({"target": options.target, "name": options.name, "left": left, "now": now})
    else:
        texts = [f"{slot.get('file')} ({str(slot.get('sha256'))[:12]})" for slot in (now, left)]
        answer(f"{options.name} on {options.target}: {texts[0]} runs again; left {texts[1]}")
    return 0
