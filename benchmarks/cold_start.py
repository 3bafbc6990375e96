"""What edgeship adds to the first answer: one picture in a fresh process, against ten lines of Pillow and LiteRT.

Each pair starts `edgeship run MODEL PICTURE` and `python benchmarks/ten_lines.py MODEL PICTURE LABELS` in the same environment, one
after the other, in alternating order; a figure is the median of the pairs' ratios. Wall time runs from starting the process to its
end. Peak memory is the largest resident set that the system accounts to it. One pair beforehand, not counted, brings the files
into the system's cache and leaves compiled bytecode in a temporary folder, as an installation has it: cold is the process, not
the disk. Both give the same answer, or the report says in how many pairs they did.

Usage: python benchmarks/cold_start.py MODEL.tflite PICTURE [PAIRS]     25 pairs when not said
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Nothing heavy may be imported here: a child's peak memory begins at its parent's, which it shares until it executes.
from edgeship_runtime.machine import cpu

WALL_TARGET, MEMORY_TARGET = 1.25, 1.20
PAIRS = 25


@dataclass(frozen=True)
class Start:
    """One fresh process."""

    wall_ms: float
    peak_mb: float
    label: str


def main(arguments: Sequence[str]) -> int:
    if len(arguments) not in (2, 3) or not all(Path(name).is_file() for name in arguments[:2]):
        print("cold_start.py: wanted two files, MODEL.tflite (made by edgeship) and PICTURE", file=sys.stderr)
        return 2
    model, picture = arguments[:2]
    pairs = int(arguments[2]) if len(arguments) == 3 else PAIRS
    edgeship = Path(sys.executable).with_name("edgeship")
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(model) as members:  # a .tflite of ours ends with a zip that holds its labels
            labels = members.extract("labels.txt", folder)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        ours = [str(edgeship), "run", model, picture]
        theirs = [sys.executable, str(Path(__file__).with_name("ten_lines.py")), model, picture, labels]
        started = [both(ours, theirs, swapped=number % 2 == 1) for number in range(pairs + 1)][1:]
    report(started, Path(model).name)
    return 0


def both(ours: list[str], theirs: list[str], *, swapped: bool) -> tuple[Start, Start]:
    """One of each; `swapped` starts theirs first."""
    if swapped:
        second, first = start(theirs), start(ours)
        return first, second
    return start(ours), start(theirs)


def start(command: list[str]) -> Start:
    """Runs a command to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    with process.stdout as stream:
        printed = stream.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall_ms = (time.perf_counter() - began) * 1e3
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"cold_start.py: {' '.join(command)} failed with exit code {process.returncode}")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss is in bytes there, in kilobytes on Linux
    return Start(wall_ms, usage.ru_maxrss / unit, printed.split("  ")[0])


def report(started: Sequence[tuple[Start, Start]], model: str) -> None:
    wall = [ours.wall_ms / theirs.wall_ms for ours, theirs in started]
    memory = [ours.peak_mb / theirs.peak_mb for ours, theirs in started]
    same = sum(ours.label == theirs.label for ours, theirs in started)
    print(f"machine: {cpu()}, {os.cpu_count()} cores")
    print(f"{model}, one picture in a fresh process; {len(started)} pairs, the same answer in {same}\n")
    print(f"{'':14}{'wall, ms':>10}{'peak, MB':>10}")
    for name, column in (("edgeship run", 0), ("ten lines", 1)):
        starts = [pair[column] for pair in started]
        wall_ms = statistics.median(one.wall_ms for one in starts)
        peak_mb = statistics.median(one.peak_mb for one in starts)
        print(f"{name:14}{wall_ms:10.0f}{peak_mb:10.1f}")
    print(f"{'ratio':14}{statistics.median(wall):10.2f}{statistics.median(memory):10.2f}")
    low, _, high = statistics.quantiles(wall, n=4)
    print(f"the middle half of the wall ratios: {low:.2f}–{high:.2f}\n")
    print(verdict("wall", statistics.median(wall), WALL_TARGET))
    print(verdict("peak memory", statistics.median(memory), MEMORY_TARGET))


def verdict(what: str, value: float, target: float) -> str:
    return f"target {what} ≤ {target:.2f} of the ten lines: {'reached' if value <= target else 'not reached'} ({value:.2f})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
