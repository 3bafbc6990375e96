"""Preprocessing: everything that happens to a picture before the graph sees it.

Decode, orientation and colour are in `pictures`; here are fit and resize. Rescaling is not: it is the model's first layer, so the
graph takes raw pixels, 0 to 255, and there is no mean or standard deviation to get wrong. For a model that another tool trained,
`graph_input` states them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from PIL import Image

from edgeship_runtime import pictures, record
from edgeship_runtime.graph_input import GraphInput
from edgeship_runtime.pictures import PILLOW_MODE, Color

if TYPE_CHECKING:
    from numpy.typing import NDArray

Fit = Literal["stretch", "crop", "letterbox"]
Picture: TypeAlias = "Path | bytes | NDArray[np.uint8] | Image.Image"

# Which way pixels are averaged. A new way gets a new name: files keep the one they were trained with.
RESIZE = "box-bilinear"
_SPARE = 2  # a JPEG may be decoded at a reduced scale while this many pixels remain for each one the model takes
_LARGEST = 4096
_LARGEST_BLOCK = 128  # Pillow divides by 24-bit fixed point: from 198 on, blocks of white come out as 254, and darker


@dataclass(frozen=True)
class Preprocessing:
    """How a picture of any size becomes the model's input, H×W×C uint8.

    Attributes:
        width, height: the model's input, in pixels.
        color: "rgb" (3 channels, in that order) or "grey" (1 channel).
        fit: "stretch" ignores the aspect ratio, "crop" keeps the centre, "letterbox" pads with black.
        resize: the algorithm. "box-bilinear" averages k×k blocks, k being the whole number of source pixels per
            target pixel on the less reduced axis, then resizes bilinearly with antialiasing.
        graph_input: what the graph of a model trained elsewhere takes; None: these very levels, as all of ours do.
    """

    width: int
    height: int
    color: Color = "rgb"
    fit: Fit = "stretch"
    resize: str = RESIZE
    graph_input: GraphInput | None = field(default=None, metadata=record.LEFT_OUT)

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
        stated = self.graph_input
        if stated is not None and max(len(stated.mean), len(stated.std)) > self.channels:
            raise ValueError(f"graph_input has a mean or std for 3 channels; color is {self.color}")

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

    def apply(self, image: Image.Image | NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Fits and resizes a decoded picture, or a captured array: uint8, H×W×C, contiguous.

        Raises:
            PictureError: the array has another dtype or shape.
        """
        if isinstance(image, np.ndarray):
            image = pictures.checked(image)
            source = image.shape[1], image.shape[0]
        else:
            source = image.size
        size = self.width, self.height
        if self.fit == "crop":
            result = self._resized(image, _centre(source, size), size)
        elif self.fit == "letterbox":
            inner = _inside(source, size)
            result = Image.new(PILLOW_MODE[self.color], size)
            offset = (self.width - inner[0]) // 2, (self.height - inner[1]) // 2
            result.paste(self._resized(image, (0, 0, *source), inner), offset)
        else:
            result = self._resized(image, (0, 0, *source), size)
        return np.asarray(result).reshape(self.shape)

    def __call__(self, picture: Picture) -> NDArray[np.uint8]:
        """Decodes and applies: a path, a file's bytes or a captured array to the model's input, uint8 H×W×C."""
        return self.apply(picture if isinstance(picture, np.ndarray) else self.decode(picture))

    def _resized(
        self, image: Image.Image | NDArray[np.uint8], box: tuple[int, int, int, int], size: tuple[int, int]
    ) -> Image.Image:
        """Resizes the part `box` (left, top, right, bottom) of a picture to `size`, in one k for both axes."""
        width, height = box[2] - box[0], box[3] - box[1]
        k = min(width // size[0], height // size[1], _LARGEST_BLOCK)
        if k < 2:
            whole = image if isinstance(image, Image.Image) else pictures.from_array(image, self.color)
            same = (width, height) == size == whole.size
            return whole if same else whole.resize(size, Image.Resampling.BILINEAR, box)
        reduced = (
            image.reduce(k, box) if isinstance(image, Image.Image) else pictures.reduce_array(image, self.color, k, box)
        )
        # A last block that is not full stands for fewer pixels, so the box handed on ends inside it.
        return reduced.resize(size, Image.Resampling.BILINEAR, box=(0, 0, width / k, height / k))


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
