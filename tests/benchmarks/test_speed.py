"""Milliseconds on a machine that changes its speed: what they mean, and how far they can be trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from edgeship_benchmarks.measuring.plan import Configuration
from edgeship_benchmarks.measuring.results import GRID, Run
from edgeship_benchmarks.measuring.speed import Known
from edgeship_benchmarks.measuring.speed import known as known_of
from edgeship_benchmarks.reporting import latency
from reports import timed

FAST, SLOW = 0.36, 0.58  # ms of the reference, as a neighbour on the other half of a core makes it


def known(runs: Mapping[int, Sequence[Run]], threads: Sequence[int] = (1, 1)) -> dict[int, Known]:
    return known_of(runs, [Configuration(0, "auto", count) for count in threads])


def session(relative: float, speeds: Sequence[float], follows: float = 1.0, configuration: int = 0) -> list[Run]:
    """Processes of one configuration, one for each block, at these speeds of the machine."""
    random = np.random.default_rng(configuration)
    made = []
    for block, speed in enumerate(speeds):
        net = relative * FAST * (speed / FAST) ** follows * float(np.exp(random.normal(0, 0.01)))
        measured = timed(
            net / speed, reference_ms=speed, net_ms=(net,) * GRID, wall_ms=(net,) * GRID, scaled=(net / speed,) * GRID
        )
        made.append(Run(configuration, block, again=False, at_s=block, timed=measured))
    return made


@pytest.mark.parametrize("slow", [3, 6, 9])
@pytest.mark.parametrize("follows", [0.75, 1.0, 1.5])
def test_p50_is_the_median_of_the_processes_medians_on_a_machine_of_two_speeds(slow: int, follows: float) -> None:
    runs = session(
        17.0, np.random.default_rng(slow).permutation([SLOW] * slow + [FAST] * (15 - slow)).tolist(), follows
    )

    p50 = known({0: runs})[0].ms.median

    assert p50 == pytest.approx(np.median([run.timed.net_p50_ms for run in runs]), rel=0.005)


def test_the_interval_says_that_the_machine_had_two_speeds() -> None:
    both, steady = (session(17.0, [FAST, other] * 7 + [FAST]) for other in (SLOW, FAST))

    doubtful, sure = known({0: both})[0], known({0: steady})[0]

    assert doubtful.ms.low is not None
    assert doubtful.ms.high is not None
    assert doubtful.ms.low < 1.03 * 17 * FAST
    assert doubtful.ms.high > 0.97 * 17 * SLOW
    assert doubtful.relative.half_width == pytest.approx(sure.relative.half_width, rel=0.01)
    assert not doubtful.within(0.02)
    assert sure.within(0.02)


def test_configurations_keep_their_ratio_whatever_the_machine_did_while_they_ran() -> None:
    """The slower file ran while the machine was fast, the faster one while it was slow."""
    runs = {0: session(10.0, [SLOW] * 4 + [FAST] * 1), 1: session(12.0, [FAST] * 4 + [SLOW] * 1, configuration=1)}

    found = known(runs)

    assert found[1].ms.median / found[0].ms.median == pytest.approx(1.2, rel=0.02)
    assert found[0].ms_per_unit == found[1].ms_per_unit


def test_threads_that_keep_a_core_busy_beside_the_reference_make_no_row_faster() -> None:
    """Two threads take as long as one; theirs slow the reference down by 1.4, so that they seem to need fewer of its units."""
    alone = session(17.0, [FAST] * 9)
    spinning = [
        dataclasses.replace(
            run,
            configuration=1,
            timed=dataclasses.replace(
                run.timed, relative=run.timed.relative / 1.4, reference_ms=run.timed.reference_ms * 1.4
            ),
        )
        for run in alone
    ]

    found = known({0: alone, 1: spinning}, threads=(1, 2))

    assert found[1].ms.median == pytest.approx(found[0].ms.median)


def test_a_process_that_met_both_speeds_has_no_tail_because_of_that() -> None:
    """Half of its inferences took 1.6 times as long, and so did the reference beside them."""
    net = tuple([17 * FAST] * (GRID // 2) + [17 * SLOW] * (GRID - GRID // 2))
    mixed = [
        Run(0, block, again=False, at_s=block, timed=timed(17.0, net_ms=net, scaled=(17.0,) * GRID))
        for block in range(5)
    ]

    measured = latency.measure(mixed, known({0: mixed})[0], 0.01).latency

    assert measured.p99 == measured.p50


def test_few_blocks_give_no_interval() -> None:
    (found,) = known({0: session(17.0, [FAST] * 4)}).values()

    assert (found.ms.half_width, found.relative.half_width) == (None, None)
    assert not found.within(1.0)


def test_a_configuration_without_runs_that_count_is_left_out() -> None:
    assert list(known({0: session(17.0, [FAST] * 5), 1: []})) == [0]
