"""Survey: what the pictures are like, seen from their headers, before any is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from edgeship_runtime.labelled import LabelledData
from edgeship_runtime.pictures import Color

_LOOKED_AT = 200
_GREY_MODES = ("1", "L", "I", "I;16", "I;16B", "LA")


def color_of(data: LabelledData) -> Color:
    """Grey when every picture looked at is; one in colour makes it RGB. Damaged ones have no say."""
    return "grey" if all(_is_grey(content) for content in _some(data)) else "rgb"


def native_size(data: LabelledData) -> int | None:
    """The side of a named set's pictures, which are square and all alike; None for folders."""
    content = next(_some(data))
    return None if isinstance(content, Path) else int(content.shape[0])


def _some(data: LabelledData) -> Iterator[Path | np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    every = [picture.content for part in data.parts.values() for picture in part]
    yield from every[:: max(1, len(every) // _LOOKED_AT)]


def _is_grey(content: Path | np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bool:
    if not isinstance(content, Path):
        return content.ndim == 2
    try:
        with Image.open(content) as image:
            return image.mode in _GREY_MODES
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return True
