"""Threshold: the score below which no answer is better than an answer, fitted on pictures with known labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST = 20  # pictures; of fewer, one more or less would decide


def fit_threshold(scores: NDArray[np.float32], targets: NDArray[np.int64]) -> float | None:
    """The threshold at which right answers outnumber wrong ones by most.

    A right answer counts +1, a wrong one −1, no answer 0: an answer is refused where it was likelier wrong than right. This is the
    optimum rule of C. K. Chow (IEEE Transactions on Information Theory 16, 1970) where a rejection costs half a mistake. Of
    thresholds that are equally good, the lowest; it lies in the middle between the best scores of two pictures, the lowest
    possible score counting as one: a network that made no mistake on these pictures will still meet others.

    Args:
        scores: N×labels of the very file that will be used, on pictures it was not trained on.
        targets: N indices of the true labels.

    Returns:
        A score from 0 to 1, in as few decimals as tell these pictures apart, four or more. None for fewer than 20 pictures, or
        where no threshold has more right than wrong.
    """
    if len(scores) < _LEAST:
        return None
    best = scores.max(axis=1).astype(np.float64)
    gain = np.where(scores.argmax(axis=1) == targets, 1, -1)
    order = np.argsort(best, kind="stable")
    best, gain = best[order], gain[order]
    # The sum of all pictures from each one on; equal scores fall together, so only the first of them counts.
    kept = np.cumsum(gain[::-1])[::-1]
    first = np.concatenate([[True], np.diff(best) > 0])
    at = int(np.flatnonzero(first)[np.argmax(kept[first])])
    if kept[at] <= 0:
        return None
    below = min(1 / scores.shape[1] if at == 0 else best[at - 1], best[at])
    middle = float(below + best[at]) / 2
    rounded = (round(middle, digits) for digits in range(4, 9))
    return next((value for value in rounded if below < np.float32(value) <= best[at]), float(best[at]))
