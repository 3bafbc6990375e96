"""Process: a worker started for one job, and what it said or how it ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TypeVar

from edgeship_benchmarks.measuring.job import Job
from edgeship_runtime import record
from edgeship_runtime.errors import EdgeshipError

T = TypeVar("T")

_LIMIT_S = 1800.0


def in_fresh_process(job: Job, kind: type[T], limit_s: float = _LIMIT_S) -> T:
    """Does a job in a process of its own, which is ended when it takes longer than `limit_s`.

    Raises:
        EdgeshipError: the model cannot be loaded, or the process ended without an answer.
    """
    command = [
        sys.executable,
        "-P",
        "-m",
        "edgeship_benchmarks.measuring.worker",
    ]  # -P: nothing from the current folder
    # Nothing here multiplies matrices with NumPy; OpenBLAS's threads would cost memory that `edgeship run` does not use either.
    variables = {"OPENBLAS_NUM_THREADS": "1", **os.environ}
    try:
        child = subprocess.run(
            command, env=variables, input=record.to_bytes(job), capture_output=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise EdgeshipError(f"not done after {limit_s:.0f} s") from None
    try:
        answer = json.loads(child.stdout.decode().splitlines()[-1])
    except (IndexError, ValueError):
        raise EdgeshipError(_end(child)) from None
    if not isinstance(answer, dict) or not answer.keys() & {"done", "error"}:  # an engine's own last words
        raise EdgeshipError(_end(child))
    if "error" in answer:
        raise EdgeshipError(str(answer["error"]))
    try:
        return record.from_json(kind, answer["done"], "worker")
    except record.RecordError as error:
        raise EdgeshipError(f"what was measured cannot be: {error}") from None


def _end(child: subprocess.CompletedProcess[bytes]) -> str:
    """How a process ended that gave no answer: engines crash, and say little."""
    if child.returncode < 0:
        return f"the engine ended the process with signal {-child.returncode}"
    lines = child.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"the process ended with exit code {child.returncode}"
