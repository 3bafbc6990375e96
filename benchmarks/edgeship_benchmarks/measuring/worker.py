"""Worker: does one Job in a process of its own, because load time, first inference and peak memory exist only once in a process.

`python -m edgeship_benchmarks.measuring.worker` takes a Job as JSON on stdin; its last line of stdout is {"done": …} or {"error": …},
those before it are signs of life.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeship_benchmarks.measuring.conditions import conditions
from edgeship_benchmarks.measuring.job import Job
from edgeship_benchmarks.measuring.results import Answered, EndToEnd, Timed
from edgeship_benchmarks.measuring.stopwatch import Stopwatch, waited_s
from edgeship_benchmarks.measuring.timing import time_inferences
from edgeship_benchmarks.measuring.warm_up import warm_up
from edgeship_runtime import record
from edgeship_runtime.classifier import Classifier
from edgeship_runtime.engines import engine_loader
from edgeship_runtime.errors import EdgeshipError, EngineError
from edgeship_runtime.model_file import ModelFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

_END_TO_END_S, _FEWEST_PICTURES = 0.2, 4
_SIGN_OF_LIFE_S = 1.0  # while it answers, which takes as long as there are pictures


@dataclass(frozen=True)
class Loaded:
    """A classifier, and what it cost to come by, in milliseconds."""

    classifier: Classifier
    import_ms: float
    load_ms: float


def main() -> int:
    """Reads a Job from stdin and prints what came out."""
    job = record.from_json(Job, json.load(sys.stdin), "job")
    try:
        done = timed(job) if job.task == "time" else answered(job)
    except EdgeshipError as error:
        print(json.dumps({"error": str(error)}))
        return 1
    print(json.dumps({"done": record.to_json(done)}))
    return 0


def timed(job: Job) -> Timed:
    """Loads and times a configuration in this process.

    Raises:
        EdgeshipError: the model cannot be loaded.
    """
    inputs: NDArray[np.uint8] = np.load(job.inputs, mmap_mode="r")
    loaded = load(job)
    classifier, engine = loaded.classifier, loaded.classifier.engine
    batch = np.ascontiguousarray(inputs[np.arange(job.batch) % len(inputs)])
    # Keras computes in threads of TensorFlow's, however many were asked for.
    watch = Stopwatch(subtract=job.threads == 1 and engine.name != "keras")

    def infer() -> object:
        return classifier.scores(batch)

    first_ms = watch.lap(infer).wall_ms
    warmed = warm_up(lambda: watch.lap(infer).net_ms)
    whole = _end_to_end(classifier, job.pictures, watch) if job.batch == 1 else None
    peak = peak_rss_bytes()  # before the reference and the records of the timing, which are none of the model's
    gc.disable()
    before, began, own, waited = conditions(), time.perf_counter(), time.process_time(), waited_s()
    timing = time_inferences(infer, watch, job.seconds)
    wall_s, own_s, waiting = time.perf_counter() - began, time.process_time() - own, waited_s()
    after = conditions()
    return Timed(
        engine=engine.name,
        engine_version=engine.version,
        import_ms=loaded.import_ms,
        load_ms=loaded.load_ms,
        first_ms=first_ms,
        warm_up=warmed,
        inferences=timing.inferences,
        net_ms=timing.net_ms,
        wall_ms=timing.wall_ms,
        scaled=timing.scaled,
        relative=timing.relative,
        reference_ms=timing.reference_ms,
        waiting=None if waited is None or waiting is None else (waiting - waited) / wall_s,
        end_to_end=whole,
        peak_rss_bytes=peak,
        own_s=own_s,
        wall_s=wall_s,
        before=before,
        after=after,
    )


def answered(job: Job) -> Answered:
    """The answers of a configuration, its batch at a time. "auto" takes the engine that `edgeship run` does.

    Raises:
        EdgeshipError: the model cannot be loaded, or its scores are no numbers.
    """
    inputs: NDArray[np.uint8] = np.load(job.inputs, mmap_mode="r")
    classifier = Classifier.load(job.model, job.engine, job.threads)
    top: list[int] = []
    score: list[float] = []
    heard = time.monotonic()
    for start in range(0, len(inputs), job.batch):
        scores = classifier.scores(np.ascontiguousarray(inputs[start : start + job.batch]))
        if not np.isfinite(scores).all():
            raise EngineError(f"{job.model}: scores of picture {start + 1} or after it are NaN or infinite")
        top += scores.argmax(axis=1).tolist()
        score += [round(float(best), 6) for best in scores.max(axis=1)]
        if time.monotonic() - heard > _SIGN_OF_LIFE_S:
            print(f"{len(top)} of {len(inputs)}", flush=True)
            heard = time.monotonic()
    return Answered(classifier.engine.name, classifier.engine.version, tuple(top), tuple(score))


def load(job: Job) -> Loaded:
    """Opens the file, imports the engine's library, and loads the file into it."""
    began = time.perf_counter()
    model = ModelFile.open(job.model)
    opened = time.perf_counter()
    loader = engine_loader(model, job.engine)
    imported = time.perf_counter()
    engine = loader(model, job.threads)
    done = time.perf_counter()
    return Loaded(Classifier(model, engine), (imported - opened) * 1e3, (opened - began + done - imported) * 1e3)


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


def _end_to_end(classifier: Classifier, pictures: tuple[str, ...], watch: Stopwatch) -> EndToEnd | None:
    """Some pictures, from their file to an answer; the first only warms the decoder up."""
    total, stages = [], []
    end = time.perf_counter() + _END_TO_END_S
    for number, path in enumerate(pictures):
        if number > _FEWEST_PICTURES and time.perf_counter() > end:
            break
        waited = watch.waited_ms()
        prediction = classifier.classify(Path(path))
        total.append(max(0.0, prediction.age_ms - (watch.waited_ms() - waited)))
        stages.append(prediction.latency_ms)
    if len(total) < 2:
        return None
    return EndToEnd(
        tuple(total[1:]),
        tuple(stage.decode for stage in stages[1:]),
        tuple(stage.preprocess for stage in stages[1:]),
        tuple(stage.invoke for stage in stages[1:]),
    )


if __name__ == "__main__":
    sys.exit(main())
