"""How steady `run` is: memory and descriptors over 10,000 pictures, and over a minute of frames."""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from camera import camera
from pictures import CORES, pictures

from edgeship_runtime import Classifier
from edgeship_runtime.results import Result
from edgeship_runtime.terminal import table
from preprocessing import CLOTHING


def memory(model: Path, rounds: int) -> None:
    classifier = Classifier.load(model, "litert", threads=1)
    sources = [CLOTHING / "test"] * -(-10_000 // len(pictures([CLOTHING / "test"])))
    before = descriptors()
    print(
        "resident memory, megabytes by quarter; target: the last within 2 % of the second; descriptors: the most seen open"
    )
    rows = [["", "results", "1st", "2nd", "3rd", "4th", "4th/2nd", "", "descriptors"]]
    rows.append(steady("pictures", iter(classifier.stream(*sources)), before + 2 * CORES))
    with camera() as (url, _):
        until = time.monotonic() + 6.0 * rounds
        frames = classifier.stream(url)
        rows.append(steady("frames", itertools.takewhile(lambda _: time.monotonic() < until, frames), before + 8))
        frames.close()  # type: ignore[attr-defined]
    print(table(rows, right=range(1, 9)))
    print(f"descriptors: {before} before, {descriptors()} after")


def steady(what: str, results: Iterator[Result], most: int) -> list[str]:
    sizes, opened = [], 0
    for number, _ in enumerate(results):
        if number % 20 == 0:
            sizes.append(resident_mb())
            opened = max(opened, descriptors())
    quarter = max(1, len(sizes) // 4)
    means = [statistics.fmean(sizes[index * quarter : (index + 1) * quarter]) for index in range(4)]
    grown = means[3] / means[1]
    verdict = "reached" if grown <= 1.02 else "NOT reached"
    return [
        what,
        f"{len(sizes) * 20:,}",
        *(f"{mean:.1f}" for mean in means),
        f"{grown:.3f}",
        verdict,
        f"{opened} (≤ {most})",
    ]


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a Path for each would be garbage
