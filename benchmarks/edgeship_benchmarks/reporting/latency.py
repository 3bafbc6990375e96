"""Latency: the runs of one configuration as the numbers of its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_benchmarks.measuring.results import Run, Timed
from edgeship_benchmarks.measuring.speed import Known
from edgeship_benchmarks.reporting.rows import PERCENTS, Latency, Precision, ProcessRun, WallClock, WholePicture


@dataclass(frozen=True)
class Measured:
    """What a row says of time and memory."""

    latency: Latency
    wall: WallClock
    whole: WholePicture | None
    precision: Precision
    import_ms: float
    load_ms: float
    peak_rss_bytes: int


def measure(runs: Sequence[Run], known: Known, precision: float) -> Measured:
    """Summarizes the runs that count.

    Args:
        runs: of one configuration.
        known: what they tell of its median, beside those of the others.
        precision: half-width of the interval that was asked for, as a share.
    """
    timed = [run.timed for run in runs]
    return Measured(
        latency=_latency(timed, known),
        wall=WallClock(*_tail(np.concatenate([one.wall_ms for one in timed]))),
        whole=_whole(timed),
        precision=_precision(known, precision),
        import_ms=_median([one.import_ms for one in timed]),
        load_ms=_median([one.load_ms for one in timed]),
        peak_rss_bytes=int(np.median([one.peak_rss_bytes for one in timed])),
    )


def summaries(runs: Sequence[Run], used: Sequence[Run], cores: int) -> tuple[ProcessRun, ...]:
    """Each process of a configuration in a line; `used` are those that count."""
    return tuple(
        ProcessRun(
            block=run.block,
            again=run.again,
            at_s=run.at_s,
            p50_ms=rounded(run.timed.net_p50_ms),
            relative=rounded(run.timed.relative, 6),
            reference_ms=rounded(run.timed.reference_ms),
            waiting=None if run.timed.waiting is None else round(run.timed.waiting, 4),
            others=_others(run.timed, cores),
            clock_mhz=run.timed.after.clock_mhz,
            temperature_c=run.timed.after.temperature_c,
            steady=run.timed.warm_up.steady,
            disturbed=run.disturbed,
            counted=run in used,
        )
        for run in runs
    )


def rounded(value: float | np.floating, digits: int = 5) -> float:
    """To so many significant digits: more are noise, and make a report long."""
    return float(f"{float(value):.{digits}g}")


def _latency(timed: Sequence[Timed], known: Known) -> Latency:
    every = np.concatenate([one.scaled for one in timed]) * known.ms_per_unit
    _, p90, p95, p99 = _tail(every)
    ends = None
    if known.ms.low is not None and known.ms.high is not None:
        ends = (rounded(known.ms.low), rounded(known.ms.high))
    return Latency(
        first=_median([one.first_ms for one in timed]),
        p50=rounded(known.ms.median),
        p50_interval=ends,
        p90=p90,
        p95=p95,
        p99=p99,
        distribution=tuple(rounded(value) for value in np.quantile(every, np.linspace(0, 1, PERCENTS))),
    )


def _whole(timed: Sequence[Timed]) -> WholePicture | None:
    parts = [one.end_to_end for one in timed if one.end_to_end is not None]
    if not parts:
        return None
    total = np.concatenate([part.total_ms for part in parts])
    stages = {
        name: float(np.median(np.concatenate([getattr(part, f"{name}_ms") for part in parts])))
        for name in ("decode", "preprocess", "invoke")
    }
    p50, p95 = np.quantile(total, [0.5, 0.95])
    return WholePicture(rounded(p50), rounded(p95), **{k: rounded(v) for k, v in stages.items()}, pictures=len(total))


def _precision(known: Known, asked: float) -> Precision:
    in_ms, relative = (
        None if one is None else rounded(one, 3) for one in (known.ms.half_width, known.relative.half_width)
    )
    return Precision(asked, in_ms, relative, reached=known.within(asked))


def _others(timed: Timed, cores: int) -> float | None:
    if timed.before.busy_s is None or timed.after.busy_s is None:
        return None
    busy = timed.after.busy_s - timed.before.busy_s - timed.own_s
    return round(min(1.0, max(0.0, busy / (timed.wall_s * cores))), 3)


def _tail(values: NDArray[np.float64]) -> tuple[float, float, float, float]:
    p50, p90, p95, p99 = (rounded(value) for value in np.quantile(values, [0.5, 0.9, 0.95, 0.99]))
    return p50, p90, p95, p99


def _median(values: Sequence[float]) -> float:
    return rounded(np.median(values))
