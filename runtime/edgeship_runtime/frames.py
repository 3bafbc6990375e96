"""Frame: one picture of a camera or a video, as pixels in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame, upright.

    A frame has one of two times, because they answer different questions: how old it is (live), or where it stands (a file).

    Attributes:
        pixels: RGB uint8, H×W×3.
        source: what it came from, as SOURCE on the command line: "camera:0", or a file's path.
        index: its number within the source, from 0; frames that were read and not used count too.
        captured_at: UNIX time in seconds at which a live source took it; None for a frame of a file.
        position_s: seconds from the start of the video file; None for a live source.
    """

    pixels: NDArray[np.uint8]
    source: str
    index: int
    captured_at: float | None = None
    position_s: float | None = None

    def __post_init__(self) -> None:
        """Refuses other arrays than promised, and frames with both times or none."""
        shape = self.pixels.shape
        if self.pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or self.pixels.size == 0:
            raise ValueError(f"wanted RGB uint8, H×W×3; received {self.pixels.dtype}, shape {shape}")
        if (self.captured_at is None) == (self.position_s is None):
            raise ValueError(f"wanted captured_at or position_s; received {self.captured_at} and {self.position_s}")
