"""Small pictures: encoded so that they can travel in a model file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from edgeship_runtime.preprocessing import Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

GOLDEN_BYTES = 10_000  # four of them leave room for labels within an exported file's 64 kB
_QUALITIES = (90, 80, 70, 60, 50, 40, 30)


def lossless(pixels: NDArray[np.uint8]) -> bytes:
    """Lossless WebP of H×W×C pixels: 0.7 of a PNG for photos."""
    stream = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image.save(stream, "WEBP", exact=True, lossless=True, quality=50)
    return stream.getvalue()


def small(image: Image.Image, preprocessing: Preprocessing) -> bytes:
    """The picture in at most GOLDEN_BYTES, still larger than the model's input if it was, so that resizing is proven too.

    Only pixels go in: no EXIF, no name. Changes `image` itself.
    """
    image.thumbnail((preprocessing.width * 3 // 2, preprocessing.height * 3 // 2), reducing_gap=2.0)
    data = lossless(np.asarray(image).reshape(image.height, image.width, -1))
    for quality in _QUALITIES:
        if len(data) <= GOLDEN_BYTES:
            return data
        data = _jpeg(image, quality)
    while len(data) > GOLDEN_BYTES:
        image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)), Image.Resampling.BILINEAR)
        data = _jpeg(image, _QUALITIES[-1])
    return data


def _jpeg(image: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()
