"""Process: a worker started for one job, and what it said or how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
from typing import TypeVar

from edgeship_benchmarks.measuring.job import Job
from edgeship_runtime import record
from edgeship_runtime.errors import EdgeshipError

T = TypeVar("T")

_LIMIT_S = 300.0  # for an engine's import and a model's load on a slow board; answers are heard of every second


def in_fresh_process(job: Job, kind: type[T], limit_s: float = _LIMIT_S) -> T:
    """Does a job in a process of its own, which is ended when nothing is heard of it for `limit_s`.

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
    with tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(
            command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        )
        with child:
            try:
                said = heard(child, record.to_bytes(job), limit_s)
                _wait(child, limit_s)
            except BaseException:  # Ctrl-C, too
                child.kill()
                raise
        complaints.seek(0)
        complained = complaints.read().decode(errors="replace")
    return _understood(said.decode(errors="replace"), kind, child.returncode, complained)


def heard(child: subprocess.Popen[bytes], stdin: bytes, limit_s: float) -> bytes:
    """All that it says, each piece of which is a sign of life.

    Raises:
        EdgeshipError: it was silent for `limit_s`.
    """
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(BrokenPipeError):  # it ended before it read: how, is told later
        child.stdin.write(stdin)
        child.stdin.close()
    said = b""
    with selectors.DefaultSelector() as pipe:
        pipe.register(child.stdout, selectors.EVENT_READ)
        while pipe.select(limit_s):
            piece = os.read(child.stdout.fileno(), 1 << 16)
            if not piece:
                return said
            said += piece
    raise EdgeshipError(f"nothing was heard of it for {limit_s:.0f} s")


def _wait(child: subprocess.Popen[bytes], limit_s: float) -> None:
    """For its end; an engine that hangs while it is taken apart has answered before."""
    try:
        child.wait(limit_s)
    except subprocess.TimeoutExpired:
        child.kill()


def _understood(said: str, kind: type[T], code: int, complained: str) -> T:
    """The last line, as a record."""
    try:
        answer = json.loads(said.splitlines()[-1])
    except (IndexError, ValueError):
        raise EdgeshipError(_end(code, complained)) from None
    if not isinstance(answer, dict) or not answer.keys() & {"done", "error"}:  # an engine's own last words
        raise EdgeshipError(_end(code, complained))
    if "error" in answer:
        raise EdgeshipError(str(answer["error"]))
    try:
        return record.from_json(kind, answer["done"], "worker")
    except record.RecordError as error:
        raise EdgeshipError(f"what was measured cannot be: {error}") from None


def _end(code: int, complained: str) -> str:
    """How a process ended that gave no answer: engines crash, and say little."""
    if code < 0:
        return f"the engine ended the process with signal {-code}"
    lines = complained.strip().splitlines()
    return lines[-1] if lines else f"the process ended with exit code {code}"
