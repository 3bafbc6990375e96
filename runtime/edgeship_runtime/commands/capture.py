"""Make a dataset folder with a camera or a video.

SOURCE is a video file, camera:0, picamera:0, rtsp://… or http://… (MJPEG). Its pictures go to DIR/LABEL/, numbered after those that
are there; nothing is overwritten. Frames that hardly differ from the one kept before are skipped and counted. Ctrl-C ends; what was
written stays.

Capture each label in separate sessions: other objects, places, light, days. Pictures of one clip resemble each other, and where some
are trained on and others tested, accuracy looks better than it is. Best keep whole sessions for testing: DIR may be
flowers/train, flowers/validation or flowers/test.

Example:
  edgeship capture camera:0 flowers/ --label rose
  edgeship capture camera:0 flowers/ --label rose --on-enter
  edgeship capture garden.mp4 flowers/ --label tulip --every 2
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import math
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_json, positive
from edgeship_runtime.terminal import answer, answer_json, counted, say, steps

if TYPE_CHECKING:
    from typing import TypeAlias

    from edgeship_runtime.camera import Camera
    from edgeship_runtime.capturing import Capture, Kept, LabelFolder
    from edgeship_runtime.frames import Frame
    from edgeship_runtime.live.footage import LiveFootage
    from edgeship_runtime.sources.addresses import Live
    from edgeship_runtime.sources.videos import Video
    from edgeship_runtime.video import VideoFile

    Footage: TypeAlias = VideoFile | Camera | LiveFootage

_WANTED = "wanted a video file, camera:0, picamera:0, rtsp://… or http://…"
_EVERY_S = 0.5
_CAMERA_COUNT = 50
_MIN_CHANGE = 2.0  # above noise and flicker, below a shift by 1 % of the width: `capturing.change` has the figures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "source", metavar="SOURCE", help="a video file, camera:0 for /dev/video0, picamera:0, or the URL of a stream"
    )
    parser.add_argument("dataset", metavar="DIR", help="the dataset's folder, or its part; made where it is missing")
    parser.add_argument("--label", required=True, metavar="L", help="what the pictures show; names the folder DIR/L")
    parser.add_argument(
        "--count",
        type=positive,
        metavar="N",
        help=f"stop after N pictures (default: {_CAMERA_COUNT} of a camera, no limit for a video or --on-enter)",
    )
    parser.add_argument(
        "--every",
        type=_not_negative,
        metavar="S",
        help=f"seconds from picture to picture, of a video by its own time (default {_EVERY_S}; 0: each frame)",
    )
    parser.add_argument("--on-enter", action="store_true", help="a picture of the camera each time you press Enter")
    parser.add_argument("--size", type=_size, metavar="WxH", help="pixels of a camera's pictures (default: its own)")
    parser.add_argument(
        "--format", default="jpg", choices=("jpg", "png"), help="jpg (default, quality 95) or png (lossless)"
    )
    parser.add_argument(
        "--min-change",
        type=_not_negative,
        metavar="D",
        help="skip a frame whose 32×32 grey thumbnail differs by less than D levels of 255, on average, from the "
        f"one kept before (default {_MIN_CHANGE:.0f}, with --on-enter 0; 0 keeps all)",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Captures. Exit code 130 after Ctrl-C; then too, the last line says what was written."""
    from edgeship_runtime.capturing import Capture
    from edgeship_runtime.errors import EdgeshipError

    source = _source(options.source)
    _check(options, source)
    _fill_in(options, is_camera=source.is_live)
    capture = Capture(_folder(options), options.format, options.min_change)
    try:
        with contextlib.closing(_opened(source, options.size)) as footage:
            _capture(capture, footage, options)
    except KeyboardInterrupt:
        say(f"interrupted: {_result(capture)}")
        return 130
    except EdgeshipError:
        if capture.kept:
            say(_result(capture))
        raise
    tell = say if options.json else answer
    tell(_result(capture))
    tell(_next_step(capture.folder))
    return 0


def _source(text: str) -> Video | Live:
    """What gives frames.

    Raises:
        DataError: it is something else.
    """
    from pathlib import Path

    from edgeship_runtime.errors import DataError
    from edgeship_runtime.sources import parse
    from edgeship_runtime.sources.videos import Video

    if not Path(text).exists():
        source = parse(text) if ":" in text else None
        if source is None or not source.is_live:
            raise DataError(f"{text} does not exist; {_WANTED}")
        return source
    if Path(text).is_dir():
        raise DataError(f"{text} is a folder; {_WANTED}")
    if not Path(text).is_file():
        raise DataError(f"{text} is no file; {_WANTED}, which is /dev/video0")
    return Video(Path(text))


def _check(options: argparse.Namespace, source: Video | Live) -> None:
    from edgeship_runtime.errors import UsageError

    if not source.is_live and (options.on_enter or options.size):
        option = "--on-enter" if options.on_enter else "--size"
        raise UsageError(f"{option} is for cameras; {options.source} is a file")
    if source.is_live and source.kind in ("rtsp", "http") and options.size:
        raise UsageError(f"--size is for cameras; what {source.name} sends is set in the camera")
    if options.on_enter and options.every is not None:
        raise UsageError("--on-enter and --every contradict each other: either you decide when, or the clock")
    if options.on_enter and not sys.stdin.isatty():
        raise UsageError("--on-enter needs a terminal to press Enter in; without one, use --every")


