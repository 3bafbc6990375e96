"""Measure: one configuration, in a process of its own. `python -m edgeship_benchmarks.measure` with a Task as JSON on stdin.

A process of its own, because load time, first inference and peak memory exist only once in a process.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeship_runtime import record
from edgeship_runtime.classifier import Classifier
from edgeship_runtime.errors import EdgeshipError

WARM_UP_SHARE = 0.25  # of the time for latencies
_LEAST_RUNS = 20
_MOST_RUNS = 20_000


@dataclass(frozen=True)
class Task:
    """What to measure.

    Attributes:
        model: path of the model file.
        engine: name, or auto.
        threads: for one inference.
        batch: pictures in one inference.
        inputs: path of a .npy with model inputs, uint8 N×H×W×C.
        seconds: time for latencies, warm-up included; 0 for answers alone.
        answers: whether to classify every input, too.
    """

    model: str
    engine: str
    threads: int
    batch: int
    inputs: str
    seconds: float
    answers: bool


@dataclass(frozen=True)
class Measurement:
    """What came out.

    Attributes:
        engine, engine_version: that ran.
        load_ms: from the path to a loaded engine, libraries imported before.
        first_ms: the first inference.
        latencies_ms: of each inference after the warm-up.
        peak_rss_bytes: of the process, before any answers were computed.
        answers: index of the top-1 label of every input.
    """

    engine: str
    engine_version: str
    load_ms: float
    first_ms: float
    latencies_ms: tuple[float, ...]
    peak_rss_bytes: int
    answers: tuple[int, ...]


def measure(task: Task) -> Measurement:
    """Measures in this process.

    Raises:
        EdgeshipError: the model cannot be loaded.
    """
    inputs: NDArray[np.uint8] = np.load(task.inputs, mmap_mode="r")
    began = time.perf_counter()
    classifier = Classifier.load(task.model, task.engine, task.threads)
    load_ms = (time.perf_counter() - began) * 1e3
    batch = np.ascontiguousarray(inputs[np.arange(task.batch) % len(inputs)])
    first_ms = _timed(classifier, batch)
    latencies = _latencies(classifier, batch, task.seconds) if task.seconds else []
    peak = peak_rss_bytes()
    answers = (
        [int(classifier.scores(inputs[index : index + 1])[0].argmax()) for index in range(len(inputs))]
        if task.answers
        else []
    )
    engine = classifier.engine
    return Measurement(engine.name, engine.version, load_ms, first_ms, tuple(latencies), peak, tuple(answers))


def _latencies(classifier: Classifier, batch: NDArray[np.uint8], seconds: float) -> list[float]:
    end = time.perf_counter() + seconds * WARM_UP_SHARE
    while time.perf_counter() < end:
        classifier.scores(batch)
    end = time.perf_counter() + seconds * (1 - WARM_UP_SHARE)
    latencies: list[float] = []
    while len(latencies) < _LEAST_RUNS or (time.perf_counter() < end and len(latencies) < _MOST_RUNS):
        latencies.append(_timed(classifier, batch))
    return latencies


def _timed(classifier: Classifier, batch: NDArray[np.uint8]) -> float:
    began = time.perf_counter()
    classifier.scores(batch)
    return (time.perf_counter() - began) * 1e3


def peak_rss_bytes() -> int:
    """Highest resident memory of this process. Not getrusage's: across exec that keeps the parent's, if it was higher."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main() -> int:
    """Reads a Task from stdin, prints a Measurement or {"error": …} as the last line."""
    task = record.from_json(Task, json.load(sys.stdin), "task")
    try:
        print(record.to_bytes(measure(task)).decode())
    except EdgeshipError as error:
        print(json.dumps({"error": str(error)}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
