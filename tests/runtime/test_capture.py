"""`capture` makes a dataset folder: the right frames, in the right colours, numbered, nothing overwritten, nothing lost."""

from __future__ import annotations

import errno
import grp
import json
import os
import signal
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from edgeship_runtime import camera as camera_module
from edgeship_runtime.camera import Camera
from edgeship_runtime.capturing import LabelFolder, change, thumbnail
from edgeship_runtime.errors import DataError, MissingExtraError
from edgeship_runtime.frames import Frame
from edgeship_runtime.video import VideoFile
from edgeship_runtime.video_size import stated_bytes
from making import Result, Run

RED, GREEN, BLUE = (220, 30, 40), (30, 200, 50), (20, 60, 230)
CODECS = {".avi": "MJPG", ".mp4": "mp4v", ".mov": "mp4v", ".mkv": "MJPG", ".webm": "VP80"}
COMMAND = [sys.executable, "-m", "edgeship_runtime.cli", "capture"]

Pixels = NDArray[np.uint8]


def film(path: Path, pictures: list[Pixels], rate: float = 10.0, codec: str = "") -> Path:
    """A video of RGB pictures, written by OpenCV."""
    height, width = pictures[0].shape[:2]
    code = cv2.VideoWriter.fourcc(*(codec or CODECS[path.suffix]))
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, rate, (width, height))
    assert writer.isOpened()
    for picture in pictures:
        writer.write(np.ascontiguousarray(picture[..., ::-1]))
    writer.release()
    return path


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> Pixels:
    return np.full((size[1], size[0], 3), colour, np.uint8)


def counting(count: int) -> list[Pixels]:
    """Grey pictures, each ten levels brighter than the one before: the level tells the frame's number."""
    return [plain((10 * index + 5,) * 3) for index in range(count)]


def number_of(picture: Path | Pixels) -> int:
    pixels = np.asarray(Image.open(picture)) if isinstance(picture, Path) else picture
    return round((float(pixels.mean()) - 5) / 10)


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def usage_error(result: Result) -> str:
    assert (result.code, result.out) == (2, "")
    return result.err


# A video


def test_a_real_video_becomes_numbered_pictures(shared_data: Path, run: Run, tmp_path: Path) -> None:
    video = shared_data / "video" / "realshort.mp4"

    result = run("capture", video, tmp_path / "toys", "--label", "doll", "--every", 0, "--min-change", 0)

    folder = tmp_path / "toys" / "doll"
    assert result.code == 0
    assert names(folder) == [f"{number:05}.jpg" for number in range(1, 37)]
    assert "wrote 36 pictures" in result.out
    with Image.open(folder / "00001.jpg") as picture:
        assert picture.size == (320, 240)
        assert JpegImagePlugin.get_sampling(picture) == 0  # 4:4:4


def test_an_animation_is_a_video_too(shared_data: Path, run: Run, tmp_path: Path) -> None:
    result = run("capture", shared_data / "video" / "newtonscradle.gif", tmp_path, "--label", "cradle", "--every", 0)

    written = len(names(tmp_path / "cradle"))
    assert 1 <= written < 36  # the balls are small: few frames differ
    assert f"skipped {36 - written} " in result.out


@pytest.mark.parametrize("suffix", CODECS)
def test_every_frame_comes_once_and_in_order(tmp_path: Path, suffix: str) -> None:
    video = film(tmp_path / f"v{suffix}", counting(24))

    frames = list(VideoFile(video).frames())

    assert [frame.index for frame in frames] == list(range(24))
    assert [number_of(frame.pixels) for frame in frames] == list(range(24))
    assert [frame.position_s for frame in frames] == pytest.approx([index / 10 for index in range(24)], abs=0.001)
    assert {frame.source for frame in frames} == {str(video)}


