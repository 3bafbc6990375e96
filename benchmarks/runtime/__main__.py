"""How fast, how fresh and how steady `edgeship run` is.

folder  The clothing photos of the test part, three times over, with an int8 MobileNetV2 1.0@224: pictures a second against the naive
        loop (Pillow opens and resizes, one LiteRT interpreter with 2 threads), and against the bound: 2 cores / (decode + preprocess +
        invoke of a picture on one core). With MEDIAPIPE_PYTHON, an interpreter that has mediapipe, also against its ImageClassifier.
large   The same with 12-megapixel JPEGs.
live    A camera of 30 frames a second at 1280×720 (MJPEG, served by another process), with its frames' numbers in their pixels: what
        is done beyond decoding, preprocessing and inference; how old the picture really is when its answer is there; and that it
        does not get older where the model is slower than the camera.
memory  10,000 pictures, then frames of that camera for a minute: resident memory of the last quarter against the second, and open
        descriptors.

Rates are compared within a round, which measures each of them once, in alternating order; a ratio is the median over the rounds.
Two cores are used, others left alone; they must be idle.

Usage: python benchmarks/runtime MODEL.tflite [folder] [large] [live] [memory] [--rounds N]    all four, ten rounds, when not said
The data lies in ../shared/data, or where EDGESHIP_DATA says.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # preprocessing.py, which has the pictures

from live import live
from memory import memory
from pictures import CORES, folder, large

from edgeship_runtime.machine import cpu
from edgeship_runtime.terminal import native_output_hidden
from preprocessing import CLOTHING, FRAME

PARTS = ("folder", "large", "live", "memory")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_intermixed_args(arguments)
    if missing := [path for path in (options.model, FRAME, CLOTHING) if not path.exists()]:
        print(f"runtime: {missing[0]} is not there; EDGESHIP_DATA names the folder of the data", file=sys.stderr)
        return 2
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    print(f"machine: {cpu()}, {os.cpu_count()} cores; load before: {os.getloadavg()[0]:.1f}")
    measures: dict[str, Callable[[Path, int], None]] = {
        "folder": folder,
        "large": large,
        "live": live,
        "memory": memory,
    }
    for name in options.parts or PARTS:
        print()
        with native_output_hidden():
            measures[name](options.model, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
