"""Proving: an exported file against its parent, on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray

from edgeship_export.evidence import Pictures
from edgeship_runtime.manifest import MOST_CHANGES, Change, Proof

SIGNIFICANCE = 0.05


def compare(
    parent: NDArray[np.float32], exported: NDArray[np.float32], pictures: Pictures, labels: Sequence[str]
) -> Proof:
    """Compares scores N×labels of the two, for at least one picture."""
    targets = pictures.targets
    before, after = parent.argmax(axis=1), exported.argmax(axis=1)
    lost = int(((before == targets) & (after != targets)).sum())
    won = int(((before != targets) & (after == targets)).sum())
    changed = [
        Change(pictures.names[index], labels[targets[index]], labels[before[index]], labels[after[index]])
        for index in np.flatnonzero(before != after)[:MOST_CHANGES]
    ]
    return Proof(
        samples=len(targets),
        accuracy=float((after == targets).mean()),
        parent_accuracy=float((before == targets).mean()),
        agreement=float((before == after).mean()),
        largest_difference=round(float(np.abs(parent - exported).max()), 6),
        p_value=mcnemar(lost, won),
        lost=lost,
        won=won,
        changed=tuple(changed),
    )


def mcnemar(lost: int, won: int) -> float:
    """One-sided exact McNemar test (Q. McNemar, Psychometrika 12, 1947).

    How likely at least `lost` of the pictures whose answer turned would have turned wrong, were it as likely either way.
    """
    turned = lost + won
    return float(sum(comb(turned, count) for count in range(lost, turned + 1)) / 2**turned)


def drops(proof: Proof, most_points: float) -> bool:
    """Whether accuracy drops by more than `most_points` (of 100), and not by chance."""
    return 100 * (proof.parent_accuracy - proof.accuracy) > most_points and proof.p_value < SIGNIFICANCE


def smallest_visible_drop(samples: int) -> float:
    """Points that must be lost (5 pictures, none won) before the test can call it a drop: 0.5⁵ < 0.05."""
    return 100 * min(5, samples) / samples
