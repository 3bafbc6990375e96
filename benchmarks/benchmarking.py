"""Whether the benchmark's numbers can be believed: what it says of effects that are known, because they were put there.

aa         one file against itself, 20 pairs of reports: how many does `edgeship compare` call a change?                  20 min
slowdown   the same with each inference of the second report 5 % longer (it sleeps), the other core busy: how many?      20 min
accuracy   three points of the answers to 372 photos turned wrong: is that found?                                          2 min
memory     peak memory against GNU time's of `edgeship run`                                                                30 s
litert     p50 of a report against LiteRT's own litert-benchmark, taking turns                                             2 min
duration   six configurations of a model of 3 ms with the default options: how long, and how long was said?                3 min
drift      how closely several models follow the reference as the machine changes its speed                                5 min
power      simulated: how often Yuen's test and Welch's find 5 %, where one process in twenty is slow for no reason       1 min

Usage: python benchmarks/benchmarking.py PART… [--pairs N]

The times are estimates for an idle machine with two cores and 20 pairs; nobody else may want a core. The models are made once before
that, in some five minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import models
from edgeship_benchmarks.measuring.intervals import median_interval
from edgeship_benchmarks.measuring.job import Job
from edgeship_benchmarks.measuring.process import in_fresh_process
from edgeship_benchmarks.measuring.results import GRID, Timed
from edgeship_benchmarks.reporting.significance import LEVEL, yuen
from edgeship_runtime import Classifier
from edgeship_runtime.machine import cpu

PHOTOS = str(models.DATA / "images_small" / "*.bmp")
# A module that Python imports by itself when it starts: what it changes, no option of edgeship's could.
SLOWER = """
import time
from edgeship_runtime.engines.interpreter import InterpreterEngine
scores = InterpreterEngine.scores
def slower(self, batch):
    began = time.perf_counter()
    result = scores(self, batch)
    done = time.perf_counter()
    end = done + {share} * (done - began)
    time.sleep(max(0.0, end - done - 80e-6))  # a sleep takes some 60 us longer than it was asked to
    while time.perf_counter() < end:
        pass
    return result
InterpreterEngine.scores = slower
"""
LESS_ACCURATE = """
import hashlib
from edgeship_runtime.engines.interpreter import InterpreterEngine
scores = InterpreterEngine.scores
turned = {turned!r}
def wrong(self, batch):
    result = scores(self, batch)
    for number, pixels in enumerate(batch):
        if hashlib.sha256(pixels.tobytes()).hexdigest() in turned:
            result[number] = result[number][::-1] - result[number]
    return result
InterpreterEngine.scores = wrong
"""


def main() -> int:
    parts: dict[str, Callable[[int], None]] = {
        "aa": aa, "slowdown": slowdown, "accuracy": accuracy, "memory": memory, "litert": litert, "duration": duration, "drift": drift,
        "power": power,
    }  # fmt: skip
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=parts)
    parser.add_argument("--pairs", type=int, default=20, help="of reports, for aa and slowdown; rounds elsewhere")
    options = parser.parse_args()
    print(f"machine: {cpu()}, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    for name in options.parts:
        print(f"\n== {name}", flush=True)
        parts[name](options.pairs)
    return 0


# ------------------------------------------------------------------------------------------------------- known effects


def aa(pairs: int) -> None:
    model = models.clothing("int8.tflite")
    flagged = sum(changed(model, {}, number) != "" for number in range(pairs))
    print(verdict(f"{flagged} of {pairs} pairs called a change", "at most 1 in 20", 20 * flagged <= pairs))


def slowdown(pairs: int) -> None:
    model = models.clothing("int8.tflite")
    with starting_with(SLOWER.format(share=0.05)) as variables, busy():
        flagged = sum(changed(model, variables, number) == "slower" for number in range(pairs))
    print(verdict(f"{flagged} of {pairs} pairs called slower", "at least 18 in 20", 20 * flagged >= 18 * pairs))


def changed(model: Path, variables: Mapping[str, str], number: int) -> str:
    """Two reports, the second under changed circumstances, and what compare makes of them."""
    with tempfile.TemporaryDirectory() as folder:
        for name, extra in (("old", {}), ("new", variables)):
            benchmark([model], PHOTOS, Path(folder) / name, "--threads", "1", variables=extra)
        done = edgeship("compare", f"{folder}/old", f"{folder}/new", "--json")
        latency = json.loads(done.stdout)["rows"][0]["latency"]
    interval = f"{100 * latency['low']:+5.1f} to {100 * latency['high']:+5.1f}"
    print(f"pair {number + 1:2}: {100 * latency['change']:+5.1f} % ({interval}) {latency['verdict']}", flush=True)
    return str(latency["verdict"])


def accuracy(_: int) -> None:
    model = models.clothing("int8.tflite")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        quick = ("--threads", "1", "--blocks", "1", "--most-blocks", "1")
        before = benchmark([model], str(models.CLOTHING), out / "old", *quick)
        lost = round(0.03 * before["data"]["samples"])
        with starting_with(LESS_ACCURATE.format(turned=right_answers(model, lost, before))) as variables:
            benchmark([model], str(models.CLOTHING), out / "new", *quick, variables=variables)
        change = json.loads(edgeship("compare", str(out / "old"), str(out / "new"), "--json").stdout)["rows"][0][
            "accuracy"
        ]
    print(
        f"{before['data']['samples']} photos: {change['old']:.4f}, then {change['new']:.4f}, p = {change['p_value']:.2g}"
    )
    print(verdict(f"called {change['verdict'] or 'no change'!r}", "worse", change["verdict"] == "worse"))


def right_answers(model: Path, count: int, report: Mapping[str, Any]) -> list[str]:
    """Digests of the inputs of pictures of a report that are answered rightly."""
    classifier, found = Classifier.load(model), []
    measured = {picture["sha256"] for picture in report["data"]["pictures"]}
    for path in sorted((models.CLOTHING / "test").glob("*/*")):
        if hashlib.sha256(path.read_bytes()).hexdigest() not in measured:
            continue
        pixels = classifier.preprocessing(path)
        if classifier.labels[int(classifier.scores(pixels[np.newaxis])[0].argmax())] == path.parent.name:
            found.append(hashlib.sha256(pixels.tobytes()).hexdigest())
        if len(found) == count:
            break
    return found


@contextlib.contextmanager
def starting_with(code: str) -> Iterator[Mapping[str, str]]:
    """Environment variables under which every Python runs this code first."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sitecustomize.py").write_text(code)
        yield {"PYTHONPATH": folder}