@pytest.mark.parametrize("suffix", CODECS)
def test_colours_are_in_rgb_order(run: Run, tmp_path: Path, suffix: str) -> None:
    video = film(tmp_path / f"v{suffix}", [plain(RED), plain(GREEN), plain(BLUE)])

    run("capture", video, tmp_path, "--label", "x", "--every", 0, "--format", "png", "--min-change", 0)

    for path, colour in zip(sorted((tmp_path / "x").iterdir()), (RED, GREEN, BLUE), strict=True):
        assert np.abs(np.asarray(Image.open(path)).mean((0, 1)) - colour).max() < 8


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("0.5", [0, 5, 10, 15, 20]),
        ("0.25", [0, 3, 5, 8, 10, 13, 15, 18, 20, 23]),
        ("0.3", [0, 3, 6, 9, 12, 15, 18, 21]),
        ("0.1", list(range(24))),
        ("0.01", list(range(24))),
        ("60", [0]),
    ],
)
@pytest.mark.parametrize("suffix", [".avi", ".mkv"])
def test_seconds_are_those_of_the_video(run: Run, tmp_path: Path, suffix: str, every: str, expected: list[int]) -> None:
    video = film(tmp_path / f"v{suffix}", counting(24))

    run("capture", video, tmp_path, "--label", "x", "--every", every)

    assert [number_of(path) for path in sorted((tmp_path / "x").iterdir())] == expected


def test_as_many_pictures_as_are_asked_for(run: Run, tmp_path: Path) -> None:
    video = film(tmp_path / "v.avi", counting(24))

    result = run("capture", video, tmp_path, "--label", "x", "--every", 0, "--count", 7)

    assert [number_of(path) for path in sorted((tmp_path / "x").iterdir())] == list(range(7))
    assert "wrote 7 pictures" in result.out


def test_a_phone_held_sideways_gives_upright_pictures(shared_data: Path, tmp_path: Path) -> None:
    """The same video with 90° in the matrix of its track header (tkhd, ISO/IEC 14496-12), as phones write it."""
    original = shared_data / "video" / "realshort.mp4"
    data = bytearray(original.read_bytes())
    matrix = data.index(b"tkhd") + 44
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 240 << 16, 0, 1 << 30)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(data)

    upright = next(VideoFile(turned).frames())
    flat = next(VideoFile(original).frames())

    assert upright.pixels.shape == (320, 240, 3)
    assert np.array_equal(upright.pixels, np.rot90(flat.pixels, -1))


def test_names_that_ffmpeg_would_take_for_an_address_or_a_pattern_are_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = film(tmp_path / "v.avi", counting(3))
    monkeypatch.chdir(tmp_path)
    for name in ("http:v.avi", "concat:a|b.avi", "frame%02d.avi", "-x.avi", "ü.avi"):
        Path(name).write_bytes(video.read_bytes())
        assert len(list(VideoFile(Path(name)).frames())) == 3


def test_frames_say_what_they_are() -> None:
    with pytest.raises(ValueError, match="RGB uint8, H×W×3; received float64"):
        Frame(np.zeros((4, 4, 3)), "x", 0, position_s=0.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"shape \(4, 4\)"):
        Frame(np.zeros((4, 4), np.uint8), "x", 0, position_s=0.0)
    with pytest.raises(ValueError, match="captured_at or position_s"):
        Frame(np.zeros((4, 4, 3), np.uint8), "x", 0)


# What is kept


def test_frames_that_hardly_change_are_skipped_and_counted(run: Run, tmp_path: Path) -> None:
    """A still scene with the noise of a sensor, then another one."""
    random = np.random.default_rng(0)

    def noisy(level: int) -> Pixels:
        return np.clip(level + random.normal(0, 8, (240, 320, 3)), 0, 255).astype(np.uint8)

    video = film(tmp_path / "v.avi", [noisy(90) for _ in range(10)] + [noisy(140) for _ in range(10)])

    result = run("capture", video, tmp_path, "--label", "x", "--every", 0)
    everything = run("capture", video, tmp_path, "--label", "y", "--every", 0, "--min-change", 0)

    assert len(names(tmp_path / "x")) == 2
    assert "wrote 2 pictures" in result.out
    assert "skipped 18 that hardly differed" in result.out
    assert len(names(tmp_path / "y")) == 20
    assert "skipped" not in everything.out


