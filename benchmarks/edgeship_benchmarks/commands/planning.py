"""The plan of a command line: what is to be measured, and how long that takes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgeship_runtime.terminal import counted, say

if TYPE_CHECKING:
    from edgeship_benchmarks.gathering import Gathered, Opened
    from edgeship_benchmarks.measuring.plan import Plan
    from edgeship_benchmarks.measuring.store import Store

_BOARD_THREADS = [1, 4]  # a board's cores are not known when its work is planned; most have four


def planned(options: argparse.Namespace, opened: Opened, gathered: Gathered) -> Plan:
    """What is asked for. On a board "auto" is what it takes itself; for one that is not here, what its profile names."""
    from edgeship_benchmarks import configurations, for_device
    from edgeship_benchmarks.measuring.plan import Plan

    formats = [one.model.format for one in opened.models]
    threads = options.threads or (_BOARD_THREADS if options.on else None)
    meant_for = None if options.on else opened.device
    engines = for_device.engines(options.engine, meant_for) if meant_for else options.engine
    ways = configurations.Ways.asked(engines, threads, options.batch)
    timed = configurations.timed(formats, ways)
    more = configurations.answering(formats, ways) if options.parity else []
    return Plan(
        models=tuple(one.planned for one in opened.models),
        pictures=gathered.pictures,
        configurations=(*timed, *more),
        timed=len(timed),
        precision=options.precision,
        blocks=options.blocks,
        most_blocks=options.most_blocks,
        seconds=options.seconds,
        seed=options.seed,
    )


def say_duration(plan: Plan, store: Store, where: str = "") -> None:
    """Says how long the plan takes.

    Args:
        plan: to be measured.
        store: with its files.
        where: what it takes that long on; here, when empty.
    """
    from edgeship_benchmarks.measuring.duration import USUAL_MS, duration_s, spoken, tried_ms
    from edgeship_benchmarks.reporting.text import at_least

    if plan.timed:
        known_ms = tried_ms(plan, store)
        least, most = duration_s(plan, known_ms)
        blocks = f"{at_least(plan.blocks, plan.most_blocks)} block{'s' if plan.most_blocks > 1 else ''}"
        took = f"about {spoken(least)}, at most {spoken(most)} {where}".rstrip()
        slower = "" if len(known_ms) == len(plan.models) else f"; longer with models above {USUAL_MS:g} ms"
        say(f"{counted(plan.timed, 'configuration')}, {blocks}: {took}{slower}")
