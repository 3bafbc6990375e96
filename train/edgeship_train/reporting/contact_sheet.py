"""Contact sheet: pictures small enough to lie inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from edgeship_runtime import pictures
from edgeship_runtime.errors import PictureError
from edgeship_runtime.labelled import LabelledPicture

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 96  # pixels
_TINY = 48  # pixels: so small a picture is enlarged in squares, not in a blur, and loses nothing to its encoding
_QUALITY = 75
_THREADS = 4


@dataclass(frozen=True)
class Thumbnail:
    """A picture in a page.

    Attributes:
        uri: a data URI; "" where the picture is gone since it was read.
        tiny: whether its pixels are to be shown as squares.
        name: of the picture.
        label: its true one.
    """

    uri: str
    tiny: bool
    name: str
    label: str


def of_originals(wanted: Sequence[LabelledPicture]) -> list[Thumbnail]:
    """The pictures as their files have them: upright, in colour, whole."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(_of_original, wanted))


def of_inputs(pixels: NDArray[np.uint8], wanted: Iterable[LabelledPicture]) -> list[Thumbnail]:
    """Model inputs, N×H×W×C, and what each was made of."""
    images = (Image.fromarray(one[..., 0] if one.shape[2] == 1 else one) for one in pixels)
    return [_of_image(image, picture) for image, picture in zip(images, wanted, strict=True)]


def _of_original(picture: LabelledPicture) -> Thumbnail:
    try:
        content = picture.content
        if isinstance(content, Path):
            image = pictures.decode(content, "rgb", at_least=(SIDE, SIDE))
        else:
            image = pictures.from_array(content, "rgb")
    except PictureError:  # hours may have passed since it was read
        return Thumbnail("", tiny=False, name=picture.name, label=picture.label)
    return _of_image(image, picture)


def _of_image(image: Image.Image, picture: LabelledPicture) -> Thumbnail:
    tiny = max(image.size) <= _TINY
    image.thumbnail((SIDE, SIDE), reducing_gap=2.0)
    stream = io.BytesIO()
    bare = Image.fromarray(np.asarray(image))  # without the profiles and comments of its file
    bare.save(stream, "WEBP", lossless=tiny, quality=_QUALITY)
    return Thumbnail(data_uri(stream.getvalue(), "webp"), tiny, picture.name, picture.label)


def data_uri(data: bytes, kind: str) -> str:
    """An encoded image, "webp" or "png", as an address that needs no file."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