def test_change_is_the_mean_difference_in_levels() -> None:
    dark, light = (thumbnail(Image.new("RGB", (320, 240), (level,) * 3)) for level in (10, 30))
    half = Image.new("RGB", (320, 240), (10, 10, 10))
    half.paste((30, 30, 30), (0, 0, 160, 240))

    assert change(dark, light) == change(light, dark) == 20
    assert change(dark, dark) == 0
    assert change(dark, thumbnail(half)) == 10


def test_numbers_go_on_after_the_highest_one_there(run: Run, tmp_path: Path) -> None:
    video = film(tmp_path / "v.avi", counting(3))
    folder = tmp_path / "x"
    folder.mkdir()
    for name in ("00007.png", "3.jpg", "IMG_0099.jpg", "notes.txt", "٤٢.jpg"):
        (folder / name).write_bytes(b"mine")

    run("capture", video, tmp_path, "--label", "x", "--every", 0)
    run("capture", video, tmp_path, "--label", "x", "--every", 0, "--format", "png")

    added = [*(f"{n:05}.jpg" for n in (8, 9, 10)), *(f"{n:05}.png" for n in (11, 12, 13))]
    assert {name for name in names(folder) if (folder / name).read_bytes() != b"mine"} == set(added)
    assert len(names(folder)) == 5 + 6


def test_captures_into_one_label_at_the_same_time_do_not_take_each_others_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow disk, so that all of them would look for a number while another one writes."""
    folder = LabelFolder(tmp_path, "x")
    monkeypatch.setattr(os, "fsync", lambda _: sleep(0.002))
    contents = [str(number).encode() for number in range(40)]

    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda data: folder.add(data, ".jpg"), contents))

    assert [path.read_bytes() for path in paths] == contents
    assert names(tmp_path / "x") == [f"{number:05}.jpg" for number in range(1, 41)]


def test_json_is_a_line_for_each_picture(run: Run, tmp_path: Path) -> None:
    video = film(tmp_path / "v.avi", counting(6))

    result = run("capture", video, tmp_path, "--label", "x", "--every", "0.2", "--json")

    assert [list(line) for line in result.lines()] == 3 * [  # type: ignore[call-overload]
        ["path", "label", "source", "frame", "position_s", "captured_at", "change"]
    ]
    assert result.lines()[1] == {
        "path": str(tmp_path / "x" / "00002.jpg"),
        "label": "x",
        "source": str(video),
        "frame": 2,
        "position_s": 0.2,
        "captured_at": None,
        "change": pytest.approx(20, abs=1),
    }
    assert "wrote 3 pictures" in result.err


# The folder


@pytest.mark.parametrize(
    "label", ["", " ", "a/b", "../up", "a\\b", ".hidden", "two\nlines", "tab\t", "\udcff", "Train", "val", "test", " x"]
)
def test_a_name_that_cannot_be_a_label_is_refused_before_anything_is_made(run: Run, tmp_path: Path, label: str) -> None:
    video = film(tmp_path / "v.avi", counting(2))

    message = usage_error(run("capture", video, tmp_path / "data", "--label", label))

    assert "cannot be a label" in message
    assert len(message.splitlines()) == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("label", ["rose", "Rosa × alba", "tests", "00012", "naïve", "-x", "a.b"])
def test_other_names_can(tmp_path: Path, label: str) -> None:
    assert LabelFolder(tmp_path, label).path == tmp_path / label


def test_the_next_step_is_training_once_there_are_two_labels(run: Run, tmp_path: Path) -> None:
    video = film(tmp_path / "v.avi", counting(2))
    data = tmp_path / "my flowers"

    first = run("capture", video, data, "--label", "rose", "--every", 0)
    second = run("capture", video, data, "--label", "tulip", "--every", 0)

    assert "two labels or more" in first.out.splitlines()[-1]
    assert second.out.splitlines()[-1] == f"next: edgeship train '{data}' --out 'my flowers'.keras"


def test_a_dataset_in_parts_takes_pictures_in_a_part_only(run: Run, tmp_path: Path) -> None:
    video = film(tmp_path / "v.avi", counting(2))
    data = tmp_path / "flowers"

    for part, label in (("train", "rose"), ("train", "tulip"), ("test", "rose")):
        last = run("capture", video, data / part, "--label", label, "--every", 0)
    refused = usage_error(run("capture", video, data, "--label", "rose"))

    assert last.out.splitlines()[-1] == f"next: edgeship train {data} --out flowers.keras"
    assert "divided into test, train" in refused
    assert names(data) == ["test", "train"]


def test_a_label_that_is_a_file_is_one_line(run: Run, tmp_path: Path) -> None:
    video = film(tmp_path / "v.avi", counting(2))
    (tmp_path / "x").write_text("in the way")

    assert "x: file exists" in run("capture", video, tmp_path, "--label", "x").one_line_error()


def test_a_full_disk_is_one_line_and_pictures_before_it_stay(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system call that meets a full disk is simulated: it fails as write(2) does, for the third file."""
    video = film(tmp_path / "v.avi", counting(5))
    real, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 5:  # a picture is one for the file and one for its folder
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)

    result = run("capture", video, tmp_path, "--label", "x", "--every", 0)

    assert "the disk is full" in result.one_line_error()
    assert "wrote 2 pictures" in result.err
    assert names(tmp_path / "x") == ["00001.jpg", "00002.jpg"]


