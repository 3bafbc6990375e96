"""Disturbance: what makes a run one that does not count, in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from edgeship_benchmarks.measuring.results import Run, Timed

USUAL = 0.5  # share of disturbed runs from which on the disturbance is what this machine is like
_MOST_WAITING = 0.10  # of the time; less is subtracted, and leaves only colder caches
_MOST_STOLEN = 0.02  # of a core: nobody can subtract that
_SLOWER = 1.10  # the reference, against its median over the session
_CLOCK = 0.95  # of the highest that the configuration had


def marked(runs: Sequence[Run]) -> list[Run]:
    """The runs of a session, each with what disturbed it."""
    if not runs:
        return []
    usual_ms = float(np.median([run.timed.reference_ms for run in runs]))
    highest: dict[int, float] = {}  # of each configuration: one thread runs at another clock than four
    for run in runs:
        highest[run.configuration] = max(highest.get(run.configuration, 0.0), run.timed.after.clock_mhz or 0.0)
    return [dataclasses.replace(run, disturbed=_marks(run.timed, usual_ms, highest[run.configuration])) for run in runs]


def counted(runs: Sequence[Run], blocks: int) -> list[Run]:
    """Those of one configuration that count: the undisturbed ones where they fill `blocks`, otherwise all."""
    quiet = [run for run in runs if not run.disturbed]
    return quiet if len(quiet) >= blocks else list(runs)


def _marks(timed: Timed, usual_ms: float, highest_mhz: float) -> tuple[str, ...]:
    before, after = timed.before, timed.after
    marks = [*after.throttled, *(flag for flag in before.throttled if flag not in after.throttled)]
    if after.throttle_events > before.throttle_events and not marks:
        marks.append("throttled")
    if timed.waiting is not None and timed.waiting > _MOST_WAITING:
        marks.append(f"others had the CPU {timed.waiting:.0%} of the time")
    if before.steal_s is not None and after.steal_s is not None:
        stolen = (after.steal_s - before.steal_s) / timed.wall_s
        if stolen > _MOST_STOLEN:
            marks.append(f"the hypervisor took {stolen:.0%} of a core")
    if after.clock_mhz is not None and after.clock_mhz < _CLOCK * highest_mhz:
        marks.append(f"clock at {after.clock_mhz:.0f} of {highest_mhz:.0f} MHz")
    if timed.reference_ms > _SLOWER * usual_ms:
        marks.append(f"machine {timed.reference_ms / usual_ms - 1:.0%} slower than usual")
    return tuple(marks)
