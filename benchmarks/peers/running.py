"""Running: a loop in a fresh process, and what it said and took."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Nothing heavy may be imported here: a child's peak memory begins at its parent's, which it shares until it executes.
from tools import HERE, Tool, UnavailableError


@dataclass(frozen=True)
class Ran:
    """One process: medians over the photos, its first answer, its peak memory."""

    version: str
    answers: tuple[str, ...]
    whole_ms: float
    invoke_ms: float
    first_ms: float
    peak_mb: float


def run(tool: Tool, python: Path, model: Path, labels: Sequence[str], photos: Sequence[Path]) -> Ran:
    """Runs a tool's loop over the photos.

    Raises:
        UnavailableError: it failed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "labels").write_text("\n".join(labels))
        (folder / "photos").write_text("\n".join(map(str, photos)))
        command = [python, HERE / "loops" / tool.loop, model, folder / "labels", folder / "photos"]
        with (folder / "said").open("w") as said, (folder / "complained").open("w") as complained:
            began = time.clock_gettime(time.CLOCK_MONOTONIC)
            child = subprocess.Popen(command, stdout=said, stderr=complained)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            lines = (folder / "complained").read_text().strip().splitlines()
            raise UnavailableError(lines[-1] if lines else f"it ended with exit code {child.returncode}")
        told = json.loads((folder / "said").read_text().splitlines()[-1])
    return Ran(
        told["version"],
        tuple(told["answers"]),
        statistics.median(told["whole_ms"]),
        statistics.median(told["invoke_ms"]),
        (told["first_at"] - began) * 1e3,
        usage.ru_maxrss * 1024 / 1e6,
    )
