"""How fast, how fresh and how steady `edgeship run` is.

folder  The clothing photos of the test part, three times over, with an int8 MobileNetV2 1.0@224: pictures a second against the naive
        loop (Pillow opens and resizes, one LiteRT interpreter with 2 threads), and against the bound: 2 cores / (decode + preprocess +
        invoke of a picture on one core). With MEDIAPIPE_PYTHON, an interpreter that has mediapipe, also against its ImageClassifier.
large   The same with 12-megapixel JPEGs.
live    A camera of 30 frames a second at 1280×720 (MJPEG, served by another process), with its frames' numbers in their pixels: what
        is done beyond decoding, preprocessing and inference; how old the picture really is when its answer is there; and that it
        does not get older where the model is slower than the camera.
memory  10,000 pictures, then frames of that camera for a minute: resident memory of the last quarter against the second, and open
        descriptors.

Rates are compared within a round, which measures each of them once, in alternating order; a ratio is the median over the rounds.
Two cores are used, others left alone; they must be idle.

Usage: python benchmarks/runtime.py MODEL.tflite [folder] [large] [live] [memory] [--rounds N]    all four, ten rounds, when not said
The data lies in ../shared/data, or where EDGESHIP_DATA says.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeship_runtime import Classifier
from edgeship_runtime.live import hub as hub_module
from edgeship_runtime.machine import cpu
from edgeship_runtime.results import Result
from edgeship_runtime.sinks import Writing
from edgeship_runtime.sinks.jsonl import JsonLines
from edgeship_runtime.terminal import native_output_hidden, table
from preprocessing import CLOTHING, FRAME, jpeg, mosaic

CORES, RATE = 2, 30
PARTS = ("folder", "large", "live", "memory")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_intermixed_args(arguments)
    if missing := [path for path in (options.model, FRAME, CLOTHING) if not path.exists()]:
        print(f"runtime.py: {missing[0]} is not there; EDGESHIP_DATA names the folder of the data", file=sys.stderr)
        return 2
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    print(f"machine: {cpu()}, {os.cpu_count()} cores; load before: {os.getloadavg()[0]:.1f}")
    measures: dict[str, Callable[[Path, int], None]] = {
        "folder": folder,
        "large": large,
        "live": live,
        "memory": memory,
    }
    for name in options.parts or PARTS:
        print()
        with native_output_hidden():
            measures[name](options.model, options.rounds)
    return 0


# -------------------------------------------------------------------------------------------------------------- pictures


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


# ------------------------------------------------------------------------------------------------------------------ live

_BITS, _BLOCK = 16, 40  # a frame's number, as black and white squares along its upper edge


def burnt(frame: NDArray[np.uint8], number: int) -> bytes:
    frame = frame.copy()
    for bit in range(_BITS):
        frame[:_BLOCK, bit * _BLOCK : (bit + 1) * _BLOCK] = 255 if number >> bit & 1 else 0
    return jpeg(Image.fromarray(frame))


def number_in(pixels: NDArray[np.uint8]) -> int:
    middle = pixels[_BLOCK // 2, _BLOCK // 2 : _BITS * _BLOCK : _BLOCK].mean(axis=-1)
    return sum(1 << bit for bit, level in enumerate(middle) if level > 127)


def serve() -> None:
    """The camera, in a process of its own: prints its port; after a connection, when frame 0 was sent."""
    import socket

    with Image.open(FRAME) as image:
        frame = np.asarray(image.convert("RGB").resize((1280, 720)))
    sent = [burnt(frame, number) for number in range(256)]
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        connection, _ = server.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n")
        began = time.monotonic()
        print(began, flush=True)
        for number in itertools.count():
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            picture = sent[number % 256]
            try:
                connection.sendall(b"--x\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture))
            except OSError:
                return


@contextmanager
def camera() -> Iterator[tuple[str, Callable[[], float]]]:
    """URL, and what tells when frame 0 was sent, once somebody has connected."""
    process = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        began: list[float] = []
        yield (
            f"http://127.0.0.1:{port}/",
            lambda: began[0] if began else began.append(float(process.stdout.readline())) or began[0],
        )
    finally:
        process.kill()
        process.communicate()


class Stamped(hub_module.Hub):
    """Notes when a frame was taken."""

    taken_s = 0.0

    def take(self, timeout_s: float) -> hub_module.Taken | None:
        """The same."""
        taken = super().take(timeout_s)
        Stamped.taken_s = time.perf_counter()
        return taken


class Slow:
    """An engine that takes 150 ms longer."""

    def __init__(self, engine: object) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)

    def scores(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The same, later."""
        time.sleep(0.15)
        return self._engine.scores(batch)  # type: ignore[attr-defined]


def live(model: Path, rounds: int) -> None:
    print(f"a camera of {RATE} frames a second at 1280×720, {rounds * 3} s each")
    classifier = Classifier.load(model, "litert", threads=1)
    rows = [["", "answered/s", "dropped", "decode + preprocess + invoke", "beyond", "true age p50", "p95", "allowed"]]
    rows.append(["as it is", *watched(classifier, rounds * 3)])
    classifier.engine = Slow(classifier.engine)  # type: ignore[assignment]
    rows.append(["150 ms slower", *watched(classifier, rounds * 3)])
    print(table(rows, right=tuple(range(1, 8))))


def watched(classifier: Classifier, seconds: float) -> list[str]:
    import edgeship_runtime.live as live_module

    live_module.Hub = Stamped  # type: ignore[misc]
    sink = JsonLines(os.devnull, Writing("", force=True))
    costs, beyond, ages, dropped = [], [], [], 0
    with camera() as (url, began), closing(classifier.stream(url)) as results:
        until = time.monotonic() + seconds
        for result in results:
            sink.write(result)
            done, now = time.perf_counter() - Stamped.taken_s, time.monotonic()
            if now > until:
                break
            ages.append((now - began() - true_number(result) / RATE) * 1e3)
            assert result.prediction is not None
            costs.append(result.prediction.latency_ms.total)
            beyond.append(done * 1e3 / costs[-1] - 1)
            dropped += result.dropped or 0
            # Or its whole frame, which only this script decodes, would be freed while the next one is answered.
            del result
    warm = len(costs) // 10
    costs, beyond, ages = costs[warm:], beyond[warm:], ages[warm:]
    cost, old = statistics.median(costs), statistics.quantiles(ages, n=20)[-1]
    allowed = cost + 1e3 / RATE
    return [
        f"{len(costs) / seconds / 0.9:.1f}",
        f"{dropped:,}",
        f"{cost:.1f} ms",
        f"{100 * statistics.median(beyond):.1f} %{' NOT ≤ 5 %' if statistics.median(beyond) > 0.05 else ''}",
        f"{statistics.median(ages):.1f} ms",
        f"{old:.1f} ms",
        f"≤ {allowed:.1f} ms {'reached' if old <= allowed else 'NOT reached'}",
    ]


def true_number(result: Result) -> int:
    """The frame's number since the connection, of which the picture tells the last eight bits."""
    assert result.frame is not None
    shown = number_in(result.frame.pixels)
    number = result.index + (shown - result.index + 128) % 256 - 128
    assert abs(number - result.index) < 100, (shown, result.index)
    return number


# ---------------------------------------------------------------------------------------------------------------- memory


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


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
        sys.exit(0)
    sys.exit(main(sys.argv[1:]))