def _fill_in(options: argparse.Namespace, *, is_camera: bool) -> None:
    """Defaults that depend on the source."""
    if options.every is None:
        options.every = _EVERY_S
    if options.count is None and is_camera and not options.on_enter:
        options.count = _CAMERA_COUNT
    if options.min_change is None:
        options.min_change = 0.0 if options.on_enter else _MIN_CHANGE  # who pressed Enter has decided


def _folder(options: argparse.Namespace) -> LabelFolder:
    from pathlib import Path

    from edgeship_runtime.capturing import LabelFolder
    from edgeship_runtime.errors import DataError, UsageError
    from edgeship_runtime.labelled_folders import load

    try:
        folder = LabelFolder(Path(options.dataset), options.label)
    except ValueError as error:
        raise UsageError(f"--label {error}") from None
    with contextlib.suppress(DataError):  # no dataset yet
        parts = load(folder.dataset).parts
        if "all" not in parts:
            raise UsageError(f"{folder.dataset} is divided into {', '.join(parts)}; name one of these folders as DIR")
    return folder


def _opened(source: Video | Live, size: tuple[int, int] | None) -> Footage:
    if not source.is_live:
        from edgeship_runtime.video import VideoFile

        return VideoFile(source.path)
    if source.kind == "camera":
        from edgeship_runtime.camera import Camera

        return Camera(int(source.address), size or source.size, source.fps)
    from edgeship_runtime.live.footage import LiveFootage

    wanted = dataclasses.replace(source, size=size or source.size)
    return LiveFootage(wanted, lambda name, state, detail: say(f"{name}: {state}{detail and f' ({detail})'}"))


def _capture(capture: Capture, footage: Footage, options: argparse.Namespace) -> None:
    """Offers frames until there are enough, or no more."""
    from edgeship_runtime.capturing import undisturbed

    with _progress(footage, options) as begin:
        for frame in _frames(footage, options):
            with undisturbed():
                kept = capture.offer(frame)
                _tell(kept, frame, options)
            # The bar counts pictures, or frames where no number of pictures was asked for.
            if kept is not None or options.count is None:
                begin(f"{len(capture.kept)} kept, {capture.skipped} unchanged")
            if len(capture.kept) == options.count:
                return


def _frames(footage: Footage, options: argparse.Namespace) -> Iterator[Frame]:
    from edgeship_runtime.video import VideoFile

    if not options.on_enter or isinstance(footage, VideoFile):
        yield from footage.frames(options.every)
        return
    say("Enter takes a picture, Ctrl-D ends")
    while sys.stdin.readline():
        yield footage.latest()


def _progress(
    footage: Footage, options: argparse.Namespace
) -> contextlib.AbstractContextManager[Callable[[str], None]]:
    if options.on_enter:
        return contextlib.nullcontext(lambda _: None)
    return steps(options.count or footage.expected_frames(options.every) or 0)


def _tell(kept: Kept | None, frame: Frame, options: argparse.Namespace) -> None:
    """A line for a picture, where somebody waits for it."""
    if kept is not None and options.json:
        answer_json(
            {
                "path": str(kept.path),
                "label": options.label,
                "source": frame.source,
                "frame": frame.index,
                "position_s": None if frame.position_s is None else round(frame.position_s, 3),
                "captured_at": None if frame.captured_at is None else round(frame.captured_at, 3),
                "change": None if kept.change is None else round(kept.change, 2),
            }
        )
    elif options.on_enter:
        say("skipped: it hardly differs from the one before" if kept is None else str(kept.path))


def _result(capture: Capture) -> str:
    skipped = f"; skipped {capture.skipped:,} that hardly differed from the one before" if capture.skipped else ""
    if not capture.kept:
        return f"no picture was written to {capture.folder.path}{skipped}"
    first, last = capture.kept[0].name, capture.kept[-1].name
    names = first if len(capture.kept) == 1 else f"{first} to {last}"
    return f"wrote {counted(len(capture.kept), 'picture')} to {capture.folder.path} ({names}){skipped}"


def _next_step(folder: LabelFolder) -> str:
    """What to do with the dataset as it is now, read as `train` will read it."""
    import shlex

    from edgeship_runtime.errors import DataError
    from edgeship_runtime.labelled_folders import PARTS, load

    top = folder.dataset.resolve()
    dataset = folder.dataset.parent if top.name.lower() in PARTS else folder.dataset
    try:
        parts = load(dataset).parts
    except DataError as error:
        return f"before training: {error}"
    labels = {picture.label for part in parts.values() for picture in part}
    if len(labels) < 2:
        return f"next: another --label; to train, {dataset} needs pictures of two labels or more"
    return f"next: edgeship train {shlex.quote(str(dataset))} --out {shlex.quote(dataset.resolve().name)}.keras"


def _not_negative(text: str) -> float:
    """A number of at least 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not (0 <= value < math.inf):
        raise argparse.ArgumentTypeError(f"wanted a number of at least 0, received {text!r}")
    return value


def _size(text: str) -> tuple[int, int]:
    """Width and height in pixels, for argparse."""
    width, _, height = text.lower().replace("×", "x").partition("x")
    try:
        return positive(width), positive(height)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"wanted WIDTHxHEIGHT, such as 640x480, received {text!r}") from None
