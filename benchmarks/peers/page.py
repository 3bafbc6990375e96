"""Page: docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from running import Ran
from tools import Tool

from edgeship_runtime.machine import cpu

_COLUMNS = (
    "tool",
    "right",
    "as edgeship",
    "photo, ms",
    "× edgeship's",
    "inference, ms",
    "first answer, ms",
    "peak, MB",
    "installed, MB",
)
_HEAD = """\
# edgeship against what people use instead

Written by `python benchmarks/peers`, which measures all of it again. The same files (MobileNetV2 1.0@224 for ten kinds of clothes)
and the same {photos} photos for every tool, each in an environment of its own, on one thread: {rounds} fresh processes each, taking
turns. Figures are medians; of latencies, lowest and highest process beside them. MB are 1,000,000 bytes.

Machine: {cpu}, {cores} cores, {system}, Python {python}; load {load:.1f} at the end. Only ratios travel to other machines.
"""
_FOOT = """
**Right**: of the {photos} photos. **As edgeship**: the same answer; the loops resize as Pillow does, MediaPipe as it does.
**Photo**: from its file to the answer, once warm. **× edgeship's**: that time against edgeship's of the same round, the median of
the rounds. **Inference**: of that, the engine alone. **First answer**: from the start of the process. **Peak**: resident memory of
the process. **Installed**: site-packages of the environment; edgeship's has both engines here.
"""


@dataclass(frozen=True)
class Entry:
    """One tool on one file: its processes, or why there are none."""

    tool: Tool
    model: Path
    installed_mb: float
    ran: Sequence[Ran]
    error: str = ""


def page(entries: Sequence[Entry], photos: Sequence[Path], rounds: int) -> str:
    """The whole page."""
    load = os.getloadavg()[0]
    machine = {
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    head = _HEAD.format(photos=len(photos), rounds=rounds, load=load, **machine)
    models = dict.fromkeys(entry.model for entry in entries)
    sections = ["\n".join(_section([one for one in entries if one.model == model], photos)) for model in models]
    return "\n".join([head, *sections]) + _FOOT.format(photos=len(photos))


def _section(entries: Sequence[Entry], photos: Sequence[Path]) -> Iterator[str]:
    model = entries[0].model
    yield f"## {model.name}, {model.stat().st_size / 1e6:.1f} MB\n"
    yield f"| {' | '.join(_COLUMNS)} |"
    yield "|---|" + "--:|" * (len(_COLUMNS) - 1)
    for entry in entries:
        if entry.ran:
            yield f"| {' | '.join(_cells(entry, entries[0], photos))} |"
    yield ""
    for entry in entries:
        if entry.error:
            how = f"is measured in {len(entry.ran)} rounds only" if entry.ran else "is not measured"
            yield f"{entry.tool.name} {how}: {entry.error}\n"


def _cells(entry: Entry, reference: Entry, photos: Sequence[Path]) -> list[str]:
    def median(name: str) -> float:
        return statistics.median(getattr(ran, name) for ran in entry.ran)

    def spread(name: str) -> str:
        values = [getattr(ran, name) for ran in entry.ran]
        return f"{median(name):.2f} ({min(values):.2f}–{max(values):.2f})"

    answers = entry.ran[0].answers
    right = sum(answer == photo.parent.name for answer, photo in zip(answers, photos, strict=True))
    others = reference.ran[0].answers if reference.ran else ()
    same = sum(answer == other for answer, other in zip(answers, others, strict=False))
    return [
        f"{entry.tool.name} {entry.ran[0].version.rpartition(' ')[2]}",
        str(right),
        str(same),
        spread("whole_ms"),
        _ratio(entry, reference),
        "–" if median("invoke_ms") < 0 else spread("invoke_ms"),
        f"{median('first_ms'):.0f}",
        f"{median('peak_mb'):.0f}",
        f"{entry.installed_mb:.0f}",
    ]


def _ratio(entry: Entry, reference: Entry) -> str:
    """Of processes that ran within minutes: what the machine did in other rounds is no part of it."""
    pairs = zip(entry.ran, reference.ran, strict=False)
    ratios = [one.whole_ms / other.whole_ms for one, other in pairs]
    return f"{statistics.median(ratios):.2f}" if ratios else "–"
