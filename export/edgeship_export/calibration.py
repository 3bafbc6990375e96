"""Calibration: the pictures whose activations decide the scales of an int8 model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def spanning(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Calibration pictures in which the levels 0 and 255 both occur.

    The input's scale is (highest - lowest level seen) / 255. Only when both ends are seen is it exactly 1, so that raw pixels
    are the quantized input; and a picture brighter than all of these would be clipped otherwise. Where an end is missing, the one
    darkest (brightest) pixel of all is moved there, which no activation notices.
    """
    ends = {0: np.argmin(pixels), 255: np.argmax(pixels)}
    if all(pixels.flat[place] == level for level, place in ends.items()):
        return pixels
    pixels = pixels.copy()
    for level, place in ends.items():
        pixels.flat[place] = level
    return pixels
