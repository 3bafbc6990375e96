"""Reference: a fixed piece of work, timed among the inferences, that tells how fast the machine is at that moment.

Clocks drop, neighbours take cache and memory, hours pass: a model and this kernel slow down together, and their ratio stays. It has
to lean on the machine as a network does: of some twenty candidates, a third each of products of integers, of random numbers (a chain
in which each step waits for the last) and of sorting followed two networks best (`benchmarks/benchmarking.py drift` measures that
again). Nothing in it depends on a BLAS library, whose speed differs from one NumPy to the next.
"""

from __future__ import annotations

import platform

import numpy as np

_VERSION = 1  # a change of the work changes this number
_PIXELS, _NUMBERS, _ITEMS = 32_768, 8_192, 4_096


class Reference:
    """The work; call it to do it once, a third of a millisecond on a 2.5 GHz Xeon."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)
        self._pixels, self._weights = self._random.integers(0, 256, (2, _PIXELS), dtype=np.uint8)
        self._items = self._random.integers(0, 1 << 30, _ITEMS)
        self._products = np.empty(_PIXELS, np.int32)
        self._numbers = np.empty(_NUMBERS)

    def __call__(self) -> None:
        """Does the work."""
        for _ in range(5):
            np.multiply(self._pixels, self._weights, out=self._products, dtype=np.int32)
        for _ in range(3):
            self._random.random(out=self._numbers)
        for _ in range(5):
            np.sort(self._items)


def kernel() -> str:
    """Names the work and what it is computed with: ratios to it compare where this is equal."""
    return f"{_VERSION} (NumPy {np.__version__}, {platform.machine()})"