@contextlib.contextmanager
def busy() -> Iterator[None]:
    """One core has something else to do."""
    spinning = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"  # not longer than this script
    with subprocess.Popen([sys.executable, "-c", spinning]) as other:
        try:
            yield
        finally:
            other.kill()


# ------------------------------------------------------------------------------------------------- against other tools


def memory(_: int) -> None:
    """What the report says of a file against GNU time's word on `edgeship run` with the same file and photos."""
    timer = shutil.which("time") or sys.exit("GNU time is not here: apt-get install time")
    photos, worst = sorted(map(str, Path(PHOTOS).parent.glob(Path(PHOTOS).name))), 0.0
    for model in (models.digits("int8.tflite"), models.clothing("int8.tflite"), models.clothing("float32.onnx")):
        with tempfile.TemporaryDirectory() as folder:
            quick = ("--threads", "1", "--blocks", "1", "--most-blocks", "1")
            ours = benchmark([model], PHOTOS, Path(folder) / "report", *quick)["results"][0]["peak_rss_bytes"]
            told = Path(folder) / "told"
            run = [models.EDGESHIP, "run", model, *photos, "--threads", "1", "--json"]
            subprocess.run([timer, "-v", "-o", told, *run], capture_output=True, check=True)
            line = next(line for line in told.read_text().splitlines() if "Maximum resident set size" in line)
            theirs = int(line.rpartition(":")[2]) * 1024
        print(
            f"{model.name:24} {ours / 1e6:6.1f} MB, edgeship run {theirs / 1e6:6.1f} MB, {100 * (ours / theirs - 1):+.1f} %"
        )
        worst = max(worst, abs(ours / theirs - 1))
    print(verdict(f"at most {100 * worst:.1f} % apart", "5 %", worst <= 0.05))


def litert(rounds: int) -> None:
    """p50 of a report against litert-benchmark's median just before and after, each time on a machine of that minute."""
    model, rounds, ratios = models.clothing("int8.tflite"), min(rounds, 5), []
    for number in range(rounds):
        before = [litert_ms(model) for _ in range(3)]
        with tempfile.TemporaryDirectory() as folder:
            blocks = ("--threads", "1", "--blocks", "5", "--most-blocks", "5")
            (row,) = benchmark([model], PHOTOS, Path(folder) / "report", *blocks)["results"]
        after = [litert_ms(model) for _ in range(3)]
        ours, theirs = row["latency_ms"]["p50"], statistics.median(before + after)
        ratios.append(ours / theirs)
        waiting = statistics.median(run["waiting"] or 0.0 for run in row["runs"])
        print(
            f"round {number + 1}: p50 {ours:.3f} ms, litert-benchmark {theirs:.3f} ms "
            f"({min(before + after):.3f} to {max(before + after):.3f}); others had the CPU {waiting:.1%} of the time",
            flush=True,
        )
    ratio = statistics.median(ratios)
    print(f"{rounds} rounds: {ratio:.3f} of litert-benchmark's median ({min(ratios):.3f} to {max(ratios):.3f})")
    print("its clock counts the time in which others had the CPU, ours does not: an idle machine is needed")
    print(verdict(f"{100 * abs(ratio - 1):.1f} % apart", "5 %", abs(ratio - 1) <= 0.05))


