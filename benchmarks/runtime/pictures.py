"""How fast folders are: pictures a second against the naive loop, the bound and MediaPipe."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from edgeship_runtime import Classifier
from edgeship_runtime.sinks import Writing
from edgeship_runtime.sinks.jsonl import JsonLines
from edgeship_runtime.terminal import table
from preprocessing import CLOTHING, jpeg, mosaic

CORES = 2


def folder(model: Path, rounds: int) -> None:
    sources = [CLOTHING / "test"] * 3
    print(f"{len(pictures(sources)):,} clothing photos, {rounds} rounds")
    compare(model, sources, rounds, {"naive loop": 1.25, "bound": 0.93, "MediaPipe": 2.8})


def large(model: Path, rounds: int) -> None:
    photo = jpeg(mosaic(4000, 3000))
    with tempfile.TemporaryDirectory() as name:
        for number in range(24):
            (Path(name) / f"{number:02}.jpg").write_bytes(photo)
        print(f"24 JPEGs of 12 megapixels, {len(photo) / 1e6:.1f} MB each, {rounds} rounds")
        compare(model, [Path(name)], rounds, {"naive loop": 2.0})


def compare(model: Path, sources: Sequence[Path], rounds: int, targets: dict[str, float]) -> None:
    classifier = Classifier.load(model, "litert", threads=1)
    rates: dict[str, Callable[[], float]] = {
        "edgeship": lambda: edgeship(classifier, sources),
        "naive loop": lambda: naive(model, pictures(sources)),
        "bound": lambda: bound(classifier, pictures(sources)),
    }
    if "MediaPipe" in targets and (python := os.environ.get("MEDIAPIPE_PYTHON")):
        rates["MediaPipe"] = lambda: mediapipe(python, model, pictures(sources))
    found: dict[str, list[float]] = {name: [] for name in rates}
    for number in range(rounds + 1):  # the first one warms up
        for name in rates if number % 2 else reversed(list(rates)):
            found[name].append(rates[name]())
    found = {name: values[1:] for name, values in found.items()}
    rows = [["", "pictures/s", "edgeship against it", "middle half", "target"]]
    for name, values in found.items():
        ratios = [ours / theirs for ours, theirs in zip(found["edgeship"], values, strict=True)]
        rows.append([name, f"{statistics.median(values):.0f}", *ratio(ratios, targets.get(name))])
    print(table(rows, right=(1, 2, 3, 4)))


def ratio(values: Sequence[float], target: float | None) -> list[str]:
    if set(values) == {1.0}:
        return ["", "", ""]
    middle = statistics.median(values)
    low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else (middle, middle, middle)
    reached = "" if target is None else f"≥ {target:.2f} {'reached' if middle >= target else 'NOT reached'}"
    return [f"{middle:.2f}", f"{low:.2f}–{high:.2f}", reached]


def pictures(sources: Sequence[Path]) -> list[Path]:
    return [path for source in sources for path in sorted(source.rglob("*.jpg"))]


def edgeship(classifier: Classifier, sources: Sequence[Path]) -> float:
    """As `edgeship run MODEL SOURCES --json` does it, less the start of the process; the lines go nowhere."""
    sink = JsonLines(os.devnull, Writing("", force=True))
    began, count = time.perf_counter(), 0
    for result in classifier.stream(*sources):
        sink.write(result)
        count += 1
    return count / (time.perf_counter() - began)


def naive(model: Path, paths: Sequence[Path]) -> float:
    """What one writes first."""
    interpreter, taken, given = interpreter_of(model, CORES)
    height, width = taken["shape"][1:3]
    began = time.perf_counter()
    for path in paths:
        image = Image.open(path).convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
        interpreter.set_tensor(taken["index"], np.asarray(image, taken["dtype"])[np.newaxis])
        interpreter.invoke()
        interpreter.get_tensor(given["index"])[0].argmax()
    return len(paths) / (time.perf_counter() - began)


def bound(classifier: Classifier, paths: Sequence[Path]) -> float:
    """Cores / (decode + preprocess + invoke), these measured one after another on one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        cost_ms = [classifier.classify(path).latency_ms.total for path in paths[: min(len(paths), 372)]]
    finally:
        os.sched_setaffinity(0, allowed)
    return CORES * 1e3 / statistics.fmean(cost_ms)


def mediapipe(python: str, model: Path, paths: Sequence[Path]) -> float:
    script = (
        "import sys, time, mediapipe as mp\n"
        "from mediapipe.tasks.python import BaseOptions, vision\n"
        "options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=sys.argv[1]), max_results=1)\n"
        "paths = sys.stdin.read().splitlines()\n"
        "with vision.ImageClassifier.create_from_options(options) as classifier:\n"
        "    classifier.classify(mp.Image.create_from_file(paths[0]))\n"
        "    began = time.perf_counter()\n"
        "    for path in paths: classifier.classify(mp.Image.create_from_file(path))\n"
        "    print(len(paths) / (time.perf_counter() - began))\n"
    )
    listed = "\n".join(map(str, paths))
    done = subprocess.run([python, "-c", script, str(model)], input=listed, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def interpreter_of(model: Path, threads: int) -> tuple:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model), num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter, interpreter.get_input_details()[0], interpreter.get_output_details()[0]
