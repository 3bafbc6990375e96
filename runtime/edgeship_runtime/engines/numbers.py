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


def pixel_table(dtype: DTypeLike, affine: Affine) -> NDArray[np.generic] | None:
    """The graph's input value for each of the 256 pixel levels, or None when pixels pass as they are.

    Round, clip, then cast: a cast alone wraps, and turns white into black.
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return PIXELS.astype(dtype)
    if affine.scale == 0.0:  # integers without quantization: raw pixels
        return None if dtype == np.uint8 else PIXELS.astype(dtype)
    limits = np.iinfo(dtype)
    values = np.clip(np.rint(PIXELS / affine.scale) + affine.zero_point, limits.min, limits.max).astype(dtype)
    return None if dtype == np.uint8 and np.array_equal(values, PIXELS) else values


def real(output: NDArray[np.generic], affine: Affine) -> NDArray[np.float32]:
    """An output tensor as float32 scores."""
    if output.dtype.kind == "f" or affine.scale == 0.0:
        return output.astype(np.float32)
    return ((output.astype(np.float32) - affine.zero_point) * affine.scale).astype(np.float32)