# What is no video


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("v.mp4", b"hello, this is no video\n" * 99, "is text, not a video"),
        ("v.txt", "bahnhöfe\n".encode() * 99, "is text, not a video"),  # FFmpeg would play it as an old terminal would
        ("v.avi", b"", "is empty (0 bytes)"),
        ("v.mkv", bytes(range(256)) * 9, "no video that OpenCV can read"),
    ],
)
def test_a_file_that_is_no_video_is_one_line(run: Run, tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)

    assert words in run("capture", tmp_path / name, tmp_path, "--label", "x").one_line_error()
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "webp", "bmp", "tiff", "mpo"])
def test_a_picture_is_no_video_whatever_its_name(run: Run, tmp_path: Path, kind: str) -> None:
    second = [Image.new("RGB", (64, 48), BLUE)] if kind == "mpo" else []  # what phones write for two lenses
    more: dict[str, Any] = {"save_all": True, "append_images": second} if second else {}
    Image.new("RGB", (64, 48), RED).save(tmp_path / "v.mp4", kind, **more)

    line = run("capture", tmp_path / "v.mp4", tmp_path, "--label", "x").one_line_error()

    assert "is a picture, not a video" in line


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nothing.mp4", "does not exist; wanted a video file, camera:0"),
        (".", "is a folder"),
        ("/dev/null", "is no file"),
        ("camera:", "number of a camera"),
        ("camera:front", "number of a camera"),
        ("camera:-1", "number of a camera"),
        ("rtsp://me:secret@127.0.0.1:9/live", "rtsp://me:***@127.0.0.1:9/live: connection refused"),
        ("ftp://me:secret@host/live", "ftp:// cannot be read"),
    ],
)
def test_a_source_that_gives_no_frames_is_one_line(run: Run, tmp_path: Path, source: str, words: str) -> None:
    line = run("capture", source, tmp_path, "--label", "x").one_line_error()

    assert words in line
    assert "secret" not in line


