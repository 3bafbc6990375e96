"""Blocks: each times every configuration once, in fresh processes and an order of its own; disturbed runs are repeated in it.

What drifts (clocks, heat, other load) meets all configurations alike, and none of them always first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from edgeship_benchmarks.measuring.disturbance import USUAL, counted, marked
from edgeship_benchmarks.measuring.duration import spoken
from edgeship_benchmarks.measuring.plan import Plan
from edgeship_benchmarks.measuring.results import Run, Timed
from edgeship_benchmarks.measuring.speed import known

Timer = Callable[[int, int], Timed | None]  # configuration and block to what was measured; None when it failed


def run_blocks(plan: Plan, configurations: Sequence[int], timer: Timer, begin: Callable[[str], None]) -> list[Run]:
    """Blocks, until the precision is reached or there were `plan.most_blocks`.

    Args:
        plan: how many.
        configurations: indices of those to time. One that fails drops out.
        timer: times one configuration in a fresh process; called with its index and the block's.
        begin: told what comes next.
    """
    started = time.monotonic()

    def time_each(some: Iterable[int], block: int, *, again: bool) -> Iterator[Run]:
        for configuration in some:
            begin(_announced(plan, block, time.monotonic() - started))
            at_s = round(time.monotonic() - started, 3)
            timed = timer(configuration, block)
            if timed is None:
                left.remove(configuration)
            else:
                yield Run(configuration, block, again, at_s, timed)

    runs: list[Run] = []
    left = list(configurations)
    for block in range(plan.most_blocks):
        runs = marked([*runs, *time_each(_shuffled(left, plan.seed, block), block, again=False)])
        runs = marked([*runs, *time_each(_worth_repeating(runs, block), block, again=True)])
        if block + 1 >= plan.blocks and _precise(runs, left, plan):
            break
    return runs


def _announced(plan: Plan, block: int, seconds: float) -> str:
    """Which block begins, and how long it still takes, going by those before."""
    if not block:
        return "block 1"
    each = seconds / block
    least, most = (spoken(each * max(1, count - block)) for count in (plan.blocks, plan.most_blocks))
    return f"block {block + 1}, {least} left" if least == most else f"block {block + 1}, {least} to {most} left"


def _shuffled(configurations: Sequence[int], seed: int, block: int) -> list[int]:
    order = np.random.default_rng((seed, block)).permutation(len(configurations))
    return [configurations[index] for index in order]


def _worth_repeating(runs: Sequence[Run], block: int) -> list[int]:
    """Disturbed configurations of a block. None where half of all runs are disturbed: the next would be, too."""
    if sum(bool(run.disturbed) for run in runs) > USUAL * len(runs):
        return []
    return [run.configuration for run in runs if run.block == block and run.disturbed]


def _precise(runs: Sequence[Run], configurations: Sequence[int], plan: Plan) -> bool:
    def own(configuration: int) -> list[Run]:
        return counted([run for run in runs if run.configuration == configuration], plan.blocks)

    found = known({index: own(index) for index in configurations}, plan.configurations)
    return all(one.within(plan.precision) for one in found.values())
