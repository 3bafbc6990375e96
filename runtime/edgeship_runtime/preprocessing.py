"""Preprocessing: everything that happens to a picture before the graph sees it.

Decode, orientation and colour are in `pictures`; here are fit and resize. Rescaling is not: it is the model's first layer, so the
graph takes raw pixels, 0 to 255, and there is no mean or standard deviation to get wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from PIL import Image

from edgeship_runtime import pictures
from edgeship_runtime.pictures import PILLOW_MODE, Color

if TYPE_CHECKING:
    from numpy.typing import NDArray

Fit = Literal["stretch", "crop", "letterbox"]
Picture: TypeAlias = "Path | bytes | NDArray[np.uint8] | Image.Image"

# Which way pixels are averaged. A new way gets a new name: files keep the one they were trained with.
RESIZE = "box-bilinear"
_SPARE = 2  # a JPEG may be decoded at a reduced scale while this many pixels remain for each one the model takes
_LARGEST = 4096


@dataclass(frozen=True)
class Preprocessing:
    """How a picture of any size becomes the model's input, H×W×C uint8.

    Attributes:
        width, height: the model's input, in pixels.
        color: "rgb" (3 channels, in that order) or "grey" (1 channel).
        fit: "stretch" ignores the aspect ratio, "crop" keeps the centre, "letterbox" pads with black.
        resize: the algorithm. "box-bilinear" averages k×k blocks, k being the whole number of source pixels per
            target pixel on the less reduced axis, then resizes bilinearly with antialiasing.
    """

    width: int
    height: int
    color: Color = "rgb"
    fit: Fit = "stretch"
    resize: str = RESIZE

    def __post_init__(self) -> None:
        """Refuses what no picture can be brought to."""
        if not (1 <= self.width <= _LARGEST and 1 <= self.height <= _LARGEST):
            raise ValueError(f"input size is {self.width}×{self.height}; wanted 1 to {_LARGEST} pixels a side")
        if self.color not in PILLOW_MODE:
            raise ValueError(f"color is {self.color!r}; known: rgb, grey")
        if self.fit not in ("stretch", "crop", "letterbox"):
            raise ValueError(f"fit is {self.fit!r}; known: stretch, crop, letterbox")
        if self.resize != RESIZE:
            raise ValueError(
                f"resize is {self.resize!r}; this version knows {RESIZE}. Upgrade: pip install -U edgeship"
            )

    @property
    def channels(self) -> int:
        """3 for RGB, 1 for grey."""
        return 3 if self.color == "rgb" else 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """H, W, C of the model's input."""
        return self.height, self.width, self.channels

    def decode(self, picture: Picture) -> Image.Image:
        """The picture, upright and in the model's colour, at any size that suffices.

        Raises:
            PictureError: it cannot be decoded; the message does not repeat the path.
        """
        if isinstance(picture, np.ndarray):
            return pictures.from_array(picture, self.color)
        if isinstance(picture, Image.Image):
            return pictures.upright(picture.copy(), self.color)
        return pictures.decode(picture, self.color, at_least=(_SPARE * self.width, _SPARE * self.height))

    def apply(self, image: Image.Image) -> NDArray[np.uint8]:
        """Fits and resizes a decoded picture: uint8, H×W×C, contiguous."""
        size = self.width, self.height
        if self.fit == "crop":
            image = _resized(image, _centre(image.size, size), size)
        elif self.fit == "letterbox":
            inner = _inside(image.size, size)
            framed = Image.new(image.mode, size)
            offset = (self.width - inner[0]) // 2, (self.height - inner[1]) // 2
            framed.paste(_resized(image, (0, 0, *image.size), inner), offset)
            image = framed
        else:
            image = _resized(image, (0, 0, *image.size), size)
        return np.asarray(image).reshape(self.shape)

    def __call__(self, picture: Picture) -> NDArray[np.uint8]:
        """Decodes and applies: a path, a file's bytes or a captured array to the model's input, uint8 H×W×C."""
        return self.apply(self.decode(picture))


def _resized(image: Image.Image, box: tuple[int, int, int, int], size: tuple[int, int]) -> Image.Image:
    """Resizes the part `box` (left, top, right, bottom) of an image to `size`.

    Pillow's reduce has fast paths for k×k but none for oblong blocks: on 1280×720 → 224×224 one k for both axes costs 0.7 of
    Pillow's own `reducing_gap=1`, and half of its plain bilinear (benchmarks/preprocessing.py).
    """
    width, height = box[2] - box[0], box[3] - box[1]
    if (width, height) == size == image.size:
        return image
    k = min(width // size[0], height // size[1])
    if k < 2:
        return image.resize(size, Image.Resampling.BILINEAR, box=box)
    # A last block that is not full stands for fewer pixels, so the box handed on ends inside it.
    return image.reduce(k, box).resize(size, Image.Resampling.BILINEAR, box=(0, 0, width / k, height / k))


def _centre(source: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest centred box of the target's aspect ratio."""
    width = min(source[0], max(1, round(source[1] * target[0] / target[1])))
    height = min(source[1], max(1, round(source[0] * target[1] / target[0])))
    left, top = (source[0] - width) // 2, (source[1] - height) // 2
    return left, top, left + width, top + height


def _inside(source: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the source's aspect ratio within the target."""
    scale = min(target[0] / source[0], target[1] / source[1])
    return max(1, round(source[0] * scale)), max(1, round(source[1] * scale))