def test_a_name_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    video = film(tmp_path / "v.avi", counting(2)).rename(tmp_path / os.fsdecode(b"\xff\xfe.avi"))
    command = [*COMMAND, str(video), str(tmp_path), "--label", "x"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1  # OpenCV itself crashes on such a name
    assert "rename it" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# A video that is cut short


def test_of_a_video_that_is_cut_short_the_whole_frames_are_kept(run: Run, tmp_path: Path) -> None:
    """FFmpeg gives the cut frame too, with its lower part missing."""
    random = np.random.default_rng(0)
    whole = film(tmp_path / "v.avi", [random.integers(0, 256, (48, 64, 3), np.uint8) for _ in range(20)])
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])

    result = run("capture", cut, tmp_path, "--label", "x", "--every", 0, "--min-change", 0, "--format", "png")

    line = result.one_line_error()
    assert "cut short" in line
    assert f"{whole.stat().st_size - cut.stat().st_size:,} bytes or more are missing" in line
    kept = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "x").iterdir())]
    assert 8 <= len(kept) <= 12
    assert f"wrote {len(kept)} pictures" in result.err
    for picture, frame in zip(kept, VideoFile(whole).frames(), strict=False):
        assert np.array_equal(picture, frame.pixels)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_video_whose_index_at_the_end_is_missing_is_one_line(run: Run, tmp_path: Path, suffix: str) -> None:
    whole = film(tmp_path / f"v{suffix}", counting(20))
    whole.write_bytes(whole.read_bytes()[:-900])

    line = run("capture", whole, tmp_path, "--label", "x").one_line_error()

    assert "are missing at its end; nothing of it can be read" in line


