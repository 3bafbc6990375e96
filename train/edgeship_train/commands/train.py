"""Train a classifier on labelled pictures.

DATA is a folder with a sub-folder for each label, or train/, validation/, test/ above that, or the set "digits". The result is a
.keras file that carries its labels and preprocessing, and (unless --carry none) some of the pictures, so that exporting it needs
nothing else. Beside it, M.report/ holds report.html, history.json and evaluation.json.

Example:
  edgeship train flowers/ --out flowers.keras
  edgeship train flowers/ --out flowers.keras --arch mobilenet_v2 --weights imagenet
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_force, add_json, positive
from edgeship_runtime.terminal import answer, answer_json, counted, say, watched

if TYPE_CHECKING:
    from pathlib import Path

    from edgeship_runtime.labelled import LabelledData
    from edgeship_runtime.manifest import Manifest
    from edgeship_runtime.preprocessing import Preprocessing
    from edgeship_train.config import TrainingConfig
    from edgeship_train.dataset import Dataset

_LISTED = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("data", metavar="DATA", help="labelled pictures: a folder, or digits")
    parser.add_argument("--out", required=True, metavar="M.keras", help="the model file to write")
    parser.add_argument("--arch", default="cnn", help="cnn (default) or mobilenet_v2")
    parser.add_argument("--alpha", type=float, default=1.0, help="width of mobilenet_v2 (default 1.0)")
    parser.add_argument("--weights", help="imagenet, none or a file (default: imagenet for mobilenet_v2)")
    parser.add_argument(
        "--size", type=positive, metavar="N", help="input of N×N pixels (default: 96, mobilenet_v2 224, digits 8)"
    )
    parser.add_argument(
        "--color", default="auto", choices=("auto", "rgb", "grey"), help="auto: grey when all pictures are"
    )
    parser.add_argument(
        "--fit", default="stretch", choices=("stretch", "crop", "letterbox"), help="how pictures meet the input's shape"
    )
    parser.add_argument(
        "--epochs", type=positive, default=30, metavar="N", help="at most (default 30); stops when it no longer helps"
    )
    parser.add_argument("--batch-size", type=positive, default=32, metavar="N", help="pictures in a step (default 32)")
    parser.add_argument("--learning-rate", type=float, default=1e-3, metavar="R", help="of Adam (default 0.001)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of split, weights and shuffling (default 0)")
    parser.add_argument(
        "--carry", default="pictures", choices=("pictures", "none"), help="none: no picture travels with the model"
    )
    add_force(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Trains."""
    from pathlib import Path

    from edgeship_runtime import files
    from edgeship_runtime.data import open_data
    from edgeship_train.dataset import read_dataset

    out = Path(options.out)
    config = _config(options)
    _check_out(out, force=options.force)
    data = open_data(options.data)
    preprocessing = _preprocessing(options, data)
    dataset = read_dataset(data, preprocessing, config.seed, lambda pictures: watched(pictures, "read"))
    _say_data(dataset)

    from edgeship_train.report import write_report
    from edgeship_train.saving import model_bytes
    from edgeship_train.training import choose_device, train

    say(f"device: {choose_device()}")
    trained = train(dataset, config)
    content, manifest = model_bytes(dataset, config, trained, carry_pictures=options.carry != "none")
    files.write(out, content, force=options.force)
    report = out.with_suffix(".report")
    report.mkdir(exist_ok=True)
    write_report(report, dataset, trained, manifest, force=True)
    _say_result(options, out, len(content), manifest)
    return 0


def _config(options: argparse.Namespace) -> TrainingConfig:
    from edgeship_runtime.errors import UsageError
    from edgeship_train.config import TrainingConfig

    weights = options.weights or ("imagenet" if options.arch == "mobilenet_v2" else "none")
    try:
        return TrainingConfig(
            arch=options.arch,
            alpha=options.alpha,
            weights=weights,
            epochs=options.epochs,
            batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            seed=options.seed,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def _check_out(out: Path, *, force: bool) -> None:
    from edgeship_runtime import files
    from edgeship_runtime.errors import UsageError

    if out.suffix != ".keras":
        raise UsageError(f"--out {out}: wanted a name that ends with .keras")
    files.refuse_existing(out, force=force)


def _preprocessing(options: argparse.Namespace, data: LabelledData) -> Preprocessing:
    from edgeship_runtime.errors import UsageError
    from edgeship_runtime.preprocessing import Preprocessing
    from edgeship_train.config import default_size
    from edgeship_train.survey import color_of, native_size

    color = color_of(data) if options.color == "auto" else options.color
    if options.arch == "mobilenet_v2" and options.color == "auto":
        color = "rgb"
    size = options.size or (native_size(data) if options.arch == "cnn" else None) or default_size(options.arch)
    try:
        return Preprocessing(size, size, color, options.fit)
    except ValueError as error:
        raise UsageError(f"--size: {error}") from None


def _say_data(dataset: Dataset) -> None:
    for name, why in list(dataset.unreadable.items())[:_LISTED]:
        say(f"left out: {name}: {why}")
    if dataset.unreadable:
        say(f"training goes on without them: {counted(len(dataset.unreadable), 'unreadable picture')}")
    if dataset.duplicates:
        say(f"left out {counted(dataset.duplicates, 'exact duplicate')}")
    parts = ", ".join(f"{name} {count:,}" for name, count in dataset.split.counts.items())
    shape = f"{dataset.preprocessing.width}×{dataset.preprocessing.height} {dataset.preprocessing.color}"
    say(f"data: {len(dataset.labels)} labels; {parts} pictures; input {shape}")


def _say_result(options: argparse.Namespace, out: Path, size: int, manifest: Manifest) -> None:
    carried = [
        (manifest.calibration, "for calibration"),
        (manifest.proof, "for proof"),
        (manifest.golden, "golden samples"),
    ]
    counts = ", ".join(f"{len(items)} {what}" for items, what in carried if items)
    if options.json:
        metrics = {
            name: {"accuracy": metric.accuracy, "samples": metric.samples} for name, metric in manifest.metrics.items()
        }
        names = {"calibration": len(manifest.calibration), "proof": len(manifest.proof), "golden": len(manifest.golden)}
        answer_json(
            {"out": str(out), "size_bytes": size, "labels": list(manifest.labels), "metrics": metrics, "carried": names}
        )
        return
    for name, metric in manifest.metrics.items():
        answer(f"{name} accuracy {metric.accuracy:.4f} on {metric.samples:,} pictures")
    answer(f"carried in the file: {counts or 'no pictures'}")
    answer(f"wrote {out} ({size / 1e6:.1f} MB) and {out.with_suffix('.report')}/report.html")
