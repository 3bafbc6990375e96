"""Fleets: a verb over all boards of a fleet.toml: a line for each as it comes to its end, exit code 1 if one failed."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edgeship_runtime.terminal import answer, answer_json, say

T = TypeVar("T")


def is_fleet(target: str) -> bool:
    """Whether a target is a file that lists boards."""
    return "://" not in target and target.endswith(".toml")


def over(options: argparse.Namespace, work: Callable[..., T], shown: Callable[[T], str], *, careful: bool) -> int:
    """Does the work on every board of the fleet, or of its group.

    Args:
        options: with target, group, python and json.
        work: of one Target.
        shown: what it gave, in a few words.
        careful: the canary goes first, and the others are left alone where it fails; for work that changes something.
    """
    from edgeship_devices.fleet import Fleet, everywhere
    from edgeship_devices.session import Target
    from edgeship_runtime import record

    fleet = Fleet.load(Path(options.target))
    names = fleet.group(options.group)
    canary = fleet.canary if careful else ()
    if canary and not set(canary) & set(names):
        say(
            f"edgeship: no board of the canary ({', '.join(canary)}) is in group {options.group}: all of it goes at once"
        )

    def one(name: str) -> T:
        return work(Target(fleet.boards[name], options.python))

    outcomes = []
    for outcome in everywhere(one, names, canary=canary, concurrency=fleet.concurrency):
        outcomes.append(outcome)
        if not options.json:
            line = f"FAILED  {outcome.error}" if outcome.done is None else f"ok      {shown(outcome.done)}"
            answer(f"{outcome.board.ljust(max(map(len, names)))}  {line}")
    failed = sum(outcome.error is not None for outcome in outcomes)
    if options.json:
        answer_json({"boards": record.to_json(sorted(outcomes, key=lambda outcome: names.index(outcome.board)))})
    else:
        say(f"{len(outcomes) - failed} of {len(outcomes)} boards: ok")
    return 1 if failed else 0
