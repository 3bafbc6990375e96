"""Frame: one picture of a camera, a stream or a video."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame, upright.

    A frame has one of two times, because they answer different questions: how old it is (live), or where it stands (a file).

    Attributes:
        picture: as it came: pixels, RGB uint8, H×W×3; or a picture file's bytes, as network cameras send them, so that only
            frames somebody wants are decoded, and no larger than needed.
        source: what it came from, as SOURCE on the command line: "camera:0", or a file's path; without passwords.
        index: its number within the source, from 0; frames that were read and not used count too.
        captured_at: UNIX time in seconds at which a live source took it, or it arrived here; None for a frame of a file.
        position_s: seconds from the start of the video file; None for a live source.
        arrived_s: `captured_at` on the clock of time.monotonic(), by which ages are told: the other one may be set.
        decode_ms: what it cost to decode `picture`; 0 for bytes, which still are to be.
    """

    picture: NDArray[np.uint8] | bytes
    source: str
    index: int
    captured_at: float | None = None
    position_s: float | None = None
    arrived_s: float | None = None
    decode_ms: float = 0.0

    def __post_init__(self) -> None:
        """Refuses other arrays than promised, and frames with both times or none."""
        if not isinstance(self.picture, bytes):
            shape = self.picture.shape
            if self.picture.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or self.picture.size == 0:
                raise ValueError(f"wanted RGB uint8, H×W×3; received {self.picture.dtype}, shape {shape}")
        if (self.captured_at is None) == (self.position_s is None):
            raise ValueError(f"wanted captured_at or position_s; received {self.captured_at} and {self.position_s}")

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """RGB uint8, H×W×3.

        Raises:
            PictureError: it came as bytes that cannot be decoded.
        """
        if not isinstance(self.picture, bytes):
            return self.picture
        from edgeship_runtime.pictures import decode

        return np.asarray(decode(self.picture, "rgb"))

    @property
    def age_ms(self) -> float | None:
        """Milliseconds since a live frame arrived; None for a frame of a file."""
        return None if self.arrived_s is None else (monotonic() - self.arrived_s) * 1e3
