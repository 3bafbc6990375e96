"""Sources: what SOURCE on the command line stands for. One grammar, for every verb that takes one.

photo.jpg  photos/  'photos/*.jpg'  -      pictures: a file, a folder, a glob, a list of paths on stdin
clip.mp4                                   a video file
camera:0  camera:0?size=1280x720&fps=15    a V4L2 device, /dev/video0
picamera:0                                 a Raspberry Pi's own camera, through picamera2
rtsp://USER:PASSWORD@HOST/PATH             a network camera
http://HOST/PATH                           a network camera that sends MJPEG (https:// too)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from edgeship_runtime.errors import DataError
from edgeship_runtime.files import reason
from edgeship_runtime.pictures import SUFFIXES
from edgeship_runtime.sources.addresses import redacted
from edgeship_runtime.sources.listing import Pictures

if TYPE_CHECKING:
    from edgeship_runtime.sources.addresses import Live
    from edgeship_runtime.sources.videos import Video

Ending: TypeAlias = "Pictures | Video"
Source: TypeAlias = "Ending | Live"

_WANTED = "wanted a picture, a folder, a glob, a video, -, camera:0, picamera:0, rtsp://… or http://…"


def parse(text: str) -> Source:
    """What a SOURCE stands for. Nothing is opened, but that a file or folder is there is seen to.

    Raises:
        DataError: it is none, or there is no such file; passwords are not repeated.
    """
    kind, colon, rest = text.partition(":")
    if not text:  # "$CAMERA", which nobody has set
        raise DataError(f"a SOURCE is empty; {_WANTED}")
    if text == "-":
        return Pictures(text)
    if colon and kind in ("camera", "picamera"):
        from edgeship_runtime.sources.addresses import camera

        return camera(kind, rest)
    if "://" in text:
        from edgeship_runtime.sources.addresses import stream

        return stream(text)
    try:
        return _of_file(text, Path(text), is_live=kind in ("rtsp", "http", "https"))
    except OSError as error:  # a folder that may not be entered, a name that is too long
        raise DataError(f"{redacted(text)}: {reason(error)}") from None


def _of_file(text: str, path: Path, *, is_live: bool) -> Ending:
    if path.suffix.lower() not in SUFFIXES and path.is_file():
        from edgeship_runtime.sources.videos import Video
        from edgeship_runtime.video import looks_like_video

        return Video(path) if looks_like_video(path) else Pictures(text)
    is_pattern = any(sign in text for sign in "*?[") and not is_live  # rather a slip such as rtsp:/h/x?n=1
    if path.exists() or is_pattern:
        return Pictures(text)
    raise DataError(f"{redacted(text)} does not exist; {_WANTED}")
