"""Student's t distribution, which NumPy lacks; a board has no SciPy."""

from __future__ import annotations

import math

import numpy as np

_STEPS = 4001
_LARGEST = 1e4


def two_sided(t: float, freedom: float) -> float:
    """P(|T| > |t|): with x = √ν·tan φ the density becomes cos(φ)^(ν − 1), which is integrated from there to π/2."""
    angles = np.linspace(math.atan(abs(t) / math.sqrt(freedom)), math.pi / 2, _STEPS)
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    heights = np.maximum(np.cos(angles), 0.0) ** (freedom - 1)
    return min(1.0, 2 * scale * float((heights[1:] + heights[:-1]).sum() / 2 * (angles[1] - angles[0])))


def quantile(probability: float, freedom: float) -> float:
    """The value that T stays below with a probability of at least one half."""
    low, high = 0.0, _LARGEST
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - two_sided(middle, freedom) / 2 < probability else (low, middle)
    return high
