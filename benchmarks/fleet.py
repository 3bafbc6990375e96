"""How long a fleet takes: `devices status` of 200 boards, 50 at once, against what they must take: four times the slowest board.

Each board is a real session, with an agent in a Python of its own, behind an `ssh` that is as slow as a board: it sleeps for 4 to 8
seconds before it runs what it was given. So what is measured is what edgeship adds: threads, processes, protocol. All of it, also the
200 agents, runs on this machine, which therefore has to be idle.

python benchmarks/fleet.py
"""

from __future__ import annotations

import math
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from edgeship_devices.fleet import everywhere
from edgeship_devices.session import Target, connect
from edgeship_runtime.record import Json

BOARDS, CONCURRENCY = 200, 50
_SSH = """#!/bin/sh
# ssh -G asks for the configuration; else the address and what to run there come last.
[ "$1" = -G ] && exit 0
for argument; do address=$remote; remote=$argument; done
sleep "$(cat "{folder}/${{address#ssh://}}")"
XDG_DATA_HOME={folder}/${{address#ssh://}}.data exec sh -c "$remote"
"""


def main() -> int:
    """Measures; exit code 1 where the fleet took more than 1.1 of what it must."""
    random.seed(0)
    takes_s = {f"board-{number}": random.uniform(4.0, 8.0) for number in range(BOARDS)}  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory(prefix="edgeship-fleet-") as folder:
        for name, seconds in takes_s.items():
            (Path(folder) / name).write_text(f"{seconds:.3f}")
        ssh = Path(folder) / "ssh"
        ssh.write_text(_SSH.format(folder=folder))
        ssh.chmod(0o755)
        os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
        slowest_s, wall_s = 0.0, time.perf_counter()
        for outcome in everywhere(_asked, list(takes_s), canary=(), concurrency=CONCURRENCY):
            if outcome.done is None:
                raise SystemExit(str(outcome.error))
            slowest_s = max(slowest_s, outcome.done)
        wall_s = time.perf_counter() - wall_s
    bound_s = math.ceil(BOARDS / CONCURRENCY) * max(takes_s.values())
    print(
        f"{BOARDS} boards, {CONCURRENCY} at once: {wall_s:.1f} s, {wall_s / bound_s:.2f} of {bound_s:.1f} s; allowed 1.10"
    )
    print(f"the slowest board: {max(takes_s.values()):.1f} s of its own, {slowest_s:.1f} s with this machine's part")
    return 0 if wall_s <= 1.1 * bound_s else 1


def _asked(name: str) -> float:
    began = time.perf_counter()
    with connect(Target(f"ssh://{name}"), ask=False) as board:
        status: Json = board.ask("status")
        assert status == []
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