def litert_ms(model: Path) -> float:
    with tempfile.NamedTemporaryFile("r") as told:
        options = ("--num_threads", "1", "--num_runs", "200", "--warmup_runs", "30", "--result_json", told.name)
        command = [Path(sys.executable).with_name("litert-benchmark"), "--model", model, *options]
        subprocess.run(command, capture_output=True, check=True)
        return float(json.loads(Path(told.name).read_text())["latency"]["median_ms"])


def duration(_: int) -> None:
    paths = [models.clothing(suffix) for suffix in models.FILES]
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        options = ("--data", str(models.CLOTHING), "--out", folder, "--threads", "1,2")
        done = edgeship("benchmark", *map(str, paths), *options)
        seconds = time.monotonic() - began
    print(done.stderr.splitlines()[0])
    print(verdict(f"took {seconds:.0f} s", "180 s", seconds <= 180))


def drift(rounds: int) -> None:
    chosen = [models.digits("int8.tflite"), *(models.clothing(suffix) for suffix in models.FILES)]
    with contextlib.ExitStack() as stack:
        jobs = [stack.enter_context(inputs(model)) for model in chosen]
        timed = [[in_fresh_process(job, Timed) for job in jobs] for _ in range(2 * rounds)]
    print("standard deviation over fresh processes, %; and by how much of the reference's change the model changes")
    print(f"{'':24}{'clock':>8}{'net':>8}{'relative':>10}{'follows':>9}")
    for number, model in enumerate(chosen):
        own = [row[number] for row in timed]
        wall, net, relative, speed = (
            np.log(values)
            for values in (
                [one.wall_ms[GRID // 2] for one in own],
                [one.net_ms[GRID // 2] for one in own],
                [one.relative for one in own],
                [one.reference_ms for one in own],
            )
        )
        follows = float(np.cov(net, speed)[0, 1] / speed.var(ddof=1))
        spreads = (f"{100 * values.std(ddof=1):.1f}" for values in (wall, net, relative))
        print("{:24}{:>8}{:>8}{:>10}{:>9.2f}".format(model.name, *spreads, follows))


def power(rounds: int) -> None:
    """Pairs of reports whose processes differ by 2 %, each of 5 to 15, as many as it takes to reach the default precision of 1 %."""
    from scipy import stats

    random = np.random.default_rng(0)
    found = {"Yuen": [0, 0], "Welch": [0, 0]}
    for number in range(30 * rounds):
        effect = 0.05 * (number % 2)
        old, new = (simulated(random, centre) for centre in (0.0, effect))
        welch = stats.ttest_ind(new, old, equal_var=False).pvalue
        for test, p, estimate in (
            ("Yuen", yuen(old, new).p_value, yuen(old, new).estimate),
            ("Welch", welch, np.mean(new) - np.mean(old)),
        ):
            found[test][number % 2] += bool(p < LEVEL and estimate > np.log(1.025))
    for test, (alarms, hits) in found.items():
        print(
            f"{test}: called slower {alarms / 15 / rounds:.1%} of equal pairs, {hits / 15 / rounds:.1%} of those 5 % apart"
        )


def simulated(random: np.random.Generator, centre: float) -> list[float]:
    """Logarithms of the latency of the processes of one report."""
    values = centre + random.normal(0, 0.02, 15)
    values += np.where(random.random(15) < 0.05, random.uniform(0.1, 0.4, 15), 0.0)
    for count in range(5, 15):
        half_width = median_interval(np.exp(values[:count]).tolist()).half_width
        if half_width is not None and half_width <= 0.01:
            return values[:count].tolist()
    return values.tolist()


@contextlib.contextmanager
def inputs(model: Path) -> Iterator[Job]:
    """A job that times a model on noise."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inputs.npy"
        shape = (4, *Classifier.load(model).preprocessing.shape)
        np.save(path, np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
        yield Job("time", str(model), "auto", 1, 1, str(path), (), 0.6)


def benchmark(
    paths: Sequence[Path], data: str, out: Path, *options: str, variables: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """One `edgeship benchmark`, and its report."""
    edgeship("benchmark", *map(str, paths), "--data", data, "--out", str(out), *options, variables=variables)
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    return report


def edgeship(*arguments: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [models.EDGESHIP, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(variables or {})},
    )
    if done.returncode and arguments[0] != "compare":  # which answers no by its exit code
        sys.exit(f"benchmarking.py: edgeship {' '.join(arguments)}: {done.stderr}")
    return done


def verdict(what: str, target: str, reached: bool) -> str:  # noqa: FBT001
    return f"target {target}: {'reached' if reached else 'NOT reached'}: {what}"


if __name__ == "__main__":
    sys.exit(main())
