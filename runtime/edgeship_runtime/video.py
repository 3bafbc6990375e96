"""Video files: every frame in order, upright, in RGB, through OpenCV's FFmpeg."""

from __future__ import annotations

import codecs
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeship_runtime.errors import DataError, MissingExtraError
from edgeship_runtime.files import reason
from edgeship_runtime.frames import Frame
from edgeship_runtime.terminal import say
from edgeship_runtime.video_size import stated_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EARLY_S = 0.001  # containers round positions to a millisecond: a frame may lie this much before its time

# Of videos that their first bytes do not tell from anything else, or that are named often.
_SUFFIXES = frozenset({".mp4", ".mov", ".mpg", ".mpeg", ".ts", ".m2ts", ".3gp", ".wmv", ".flv", ".h264"})
_JPEGS = frozenset({".mjpeg", ".mjpg"})  # one after another, so that the first bytes are those of a picture
_STILL_BRANDS = (b"avi", b"hei", b"mif", b"msf")  # ftyp boxes also begin AVIF and HEIF pictures
_ANIMATED = frozenset({"GIF", "WEBP", "PNG", "AVIF"})  # not MPO: photos of phones, with a second view or a preview
_NO_PICTURE = "MPEG"  # Pillow knows these streams by their first bytes, and cannot decode them


def opencv() -> ModuleType:
    """OpenCV's module, imported here and nowhere else.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError(
            f"a camera or a video needs OpenCV, which cannot be imported ({error}): pip install 'edgeship[camera]'"
        ) from None
    return cv2


def rgb(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """OpenCV's order of colours to ours, H×W×3 each: 0.2 ms for 1280×720, where reversing the last axis takes 2.6 ms."""
    cv2 = opencv()
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def looks_like_video(path: Path) -> bool:
    """Whether a file is a video rather than a picture: by its first bytes, and by its name where these say nothing."""
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError:
        return False
    if head[4:8] == b"ftyp":
        return not head[8:].startswith(_STILL_BRANDS)
    if head[:4] == b"RIFF":
        return head[8:12] == b"AVI "
    return head[:4] == b"\x1a\x45\xdf\xa3" or (path.suffix.lower() in _SUFFIXES | _JPEGS and not _is_still(path))


class VideoFile:
    """A video file that is open for reading, once, from its start to its end.

    What a phone says about its rotation is respected (OpenCV does so unless told otherwise).
    """

    def __init__(self, path: Path) -> None:
        """Opens it.

        Raises:
            DataError: there is no video in the file.
            MissingExtraError: OpenCV is not installed.
        """
        cv2 = opencv()
        _refuse_other_kinds(path)
        self.path = path
        self._missing_bytes = _missing_bytes(path)
        # Absolute, because FFmpeg takes what stands before a colon for a protocol; FFmpeg by name, because OpenCV's other
        # readers see a pattern for many pictures in a name with numbers.
        self._capture: Any = cv2.VideoCapture(_openable(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            if self._missing_bytes:
                raise DataError(f"{path} {self._cut_short}; nothing of it can be read, copy it again")
            raise DataError(f"{path} is no video that OpenCV can read")

    def expected_frames(self, every_s: float = 0.0) -> int | None:
        """About how many frames `frames` will give, for a progress bar; None where the file does not say."""
        cv2 = opencv()
        count, rate = (float(self._capture.get(item)) for item in (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS))
        if not (count >= 1 and rate > 0):
            return None
        return math.ceil(count / max(1.0, every_s * rate))

    def frames(self, every_s: float = 0.0) -> Iterator[Frame]:
        """The frames in order; none is dropped.

        Args:
            every_s: 0 gives all. Otherwise the first one at or after each multiple of so many seconds, by the video's own time.

        Raises:
            DataError: the file holds no frame; or, after its last whole frame, it is cut short. The very last frame of such a
                file is kept back: its lower part may be missing (AVI).
        """
        due_s, held, read = 0.0, None, 0
        for read in itertools.count():
            if not self._capture.grab():
                break
            if held is not None:
                yield held
                held = None
            position_s = self._position_s(read)
            if position_s + _EARLY_S >= due_s:
                held = Frame(self._pixels(), str(self.path), read, position_s=position_s)
                due_s = every_s * (math.floor((position_s + _EARLY_S) / every_s) + 1) if every_s else 0.0
        if self._missing_bytes:
            raise DataError(f"{self.path} {self._cut_short}; it was used up to there")
        if held is not None:
            yield held
        if not read:
            raise DataError(f"{self.path}: no frame of this video could be decoded")
        if read < (self._stated_frames or 0):
            say(
                f"{self.path}: {read:,} of its {self._stated_frames:,} frames could be decoded; others are damaged, or edited out"
            )

    def close(self) -> None:
        """Lets go of the file."""
        self._capture.release()

    @property
    def _stated_frames(self) -> int | None:
        """As many as MP4, QuickTime and AVI files list; of others OpenCV knows an estimate."""
        count = int(self._capture.get(opencv().CAP_PROP_FRAME_COUNT))
        with self.path.open("rb") as stream:
            head = stream.read(8)
        return count if head[:4] == b"RIFF" or head[4:] == b"ftyp" else None

    @property
    def _cut_short(self) -> str:
        return f"is cut short: {self._missing_bytes:,} bytes or more are missing at its end"

    def _position_s(self, index: int) -> float:
        """Seconds from the start of the frame just grabbed; from its number where the file carries no times."""
        cv2 = opencv()
        position_s = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        if index and not position_s > 0:
            rate = float(self._capture.get(cv2.CAP_PROP_FPS))
            return index / rate if rate > 0 else float(index)
        return max(0.0, position_s)

    def _pixels(self) -> NDArray[np.uint8]:
        done, bgr = self._capture.retrieve()
        if not done:
            raise DataError(f"{self.path}: a frame could not be converted to RGB")
        return rgb(bgr)


def _openable(path: Path) -> str:
    name = str(path.absolute())
    try:
        name.encode()
    except UnicodeEncodeError:  # OpenCV 5.0 crashes on it
        raise DataError(f"{path}: OpenCV opens no file whose name is not UTF-8; rename it") from None
    return name


def _missing_bytes(path: Path) -> int:
    try:
        stated = stated_bytes(path)
        return 0 if stated is None else max(0, stated - path.stat().st_size)
    except OSError as error:
        raise DataError(f"{path}: {reason(error)}") from None


def _refuse_other_kinds(path: Path) -> None:
    """Says no to what FFmpeg would play all the same: pictures (a video of one frame) and text (as on an old terminal)."""
    try:
        with path.open("rb") as stream:
            head = stream.read(512)
    except OSError as error:
        raise DataError(f"{path}: {reason(error)}") from None
    if not head:
        raise DataError(f"{path} is empty (0 bytes); wanted a video")
    if _is_text(head):
        raise DataError(f"{path} is text, not a video: it begins with {head[:20].decode(errors='replace')!r}")
    if _is_still(path):
        raise DataError(f"{path} is a picture, not a video; pictures can be copied into a label's folder as they are")


def _is_text(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def _is_still(path: Path) -> bool:
    if path.suffix.lower() in _JPEGS:
        return False
    from PIL import Image

    try:
        with Image.open(path) as image:
            animated = image.format in _ANIMATED and bool(getattr(image, "is_animated", False))
            return image.format != _NO_PICTURE and not animated
    except Exception:  # Pillow's readers raise many kinds; to them it is no picture, and FFmpeg decides
        return False
