"""edgeship against what people use instead: the same files, the same photos, each tool in an environment of its own.

`python benchmarks/peers` writes docs/benchmarks.md. The tools are the tutorials' loop over LiteRT, MediaPipe, tflite-runtime and ONNX
Runtime (loops/ has the loops, tools.py their environments). The files are MobileNetV2 1.0@224 for ten kinds of clothes: .tflite in
int8 and float32, and .onnx. Each tool runs each file that it can, in fresh processes that take turns in rounds; a figure is the
median of the rounds. All on one thread.

Ten minutes on an idle machine; the environments are made once, below build/bench/peers, from the package registry.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # models.py, which the other scripts share

from page import Entry, page
from running import Ran, run
from tools import ROOT, TOOLS, Tool, UnavailableError, environment, installed_mb

import models


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=100, help="of the test part, as many of each kind")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    options = parser.parse_args()
    photos = chosen(options.photos)
    files = [models.clothing(suffix) for suffix in models.FILES]
    text = page(measured(files, photos, options.rounds), photos, options.rounds)
    options.out.write_text(text)
    print(text)
    return 0


def chosen(count: int) -> list[Path]:
    kinds = sorted(path for path in (models.CLOTHING / "test").iterdir() if path.is_dir())
    return [photo for kind in kinds for photo in sorted(kind.iterdir())[: count // len(kinds)]]


def measured(files: Sequence[Path], photos: Sequence[Path], rounds: int) -> list[Entry]:
    """Every tool on every file that it can run."""
    pairs = [(tool, model) for model in files for tool in TOOLS if model.suffix[1:] in tool.formats]
    pythons: dict[Tool, Path] = {}
    errors: dict[tuple[Tool, Path], str] = {}
    for tool in TOOLS:
        try:
            pythons[tool] = environment(tool)
        except UnavailableError as error:
            errors |= {pair: str(error) for pair in pairs if pair[0] == tool}
    labels = {model: labels_of(model) for model in files}
    ran: dict[tuple[Tool, Path], list[Ran]] = {pair: [] for pair in pairs}
    for turn in range(rounds):
        for pair in random.Random(turn).sample(pairs, len(pairs)):  # noqa: S311 - an order of its own in each round
            if pair in errors:
                continue
            tool, model = pair
            print(f"round {turn + 1}: {tool.name}, {model.name}", file=sys.stderr, flush=True)
            try:
                ran[pair].append(run(tool, pythons[tool], model, labels[model], photos))
            except UnavailableError as error:
                errors[pair] = str(error)
    sizes = {tool: installed_mb(python) for tool, python in pythons.items()}
    return [
        Entry(tool, model, sizes.get(tool, 0.0), ran[tool, model], errors.get((tool, model), ""))
        for tool, model in pairs
    ]


def labels_of(model: Path) -> list[str]:
    done = subprocess.run([models.EDGESHIP, "inspect", model, "--json"], capture_output=True, text=True, check=True)
    labels: list[str] = json.loads(done.stdout)["labels"]
    return labels


if __name__ == "__main__":
    sys.exit(main())