@pytest.mark.parametrize("suffix", CODECS)
def test_containers_state_their_length_and_keep_to_it_when_cut(tmp_path: Path, suffix: str) -> None:
    video = film(tmp_path / f"v{suffix}", counting(20))
    data = video.read_bytes()

    assert stated_bytes(video) == len(data)
    for kept in (len(data) - 1, len(data) * 3 // 4, len(data) // 2):
        video.write_bytes(data[:kept])
        assert (stated_bytes(video) or 0) > kept


@pytest.mark.parametrize(("suffix", "code"), [(".ts", "MPG2"), (".mjpeg", "MJPG")])
def test_a_stream_that_ends_in_the_middle_of_something_is_cut_short(tmp_path: Path, suffix: str, code: str) -> None:
    video = film(tmp_path / f"v{suffix}", counting(20), 25.0, code)
    data = video.read_bytes()
    whole = [number_of(frame.pixels) for frame in VideoFile(video).frames()]
    video.write_bytes(data[: len(data) * 3 // 4 + 1])

    kept = []
    with pytest.raises(DataError, match="cut short"):
        kept.extend(frame.index for frame in VideoFile(video).frames())

    assert whole == list(range(20))
    assert stated_bytes(video) != len(data)
    assert 0 < len(kept) < 20
    assert kept == list(range(len(kept)))


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_frames_that_are_lost_to_damage_are_told(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    video = film(tmp_path / f"v{suffix}", [random.integers(0, 256, (48, 64, 3), np.uint8) for _ in range(20)])
    data = bytearray(video.read_bytes())
    data[len(data) // 2 : len(data) * 3 // 4] = bytes(len(data) * 3 // 4 - len(data) // 2)
    video.write_bytes(data)

    count = len(list(VideoFile(video).frames()))

    assert 0 < count < 20
    assert f"{count} of its 20 frames could be decoded" in capsys.readouterr().err


def test_what_follows_a_video_is_no_harm(tmp_path: Path) -> None:
    video = film(tmp_path / "v.mp4", counting(4))
    with video.open("ab") as stream:
        stream.write(b"a camera's own notes, which are no box")

    assert stated_bytes(video) is None
    assert len(list(VideoFile(video).frames())) == 4


@given(
    st.sampled_from([b"\0\0\0\x08ftyp", b"RIFF\x04\0\0\0", b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67", b""]), st.binary()
)
def test_no_bytes_confuse_the_reader_of_lengths(tmp_path_factory: Any, head: bytes, rest: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "lengths"
    path.write_bytes(head + rest)

    stated = stated_bytes(path)

    assert stated is None or stated > 0


# A camera. None can be opened where tests run, so a fake stands in for cv2.VideoCapture.


class Clock:
    """Seconds since the machine started, which pass when something waits."""

    def __init__(self) -> None:
        self.now = 5000.0


class FakeCamera:
    """Does what OpenCV documents of cv2.VideoCapture, and what its V4L2 source does with frames that nobody takes.

    A frame is exposed each 1/10 second, and stamped with the monotonic clock, in milliseconds, as that begins
    (CAP_PROP_POS_MSEC). Up to four wait in a queue, further ones are lost; grab() takes the oldest, or waits for the next.
    Every picture is the same.
    """

    def __init__(self, clock: Clock, *, frames: int = 10**9, stamps: Callable[[float], float] = lambda s: s) -> None:
        self.clock, self.left, self.stamps = clock, frames, stamps
        self.queue: deque[float] = deque()
        self.taken_at = self.exposing = clock.now
        self.size = {cv2.CAP_PROP_FRAME_WIDTH: 64.0, cv2.CAP_PROP_FRAME_HEIGHT: 48.0}
        self.sizes = [(64, 48), (32, 24)]
        self.released = False
        self.damaged = 0

    def __call__(self, number: int, backend: int) -> FakeCamera:
        assert (number, backend) == (0, cv2.CAP_V4L2)
        return self

    def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
        return True

    def grab(self) -> bool:
        self.left -= 1
        if self.left < 0:
            return False
        if not self.queue:
            self.clock.now = max(self.clock.now, self.exposing + 0.1)
        while self.exposing + 0.1 <= self.clock.now:
            if len(self.queue) < 4:
                self.queue.append(self.exposing)
            self.exposing += 0.1
        self.taken_at = self.queue.popleft()
        return True

    def retrieve(self) -> tuple[bool, Pixels | None]:
        if self.damaged:
            self.damaged -= 1
            return False, None
        width, height = (int(side) for side in self.size.values())
        return True, plain(BLUE, (width, height))

    def get(self, what: int) -> float:
        return self.stamps(self.taken_at) * 1000 if what == cv2.CAP_PROP_POS_MSEC else self.size[what]

    def set(self, what: int, value: float) -> bool:
        if what == cv2.CAP_PROP_FOURCC:  # it has no MJPEG
            return False
        wanted = {**self.size, what: value}
        if what == cv2.CAP_PROP_FRAME_HEIGHT and tuple(wanted.values()) not in self.sizes:
            return False
        self.size = wanted
        return True

    def release(self) -> None:
        self.released = True


Install = Callable[..., FakeCamera]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(camera_module, "monotonic", lambda: clock.now)
    monkeypatch.setattr(camera_module, "time", lambda: clock.now + 1_700_000_000)
    return clock


@pytest.fixture
def install(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Install:
    def install(**options: Any) -> FakeCamera:
        fake = FakeCamera(clock, **options)
        monkeypatch.setattr(cv2, "VideoCapture", fake)
        return fake

    return install


@pytest.mark.parametrize(
    "stamps",
    [lambda s: s, lambda _: 0.0, lambda s: s + 1e9, lambda s: s - 3],
    ids=["right", "none", "of another clock", "late"],
)
@pytest.mark.parametrize("pause", [0.0, 0.05, 0.25, 10.0])
def test_a_frame_is_never_older_than_the_moment_it_was_asked_for(
    clock: Clock, install: Install, pause: float, stamps: Callable[[float], float]
) -> None:
    """With a fake camera: with a sound stamp, without one, and with those of other clocks; while nobody reads, frames queue."""
    fake = install(stamps=stamps)
    camera = Camera(0)
    for _ in range(5):
        clock.now += pause
        asked = clock.now

        frame = camera.latest()

        assert fake.taken_at >= asked
        assert frame.captured_at == pytest.approx(fake.taken_at + 1_700_000_000, abs=0.101)
        assert frame.source == "camera:0"
        assert frame.position_s is None


def test_a_sound_stamp_saves_waiting(clock: Clock, install: Install) -> None:
    """With a fake camera: a fresh frame comes within two frame times, four old ones before it or not."""
    install()
    camera = Camera(0)
    clock.now += 10
    asked = clock.now

    camera.latest()

    assert clock.now - asked <= 0.2


def test_a_camera_settles_before_its_first_frame(clock: Clock, install: Install) -> None:
    """With a fake camera."""
    install()

    frame = Camera(0).latest()

    assert frame.captured_at is not None
    assert frame.captured_at - 1_700_005_000 >= 1.0


def test_pictures_of_a_camera_are_so_many_seconds_apart(run: Run, install: Install, tmp_path: Path) -> None:
    """With a fake camera. It gives fifty pictures unless told otherwise, and is let go at the end."""
    fake = install()

    result = run("capture", "camera:0", tmp_path, "--label", "x", "--json", "--min-change", 0)

    times = [line["captured_at"] for line in result.lines()]  # type: ignore[index]
    gaps = np.diff(times)
    assert len(times) == 50
    assert gaps.min() >= 0.499  # times are told in milliseconds
    assert gaps.max() <= 0.7
    assert all(line["position_s"] is None for line in result.lines())  # type: ignore[index]
    assert fake.released


def test_a_camera_that_is_unplugged_is_one_line_and_pictures_stay(run: Run, install: Install, tmp_path: Path) -> None:
    """With a fake camera, whose grab() fails after 30 frames."""
    fake = install(frames=30)

    result = run("capture", "camera:0", tmp_path, "--label", "x", "--min-change", 0)

    assert "camera:0 gives no picture" in result.one_line_error()
    assert f"wrote {len(names(tmp_path / 'x'))} pictures" in result.err
    assert fake.released


def test_a_damaged_frame_is_passed_over_and_many_are_an_error(install: Install) -> None:
    """With a fake camera, whose retrieve() fails as for a JPEG that lost bytes on its way."""
    fake = install()
    camera = Camera(0)

    fake.damaged = 2
    assert camera.latest().pixels.shape == (48, 64, 3)
    fake.damaged = 99
    with pytest.raises(DataError, match="5 frames in a row were damaged"):
        camera.latest()


def test_a_size_is_what_was_asked_for_or_an_error(run: Run, install: Install, tmp_path: Path) -> None:
    """With a fake camera."""
    install()
    small = run("capture", "camera:0", tmp_path, "--label", "x", "--size", "32x24", "--count", 1)
    fake = install()
    large = run("capture", "camera:0", tmp_path, "--label", "x", "--size", "1920x1080")

    assert small.code == 0
    assert np.asarray(Image.open(tmp_path / "x" / "00001.jpg")).shape == (24, 32, 3)
    assert "instead of 1920x1080" in large.one_line_error()
    assert fake.released


class Keys:
    """A terminal at which somebody presses Enter so many times, minutes apart, then Ctrl-D."""

    def __init__(self, clock: Clock, presses: int) -> None:
        self.clock, self.presses = clock, presses
        self.pressed_at: list[float] = []

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        if len(self.pressed_at) == self.presses:
            return ""
        self.clock.now += 60
        self.pressed_at.append(self.clock.now)
        return "\n"


def test_enter_takes_a_picture_of_that_moment(
    run: Run, clock: Clock, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a fake camera and a fake keyboard. Who presses Enter gets a picture, though all of them are the same here."""
    install()
    keys = Keys(clock, 3)
    monkeypatch.setattr(sys, "stdin", keys)

    result = run("capture", "camera:0", tmp_path, "--label", "x", "--on-enter", "--json")

    times = [line["captured_at"] - 1_700_000_000 for line in result.lines()]  # type: ignore[index]
    assert result.code == 0
    assert all(-0.001 <= taken - pressed <= 0.2 for taken, pressed in zip(times, keys.pressed_at, strict=True))
    assert names(tmp_path / "x") == ["00001.jpg", "00002.jpg", "00003.jpg"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["camera:0", "--on-enter"], "needs a terminal"),
        (["camera:0", "--on-enter", "--every", "1"], "contradict"),
        (["v.avi", "--on-enter"], "--on-enter is for cameras"),
        (["v.avi", "--size", "640x480"], "--size is for cameras"),
        (["v.avi", "--size", "640"], "wanted WIDTHxHEIGHT"),
        (["v.avi", "--every", "-1"], "at least 0"),
        (["v.avi", "--every", "nan"], "at least 0"),
        (["v.avi", "--min-change", "x"], "at least 0"),
        (["v.avi", "--count", "0"], "at least 1"),
    ],
)
def test_options_that_cannot_be_are_usage(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    film(tmp_path / "v.avi", counting(2))
    monkeypatch.chdir(tmp_path)

    assert words in usage_error(run("capture", *options, "data", "--label", "x"))


def test_a_camera_that_is_not_there_is_one_line(run: Run, tmp_path: Path) -> None:
    line = run("capture", "camera:97", tmp_path / "data", "--label", "x").one_line_error()

    assert "camera:97: there is no /dev/video97" in line
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "sudo usermod -aG video $USER"),
        (errno.EBUSY, "another program uses it (fuser /dev/video97)"),
        (errno.EIO, "/dev/video97: input/output error"),
    ],
)
def test_a_camera_that_cannot_be_opened_is_told_why(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    """OpenCV really fails here; what the system says about the device is simulated."""
    real = os.open

    def refused(path: Any, *rest: Any, **more: Any) -> int:
        if str(path) == "/dev/video97":
            raise OSError(number, os.strerror(number))
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", refused)

    assert words in run("capture", "camera:97", tmp_path, "--label", "x").one_line_error()


def test_who_may_not_open_a_camera_is_told_the_group_that_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path / "video0"
    device.touch()
    own = grp.getgrgid(os.getgid())
    group = next(item for item in grp.getgrall() if item.gr_gid) if os.getuid() == 0 else own
    os.chown(device, -1, group.gr_gid)

    def refused(*_: Any, **__: Any) -> int:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(os, "open", refused)

    assert f"join the group {group.gr_name} and log in again" in camera_module._why_not(device)


# The process


def test_ctrl_c_keeps_what_was_written_and_counts_it(tmp_path: Path) -> None:
    video = film(tmp_path / "v.avi", counting(20) * 100)
    command = [*COMMAND, str(video), str(tmp_path), "--label", "x", "--every", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        told = [child.stdout.readline() for _ in range(5)]
        os.kill(child.pid, signal.SIGINT)
        told += child.stdout.readlines()
        errors = child.stderr.read().splitlines()

    assert child.returncode == 130
    assert len(errors) == 1
    assert errors[0].startswith(f"interrupted: wrote {len(told)} pictures")
    assert [Path(json.loads(line)["path"]).name for line in told] == names(tmp_path / "x")
    assert len(told) < 2000


def test_ctrl_c_while_a_picture_is_being_written_waits_for_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes when the second file has its name, and its folder is not yet on the disk."""
    video = film(tmp_path / "v.avi", counting(9))
    real, calls = os.fsync, []

    def interrupted(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGINT)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", interrupted)

    result = run("capture", video, tmp_path, "--label", "x", "--every", 0, "--json")

    assert result.code == 130
    assert result.err.startswith("interrupted: wrote 2 pictures")
    assert len(result.lines()) == len(names(tmp_path / "x")) == 2


def test_without_opencv_there_is_an_install_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = film(tmp_path / "v.avi", counting(2))
    monkeypatch.setitem(sys.modules, "cv2", None)

    assert "pip install 'edgeship[camera]'" in run("capture", video, tmp_path, "--label", "x").one_line_error()
    with pytest.raises(MissingExtraError, match=r"pip install 'edgeship\[camera\]'"):
        VideoFile(video)


@pytest.mark.parametrize("arguments", [["--help"], ["capture", "--help"]])
def test_help_imports_neither_arrays_nor_opencv(arguments: list[str]) -> None:
    code = (
        "import sys; import edgeship_runtime; from edgeship_runtime.cli import main; assert main(sys.argv[1:]) == 0; "
        "heavy = {'numpy', 'PIL', 'cv2'} & set(sys.modules); assert not heavy, heavy"
    )

    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
