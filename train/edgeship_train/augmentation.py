"""Augmentation: the same picture a little turned, shifted, zoomed or lit, so that few pictures teach like many.

All of the geometry is one matrix for each picture, hence one interpolation. What an epoch does to each picture is drawn before
it begins, from the seed and the epoch's number alone: a resumed run draws the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Augmentation:
    """How far each change may go, either way; all uniformly distributed.

    Attributes:
        rotation: degrees.
        shift: share of width and height.
        shear: degrees.
        zoom: share; 0.2 enlarges to at most 1.2 and reduces to at least 1 / 1.2.
        flip: "none", "horizontal", "vertical" or "both"; every second picture, independently for each direction.
        fill: what comes into view beyond the border: "nearest", "constant" (black), "reflect" or "wrap".
        brightness: added, as a share of white.
        contrast: factor 1 ± contrast about the picture's mean level.
    """

    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    flip: str = "none"
    fill: str = "nearest"
    brightness: float = 0.0
    contrast: float = 0.0

    @property
    def moves(self) -> bool:
        """Whether pixels change their place."""
        return bool(self.rotation or self.shift or self.shear or self.zoom or self.flip != "none")

    @property
    def lights(self) -> bool:
        """Whether levels change."""
        return bool(self.brightness or self.contrast)

    def draw(self, seed: int, epoch: int, count: int) -> Changes:
        """What happens to each of `count` pictures in an epoch."""
        random = np.random.default_rng((seed, epoch, count))
        draws = random.uniform(-1, 1, (count, 9)).astype(np.float32)
        return Changes(self, draws)


_BORDERS = {
    "nearest": "BORDER_REPLICATE",
    "constant": "BORDER_CONSTANT",
    "reflect": "BORDER_REFLECT",
    "wrap": "BORDER_WRAP",
}
PRESETS = {
    "none": Augmentation(),
    "light": Augmentation(rotation=5, shift=0.05, zoom=0.05, flip="horizontal"),
    "standard": Augmentation(
        rotation=10, shift=0.1, shear=5, zoom=0.15, flip="horizontal", brightness=0.1, contrast=0.15
    ),
    "strong": Augmentation(
        rotation=20, shift=0.15, shear=10, zoom=0.3, flip="horizontal", brightness=0.2, contrast=0.3
    ),
}


@dataclass(frozen=True, eq=False)
class Changes:
    """Drawn changes, float32 N×9 in [-1, 1): rotation, two shifts, shear, zoom, two flips, brightness, contrast."""

    limits: Augmentation
    draws: Floats

    def apply(self, pixels: NDArray[np.uint8], chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Changes N×H×W×C levels, each as drawn for the picture `chosen` names."""
        # OpenCV: a sixth of the time that TensorFlow's affine transform takes, which at 224×224 was half of a training step. In
        # the one thread that draws batches: the other cores are busy with the step before.
        import cv2

        cv2.setNumThreads(1)
        draws = self.draws[chosen]
        moved = self._moved(pixels, draws) if self.limits.moves else pixels
        return self._lit(moved, draws) if self.limits.lights else moved

    def _moved(self, pixels: NDArray[np.uint8], draws: Floats) -> NDArray[np.uint8]:
        import cv2

        height, width = pixels.shape[1:3]
        border = getattr(cv2, _BORDERS[self.limits.fill])
        moved = np.empty_like(pixels)
        for matrix, before, after in zip(self.matrices(draws, height, width), pixels, moved, strict=True):
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            warped = cv2.warpAffine(before, matrix, (width, height), flags=flags, borderMode=border)
            after[:] = warped.reshape(after.shape)  # OpenCV drops the axis of a single channel
        return moved

    def _lit(self, pixels: NDArray[np.uint8], draws: Floats) -> NDArray[np.uint8]:
        import cv2

        lit = np.empty_like(pixels)
        for draw, before, after in zip(draws, pixels, lit, strict=True):
            factor = 1 + self.limits.contrast * float(draw[8])
            mean = float(np.mean(cv2.mean(before)[: before.shape[2]]))
            offset = mean * (1 - factor) + 255 * self.limits.brightness * float(draw[7])
            # factor · level + offset, rounded and kept within 0–255
            after[:] = cv2.addWeighted(before, factor, before, 0.0, offset).reshape(after.shape)
        return lit

    def matrices(self, draws: Floats, height: int, width: int) -> Floats:
        """N×2×3: for each picture a0…b2 of x' = a0 x + a1 y + a2, y' = b0 x + b1 y + b2, from output to input pixels."""
        angle = np.radians(self.limits.rotation) * draws[:, 0]
        slant = np.tan(np.radians(self.limits.shear) * draws[:, 3])
        scale = (1 + self.limits.zoom) ** draws[:, 4]
        flip_x = np.where((draws[:, 5] < 0) & (self.limits.flip in ("horizontal", "both")), -1, 1)
        flip_y = np.where((draws[:, 6] < 0) & (self.limits.flip in ("vertical", "both")), -1, 1)
        cos, sin = np.cos(angle), np.sin(angle)
        # rotation · shear · zoom · flip, about the picture's centre
        a0, a1 = cos * flip_x / scale, (cos * slant - sin) * flip_y / scale
        b0, b1 = sin * flip_x / scale, (sin * slant + cos) * flip_y / scale
        x, y = (width - 1) / 2, (height - 1) / 2
        a2 = x - a0 * x - a1 * y + self.limits.shift * width * draws[:, 1]
        b2 = y - b0 * x - b1 * y + self.limits.shift * height * draws[:, 2]
        return np.stack([a0, a1, a2, b0, b1, b2], axis=1).reshape(-1, 2, 3).astype(np.float32)
