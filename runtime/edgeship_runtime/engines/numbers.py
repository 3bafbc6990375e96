"""Numbers: raw pixels to what a graph's input holds, and its output back to scores.

real = scale · (quantized − zero point): https://ai.google.dev/edge/litert/models/quantization_spec
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

PIXELS = np.arange(256)


@dataclass(frozen=True)
class Affine:
    """One tensor's quantization; scale 0 stands for none, as the TFLite interpreter reports it."""

    scale: float
    zero_point: int


def pixel_table(dtype: DTypeLike, affine: Affine, mean: float = 0.0, std: float = 1.0) -> NDArray[np.generic] | None:
    """The graph's input value for each of the 256 pixel levels, or None when pixels pass as they are.

    The graph computes with (level − mean) / std. Round, clip, then cast: a cast alone wraps, and turns white into black.
    """
    dtype = np.dtype(dtype)
    levels = PIXELS if (mean, std) == (0.0, 1.0) else (PIXELS - mean) / std
    if dtype.kind == "f":
        return levels.astype(dtype)
    if affine.scale == 0.0:  # integers without quantization: raw pixels
        affine = Affine(1.0, 0)
    limits = np.iinfo(dtype)
    values = np.clip(np.rint(levels / affine.scale) + affine.zero_point, limits.min, limits.max).astype(dtype)
    return None if dtype == np.uint8 and np.array_equal(values, PIXELS) else values


def real(output: NDArray[np.generic], affine: Affine) -> NDArray[np.float32]:
    """An output tensor as float32 scores."""
    if output.dtype.kind == "f" or affine.scale == 0.0:
        return output.astype(np.float32)
    return ((output.astype(np.float32) - affine.zero_point) * affine.scale).astype(np.float32)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row of N×labels as shares of one; the largest is taken off first, so that none overflows."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
