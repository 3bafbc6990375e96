"""GraphInput: what a graph of another tool takes instead of raw pixels.

Files that edgeship trains and exports need none of this: rescaling is their first layer, so the graph takes N×H×W×C levels, 0 to
255. A model that was trained elsewhere expects its training's normalization, and perhaps BGR or channels before rows; its file states
that here, once, and engines follow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

Layout = Literal["nhwc", "nchw"]


@dataclass(frozen=True)
class GraphInput:
    """From levels 0–255 to what the graph computes with: (level − mean) / std, for each channel of the picture.

    A quantized input then takes that number by its own scale and zero point.

    Attributes:
        mean, std: in levels; one for all channels, or one for each in the picture's order (red, green, blue).
        bgr: the graph takes blue first.
        layout: N×H×W×C, or N×C×H×W.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    bgr: bool = False
    layout: Layout = "nhwc"

    def __post_init__(self) -> None:
        """Refuses numbers that cannot be computed with."""
        if len(self.mean) not in (1, 3) or len(self.std) not in (1, 3):
            raise ValueError(f"mean has {len(self.mean)} numbers and std {len(self.std)}; wanted 1 or 3")
        if not all(map(isfinite, (*self.mean, *self.std))) or not all(self.std):
            raise ValueError(f"mean is {self.mean} and std {self.std}; wanted numbers, std other than 0")
        if self.layout not in ("nhwc", "nchw"):
            raise ValueError(f"layout is {self.layout!r}; known: nhwc, nchw")

    @property
    def is_plain(self) -> bool:
        """Whether it changes nothing: raw pixels, N×H×W×C."""
        return set(self.mean) == {0.0} and set(self.std) == {1.0} and not self.bgr and self.layout == "nhwc"

    def normalizations(self, channels: int) -> list[tuple[float, float]]:
        """Mean and standard deviation of each of the picture's channels."""
        means, stds = (values * channels if len(values) == 1 else values for values in (self.mean, self.std))
        return list(zip(means, stds, strict=True))
