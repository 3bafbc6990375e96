"""Films whose frames are told apart: each has its number written on it, as eight dark or bright fields."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

RATE = 30
_BITS = 8


def film(path: Path, size: tuple[int, int], numbers: range, *, b_frames: int = 0) -> Path:
    """H.264 in MP4 by FFmpeg's program, with a key frame each second. Skips the test where that is not installed."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg here; .ci/run names the Debian packages")
    width, height = size
    taken = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", str(RATE), "-i", "-"]
    coded = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", str(RATE), "-bf", str(b_frames)]
    regular = ["-b_strategy", "0", "-x264-params", "scenecut=0"]  # B-frames also where the encoder sees no use for them
    command = ["ffmpeg", "-v", "error", *taken, *coded, *regular, str(path)]
    frames = b"".join(_frame(size, number).tobytes() for number in numbers)
    done = subprocess.run(command, input=frames, capture_output=True, check=False)
    if b"Unknown encoder" in done.stderr:
        pytest.skip("this ffmpeg has no libx264")
    assert done.returncode == 0, done.stderr
    return path


def number(pixels: NDArray[np.uint8]) -> int:
    """What is written on a frame."""
    height, width = pixels.shape[:2]
    middles = [(2 * bit + 1) * width // (2 * _BITS) for bit in range(_BITS)]
    return sum(int(pixels[: height // 4, at - 4 : at + 4].mean() > 128) << bit for bit, at in enumerate(middles))


def _frame(size: tuple[int, int], number: int) -> NDArray[np.uint8]:
    width, height = size
    frame = np.full((height, width), 128, np.uint8)
    frame[height // 2 :, number * 4 % width :] = 60  # something moves
    for bit in range(_BITS):
        frame[: height // 3, bit * width // _BITS : (bit + 1) * width // _BITS] = 220 if number >> bit & 1 else 30
    return frame
