"""What an export keeps of its model, how much smaller and faster it is, and how long the command takes.

clothing   MobileNetV2 1.0@224, fine-tuned by training.py: int8 and the other formats against the .keras on the 713 validation and test
           photos; bytes of the model part; medians of single inferences of int8 and float32, taken in turns, one thread.
mnist      the default CNN, int8 against float32 on the 10,000 test pictures.
command    wall time of `edgeship export … int8`, proof and all, against plain_export.py, which imports TensorFlow, loads, calibrates
           on the same pictures and converts. In turns, the median ratio; and whether the same input gives the same file.

Usage: python benchmarks/exporting.py [clothing] [mnist] [command]     all, a quarter of an hour, when none is named
Models come from training.py (build/bench/clothing-1.0.keras, mnist.keras), or are named: --clothing FILE --mnist FILE.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "bench"
DATA = Path(os.environ.get("EDGESHIP_DATA", HERE.parents[1] / "shared" / "data"))
EDGESHIP = Path(sys.executable).with_name("edgeship")
TURNS = 3
FORMATS = (
    ("tflite", "none"), ("tflite", "float16"), ("tflite", "dynamic"), ("tflite", "int8"),
    ("onnx", "none"), ("onnx", "float16"), ("onnx", "int8"),
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["clothing", "mnist", "command", []])
    parser.add_argument("--clothing", type=Path, default=BUILD / "clothing-1.0.keras")
    parser.add_argument("--mnist", type=Path, default=BUILD / "mnist.keras")
    options = parser.parse_args()
    for path in (DATA, options.clothing, options.mnist):
        if not path.exists():
            print(f"exporting.py: {path} is not there; run benchmarks/training.py mnist clothing", file=sys.stderr)
            return 1
    parts = options.parts or ["clothing", "mnist", "command"]
    with tempfile.TemporaryDirectory(prefix="edgeship-bench-") as folder:
        if "clothing" in parts:
            clothing(options.clothing, Path(folder))
        if "mnist" in parts:
            mnist(options.mnist, Path(folder))
        if "command" in parts:
            command(options.clothing, Path(folder))
    return 0


def clothing(parent: Path, folder: Path) -> None:
    files = {(name, scheme): exported(parent, folder, name, scheme) for name, scheme in FORMATS}
    targets, before = answers(parent)
    sizes = {key: json_of("inspect", str(path))["model_bytes"] for key, path in files.items()}
    for key, path in files.items():
        after = answers(path)[1]
        say(
            {
                "run": f"clothing {' '.join(key)}",
                "pictures": len(targets),
                "accuracy": share(after, targets),
                "parent": share(before, targets),
                "net_lost": sum(b == t for b, t in zip(before, targets, strict=True))
                - sum(a == t for a, t in zip(after, targets, strict=True)),
                "agreement": share(after, before),
                "model_part": round(sizes[key] / sizes[key[0], "none"], 3),
                "latency": latency_ratio(path, files[key[0], "none"]),
            },
            "net_lost ≤ 4, agreement ≥ 0.97, model_part ≤ 0.32, latency ≤ 0.75" if key == ("tflite", "int8") else "",
        )


def mnist(parent: Path, folder: Path) -> None:
    data = f"mnist:{DATA / 'mnist'}"
    before, after = (
        json_of("evaluate", str(exported(parent, folder, "tflite", scheme)), data)["accuracy"]
        for scheme in ("none", "int8")
    )
    say({"run": "mnist int8", "float32": before, "int8": after, "drop": round(before - after, 4)}, "drop ≤ 0.001")


def command(parent: Path, folder: Path) -> None:
    ratios, digests = [], set()
    for turn in range(TURNS):
        plain = seconds([sys.executable, str(HERE / "plain_export.py"), str(parent), str(folder / "plain.tflite")])
        out = folder / f"turn{turn}.tflite"
        arguments = ["export", str(parent), "--format", "tflite", "--quantize", "int8", "--out", str(out), "--json"]
        ours = seconds([str(EDGESHIP), *arguments])
        ratios.append(ours / plain)
        digests.add(out.read_bytes())
        print(f"  plain {plain:.1f} s, edgeship {ours:.1f} s", flush=True)
    say(
        {
            "run": "command",
            "ratio": round(statistics.median(ratios), 2),
            "turns": [round(ratio, 2) for ratio in ratios],
            "same_file": len(digests) == 1,
        },
        "ratio ≤ 2, same file",
    )


def exported(parent: Path, folder: Path, name: str, scheme: str) -> Path:
    out = folder / f"{parent.stem}.{scheme}.{name}"
    json_of("export", str(parent), "--format", name, "--quantize", scheme, "--out", str(out), "--force")
    return out


def answers(path: Path) -> tuple[list[int], list[int]]:
    """Of validation and test pictures: the true label and the answered one, as indices."""
    from edgeship_runtime.classifier import Classifier
    from edgeship_runtime.data import open_data
    from edgeship_runtime.preparing import prepare

    classifier = Classifier.load(path)
    parts = open_data(str(DATA / "clothing")).parts
    pictures = [*parts["validation"], *parts["test"]]
    targets, answered = [], []
    for item in prepare(iter(pictures), classifier.preprocessing):
        assert item.pixels is not None
        targets.append(classifier.labels.index(item.picture.label))
        answered.append(int(classifier.scores(item.pixels[None])[0].argmax()))
    return targets, answered


def latency_ratio(path: Path, plain: Path) -> float:
    from edgeship_export.speed import measure
    from edgeship_runtime.classifier import Classifier

    engines = [Classifier.load(file, threads=1) for file in (path, plain)]
    picture = engines[0].preprocessing((DATA / "images_small/cat_720p.jpg").read_bytes())[None]
    return round(measure(engines[0].engine, engines[1].engine, picture).ratio, 3)


def share(first: list[int], second: list[int]) -> float:
    return round(sum(a == b for a, b in zip(first, second, strict=True)) / len(first), 4)


def json_of(*arguments: str) -> Any:  # noqa: ANN401 - JSON
    done = subprocess.run([EDGESHIP, *arguments, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def seconds(arguments: list[str]) -> float:
    begun = time.monotonic()
    settings = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=settings, check=True)
    return time.monotonic() - begun


def say(row: dict[str, Any], target: str) -> None:
    row |= {"target": target} if target else {}
    line = json.dumps(row, ensure_ascii=False)
    print(line, flush=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "exporting.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
