"""Plan: which configurations there are, and running them, interleaved, each round in fresh processes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeship_benchmarks.measure import Measurement, Task
from edgeship_runtime import record
from edgeship_runtime.digests import MEMBER, Digests
from edgeship_runtime.engines import default_threads
from edgeship_runtime.errors import DataError, EdgeshipError
from edgeship_runtime.evaluation import label_index
from edgeship_runtime.labelled import LabelledData
from edgeship_runtime.model_file import ModelFile
from edgeship_runtime.preparing import prepare
from edgeship_runtime.preprocessing import Preprocessing

ROUNDS = 3
_LIMIT_S = 600


@dataclass(frozen=True)
class Configuration:
    """A model file, on an engine, with so many threads and pictures in a batch."""

    model: Path
    engine: str
    threads: int
    batch: int


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of a data set at one model's size.

    Attributes:
        inputs: uint8 N×H×W×C.
        targets: index of each true label.
        sha256: over content and label of each, in order: equal for equal pictures, whatever the size.
    """

    inputs: NDArray[np.uint8]
    targets: NDArray[np.int64]
    sha256: str


@dataclass
class Outcome:
    """What the rounds of one configuration gave."""

    configuration: Configuration
    model: ModelFile | None = None
    pictures: Pictures | None = None
    measurements: list[Measurement] = field(default_factory=list)
    answers: tuple[int, ...] = ()
    error: str | None = None


def configurations(
    models: Sequence[str], engine: str, threads: Sequence[int] | None, batches: Sequence[int]
) -> list[Configuration]:
    """Every combination; threads default to 1 and as many as a classifier would use."""
    counts = threads or sorted({1, default_threads()})
    return [
        Configuration(Path(model), engine, count, batch) for model in models for count in counts for batch in batches
    ]


def run(
    configurations: Sequence[Configuration],
    data: LabelledData,
    seconds: float,
    watch: Callable[[Sequence[int]], Sequence[int]],
) -> list[Outcome]:
    """Measures all configurations on the test part of the data.

    Args:
        configurations: what to measure.
        data: labelled pictures. Those that any of the models was trained on are left out for all.
        seconds: for the latencies of one configuration in one round.
        watch: wraps the steps, for a progress bar.

    Raises:
        DataError: labels that a model does not know, or no pictures left.
    """
    outcomes = [_opened(configuration) for configuration in configurations]
    usable = [outcome for outcome in outcomes if outcome.model is not None]
    with tempfile.TemporaryDirectory(prefix="edgeship-") as folder:
        paths = _prepare(usable, data, Path(folder))
        order = [(round_, index) for round_ in range(ROUNDS) for index in range(len(usable))]
        # In each round another order: what drifts (clocks, temperature, other load) must not always hit the same one.
        order.sort(key=lambda step: (step[0], random.Random(f"{step}").random()))  # noqa: S311 - order, no secret
        for number in watch(range(len(order))):
            round_, index = order[number]
            _step(usable[index], paths[index], seconds, answers=round_ == 0)
    return outcomes


def _opened(configuration: Configuration) -> Outcome:
    try:
        return Outcome(configuration, ModelFile.open(configuration.model))
    except EdgeshipError as error:
        return Outcome(configuration, error=str(error))


def _prepare(outcomes: Sequence[Outcome], data: LabelledData, folder: Path) -> list[str]:
    """Model inputs for each outcome, as .npy files that the processes map; one for each preprocessing."""
    models = [outcome.model for outcome in outcomes if outcome.model is not None]
    trained = Digests(frozenset().union(*(Digests.from_bytes(m.raw.members.get(MEMBER, b"")).prefixes for m in models)))
    done: dict[tuple[Preprocessing, tuple[str, ...]], tuple[str, Pictures]] = {}
    paths = []
    for outcome, model in zip(outcomes, models, strict=True):
        key = (model.manifest.preprocessing, model.manifest.labels)
        if key not in done:
            pictures = _at_size(data, *key, trained)
            path = str(folder / f"{len(done)}.npy")
            np.save(path, pictures.inputs)
            done[key] = path, pictures
        path, outcome.pictures = done[key]
        paths.append(path)
    return paths


def _at_size(data: LabelledData, preprocessing: Preprocessing, labels: tuple[str, ...], trained: Digests) -> Pictures:
    import hashlib

    _, pictures = data.for_measuring()
    index = label_index(labels, pictures, data.name)
    kept = [item for item in prepare(pictures, preprocessing, skip=trained) if item.pixels is not None]
    if not kept:
        raise DataError(
            f"{data.name}: no picture is left to measure on: unreadable, or the models were trained on them"
        )
    digest = hashlib.sha256("".join(f"{item.digest} {item.picture.label}\n" for item in kept).encode()).hexdigest()
    inputs = np.stack([item.pixels for item in kept if item.pixels is not None])
    return Pictures(inputs, np.array([index[item.picture.label] for item in kept], np.int64), digest)


def _step(outcome: Outcome, inputs: str, seconds: float, *, answers: bool) -> None:
    if outcome.error:
        return
    at = outcome.configuration
    task = Task(str(at.model), at.engine, at.threads, at.batch, inputs, seconds, answers)
    try:
        measurement = _in_process(task)
    except EdgeshipError as error:
        outcome.error = str(error)
        return
    outcome.measurements.append(measurement)
    if answers:
        outcome.answers = measurement.answers


def _in_process(task: Task) -> Measurement:
    try:
        child = subprocess.run(
            [sys.executable, "-m", "edgeship_benchmarks.measure"],
            input=record.to_bytes(task),
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EdgeshipError(f"{task.model}: not done after {_LIMIT_S} s") from None
    try:
        answer = json.loads(child.stdout.decode().splitlines()[-1])
    except (IndexError, ValueError):
        raise EdgeshipError(f"{task.model}: {_end(child)}") from None
    if "error" in answer:
        raise EdgeshipError(answer["error"])
    return record.from_json(Measurement, answer, "measurement")


def _end(child: subprocess.CompletedProcess[bytes]) -> str:
    """How a process ended that gave no answer: engines crash, and say little."""
    if child.returncode < 0:
        return f"the engine ended the process with signal {-child.returncode}"
    lines = child.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"the process ended with exit code {child.returncode}"
