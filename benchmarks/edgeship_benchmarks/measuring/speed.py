"""Speed: from latencies in units of the reference to milliseconds, at the machine's usual speed of a session.

Two questions have two answers. How one configuration stands to another is known well: each is divided by the reference that was timed
beside it, so that neither gains by the minute it ran in. How many milliseconds that is depends on the machine, which may have had two
speeds (a neighbour on the other half of a core halves it). One factor, the same for all configurations of one thread, leads from
the one to the other: that with which half of all processes measured more, and half less. Of a single configuration the result is
the median of its processes' medians; of several, their ratios stay those of the relative latencies. How far milliseconds can be
trusted is found by drawing whole blocks again and again: neighbours in time share the machine's speed, so that single processes would
seem to know more of it than they do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeship_benchmarks.measuring.intervals import FEWEST, Interval, ends_of, median_interval
from edgeship_benchmarks.measuring.plan import Configuration
from edgeship_benchmarks.measuring.results import Run

_RESAMPLES = 4000


@dataclass(frozen=True)
class Known:
    """What is known of one configuration's median latency.

    Attributes:
        relative: in units of the reference.
        ms: in milliseconds at the session's usual speed.
        ms_per_unit: what leads from the one to the other.
    """

    relative: Interval
    ms: Interval
    ms_per_unit: float

    def within(self, share: float) -> bool:
        """Whether both intervals are that narrow."""
        widths = (self.relative.half_width, self.ms.half_width)
        return all(width is not None and width <= share for width in widths)


def known(runs: Mapping[int, Sequence[Run]], configurations: Sequence[Configuration]) -> dict[int, Known]:
    """What the runs that count tell of each configuration; those without any are left out.

    Configurations of one thread share a factor. Those of several have one for each engine: its waiting threads may keep a core busy
    while the reference is timed on another half of it, which would make them seem faster than they were.

    Args:
        runs: of each configuration, by its index.
        configurations: of the plan.
    """
    groups: dict[object, dict[int, Sequence[Run]]] = {}
    for index, own in runs.items():
        if own:
            threads = configurations[index].threads
            together = None if threads == 1 else (own[0].timed.engine, threads)
            groups.setdefault(together, {})[index] = own
    return {index: one for group in groups.values() for index, one in _known(group).items()}


def _known(runs: Mapping[int, Sequence[Run]]) -> dict[int, Known]:
    """The same of configurations that share a factor."""
    blocks = sorted({run.block for own in runs.values() for run in own})
    relatives = [_by_block(own, blocks, lambda run: run.timed.relative) for own in runs.values()]
    nets = [_by_block(own, blocks, lambda run: run.timed.net_p50_ms) for own in runs.values()]
    as_it_was = np.arange(len(blocks))[np.newaxis]
    (factor,), middles = _brought_to_ms(relatives, nets, as_it_was)
    drawn = np.random.default_rng(0).integers(0, len(blocks), (_RESAMPLES, len(blocks)))
    _, resampled = _brought_to_ms(relatives, nets, drawn)
    return {
        configuration: Known(
            median_interval([run.timed.relative for run in own]),
            Interval(float(middle[0]), *(ends_of(many, len(own)) if len(own) >= FEWEST else (None, None))),
            float(factor),
        )
        for (configuration, own), middle, many in zip(runs.items(), middles, resampled, strict=True)
    }


def _by_block(own: Sequence[Run], blocks: Sequence[int], value: Callable[[Run], float]) -> NDArray[np.float64]:
    """Blocks × 2 values, NaN where a block has none; a disturbed run and the one that repeats it may both count."""
    table = np.full((len(blocks), 2), np.nan)
    for run in own:
        table[blocks.index(run.block), int(run.again)] = value(run)
    return table


def _brought_to_ms(
    relatives: Sequence[NDArray[np.float64]], nets: Sequence[NDArray[np.float64]], drawn: NDArray[np.int64]
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """The factor of each draw of blocks, and each configuration's latency in ms with it."""
    many = len(drawn)
    middles = [_median(table[drawn].reshape(many, -1)) for table in relatives]
    speeds = [net[drawn].reshape(many, -1) / middle[:, np.newaxis] for net, middle in zip(nets, middles, strict=True)]
    factor = _median(np.concatenate(speeds, axis=1))
    return factor, [middle * factor for middle in middles]


def _median(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row, NaN aside; of a row of nothing but NaN it is NaN. Twenty times as fast as np.nanmedian."""
    ordered, count = np.sort(rows, axis=1), np.isfinite(rows).sum(axis=1)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    at = np.arange(len(rows))
    middle: NDArray[np.float64] = (ordered[at, low] + ordered[at, np.minimum(high, rows.shape[1] - 1)]) / 2
    return middle
