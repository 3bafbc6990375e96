"""Survey: what the pictures are like, seen from their headers, before any is decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

from edgeship_runtime import exif
from edgeship_runtime.labelled import LabelledData, LabelledPicture
from edgeship_runtime.pictures import Color

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Content: TypeAlias = "Path | NDArray[np.uint8]"

_LOOKED_AT, _MEASURED = 400, 2_000
_LEAST = 8
_GREY_MODES = ("1", "L", "I", "I;16", "I;16B", "LA")
_TRANSPOSED = (5, 6, 7, 8)  # orientations that swap width and height
_UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


def color_of(data: LabelledData) -> Color:
    """Grey when every picture looked at is; one in colour makes it RGB. Damaged ones have no say."""
    return "grey" if all(_is_grey(content) for content in _some(_pictures(data), _LOOKED_AT)) else "rgb"


def side_of(data: LabelledData, most: int) -> int:
    """The side that suits most pictures: the median of their shorter sides, a multiple of 4, and `most` where they are larger.

    A named set's pictures, which are square and all alike, keep theirs.
    """
    pictures = _pictures(data)
    first = next(_some(pictures, 1))
    if not isinstance(first, Path):
        return int(first.shape[0])
    shorter = sizes(pictures).min(axis=1)
    return min(most, max(_LEAST, -(-int(np.median(shorter)) // 4) * 4)) if len(shorter) else most


def sizes(pictures: Sequence[LabelledPicture]) -> NDArray[np.int64]:
    """Width and height of up to 2,000 of the pictures, held upright, N×2. Damaged ones are left out."""
    found = (_size(content) for content in _some(pictures, _MEASURED))
    return np.array([size for size in found if size is not None], np.int64).reshape(-1, 2)


def _pictures(data: LabelledData) -> list[LabelledPicture]:
    return [picture for part in data.parts.values() for picture in part]


def _some(pictures: Sequence[LabelledPicture], most: int) -> Iterator[Content]:
    """Evenly from first to last."""
    yield from (picture.content for picture in pictures[:: max(1, -(-len(pictures) // most))])


def _is_grey(content: Content) -> bool:
    if not isinstance(content, Path):
        return content.ndim == 2
    try:
        with Image.open(content) as image:
            return image.mode in _GREY_MODES
    except _UNREADABLE:
        return True


def _size(content: Content) -> tuple[int, int] | None:
    if not isinstance(content, Path):
        return content.shape[1], content.shape[0]
    try:
        with Image.open(content) as image:
            block = image.info.get("exif")
            turned = isinstance(block, bytes) and exif.orientation(block) in _TRANSPOSED
            return image.size[::-1] if turned else image.size
    except _UNREADABLE:
        return None
