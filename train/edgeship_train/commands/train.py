"""Train a classifier on labelled pictures.

DATA is a folder with a sub-folder for each label, or train/, validation/, test/ above that; or a named set: digits, mnist,
fashion_mnist, cifar10 (mnist:DIR reads the original files in DIR, without a network). The result is a .keras file that carries its
labels and preprocessing, and (unless --carry none) some of the pictures, so that exporting it needs nothing else. Beside it,
M.report/ holds report.html, history.json, evaluation.json and train.toml, which gives the same run again.

Example:
  edgeship train flowers/ --out flowers.keras
  edgeship train flowers/ --out flowers.keras --arch mobilenet_v2 --epochs 8
  edgeship train flowers/ --out flowers.keras --config train.toml --seed 1
  edgeship train flowers/ --out flowers.keras --resume
  edgeship train flowers/ --out flowers.keras --archs cnn,mobilenet_v2
  edgeship train more/ --out flowers2.keras --from flowers.keras
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from edgeship_runtime.commands.options import add_force, add_json
from edgeship_runtime.terminal import answer, answer_json, counted
from edgeship_train.config import GROUPS, TrainingConfig, kind

if TYPE_CHECKING:
    from pathlib import Path

    from edgeship_runtime.labelled import LabelledData
    from edgeship_train.architectures import Network
    from edgeship_train.running import Order, Outcome

_NO_NAME = r"[^\w.-]"  # characters of an architecture that a file's name is not to have
_SAID = {
    "old_labels_before": "old labels, before:",
    "old_labels": "old labels, now:",
    "new_labels": "new labels:",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("data", metavar="DATA", help="labelled pictures: a folder, or a named set")
    parser.add_argument("--out", required=True, metavar="M.keras", help="the model file to write")
    parser.add_argument("--config", metavar="F.toml", help="options from a file; those given here replace them")
    parser.add_argument(
        "--resume", action="store_true", help="go on where an interrupted run stopped, with its options"
    )
    parser.add_argument(
        "--from", dest="parent", metavar="OLD.keras", help="go on with a trained model, new pictures and new labels"
    )
    parser.add_argument("--archs", metavar="A,B", help="train each of these on one split, to M.A.keras and M.B.keras")
    add_configuration(parser)
    parser.add_argument(
        "--carry", default="pictures", choices=("pictures", "none"), help="none: no picture travels with the model"
    )
    parser.add_argument("--no-cache", action="store_true", help="keep decoded pictures in memory, not in the cache")
    parser.add_argument("--tensorboard", action="store_true", help="logs for TensorBoard in M.report/tensorboard")
    add_force(parser)
    add_json(parser)


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """An option for each field of TrainingConfig, in its groups. What is not given is None."""
    for name in GROUPS:
        group = parser.add_argument_group(name)
        for item in fields(TrainingConfig):
            rules = item.metadata
            if rules["group"] == name:
                group.add_argument(
                    f"--{item.name.replace('_', '-')}",
                    type=kind(item),
                    choices=rules.get("choices"),
                    metavar=rules.get("metavar"),
                    help=rules["help"],
                )


def run(options: argparse.Namespace) -> int:
    """Trains."""
    from edgeship_runtime.data import open_data
    from edgeship_train.running import begun, check, check_beside, check_comparison, resolved

    archs = _archs(options)
    orders = {arch: _order(options, arch) for arch in archs}
    configs = {arch: configuration(options, orders[arch], arch) for arch in archs}
    for order in orders.values():
        check(order)
    if len(archs) > 1:
        check_comparison(_comparison(options), force=options.force)
    for order in orders.values():
        check_beside(order, options.data)
    data = open_data(options.data)
    configs = {arch: resolved(data, configs[arch], orders[arch]) for arch in archs}  # before the first takes hours
    networks: dict[str | None, Network] = {}
    if len(archs) > 1:
        _check_different(options, configs)
        networks = {arch: begun(data, configs[arch]) for arch in archs}  # as above
    outcomes: list[Outcome] = []
    for arch in archs:
        # of --archs, those that are done are in the way of the same command
        again = f"--arch {arch} --out {orders[arch].out}" if outcomes else "the same command"
        outcomes.append(_outcome(data, configs[arch], orders[arch], networks.get(arch), again))
    page = _compared(outcomes, options) if len(outcomes) > 1 else None
    if options.json:
        models = [_json(outcome) for outcome in outcomes]
        answer_json(models[0] if page is None else {"models": models, "comparison": str(page)})
        return 0
    for outcome in outcomes:
        _answer(outcome)
    if page is not None:
        answer(f"side by side: {page}")
    return 0


def _archs(options: argparse.Namespace) -> list[str | None]:
    """Those to train: of --archs, or one, None, which the configuration names."""
    from edgeship_runtime.errors import UsageError

    if options.archs is None:
        return [None]
    if options.resume or options.arch or options.parent:
        raise UsageError(
            "--archs goes with neither --arch, --from nor --resume; go on with one: --resume --out M.ARCH.keras"
        )
    archs = [name.strip() for name in options.archs.split(",")]
    if len(set(archs)) < max(2, len(archs)) or "" in archs:
        raise UsageError(f"--archs {options.archs}: wanted at least two different ones: cnn,mobilenet_v2")
    return list(archs)


def _check_different(options: argparse.Namespace, configs: Mapping[str | None, TrainingConfig]) -> None:
    """Of two names of one network nothing is learnt by comparing."""
    from edgeship_runtime.errors import UsageError

    names: dict[str, str | None] = {}
    for name, config in configs.items():
        if (other := names.setdefault(config.arch, name)) != name:
            raise UsageError(f"--archs {options.archs}: with these pictures {other} and {name} are both {config.arch}")


def _order(options: argparse.Namespace, arch: str | None) -> Order:
    from pathlib import Path

    from edgeship_runtime.errors import UsageError
    from edgeship_train.continuing import Parent
    from edgeship_train.running import Order

    out = Path(options.out)
    if out.suffix != ".keras":
        raise UsageError(f"--out {out}: wanted a name that ends with .keras")
    if arch is not None:
        out = out.with_suffix(f".{re.sub(_NO_NAME, '.', arch)}.keras")
    return Order(
        out,
        resume=options.resume,
        force=options.force,
        carry_pictures=options.carry != "none",
        cached=not options.no_cache,
        tensorboard=options.tensorboard,
        parent=Parent.open(Path(options.parent)) if options.parent else None,
    )


def _outcome(data: LabelledData, config: TrainingConfig, order: Order, network: Network | None, again: str) -> Outcome:
    from edgeship_train.running import kept, run_one

    try:
        return run_one(data, config, order, network)
    except KeyboardInterrupt as stop:
        raise type(stop)(str(stop) or kept(data, order, again)) from None


def _compared(outcomes: list[Outcome], options: argparse.Namespace) -> Path:
    from edgeship_train.reporting.comparison import write_comparison

    return write_comparison(_comparison(options), outcomes)


def _comparison(options: argparse.Namespace) -> Path:
    """The folder of the page that puts several side by side."""
    from pathlib import Path

    return Path(options.out).with_suffix(".report")


def configuration(options: argparse.Namespace, order: Order | None = None, arch: str | None = None) -> TrainingConfig:
    """From the command line, over --config, over the interrupted run that is to go on.

    Args:
        options: parsed.
        order: of the run, when it may be one that goes on.
        arch: in place of what the options say.

    Raises:
        UsageError: a value that cannot be.
        TrainingError: the file cannot be read, or contradicts the interrupted run.
    """
    from pathlib import Path

    from edgeship_runtime.errors import UsageError
    from edgeship_train import config_file
    from edgeship_train.running import resumed

    values: dict[str, Any] = config_file.read(Path(options.config)) if options.config else {}
    given = {item.name: getattr(options, item.name) for item in fields(TrainingConfig)}
    values |= {name: value for name, value in given.items() if value is not None}
    if arch:
        values = _meant(values, arch, options) | {"arch": arch}
    if order is not None and order.resume:
        values = resumed(order, values)
    try:
        return TrainingConfig(**values)
    except ValueError as error:
        raise UsageError(f"{_where(options, error)}{error}") from None


def _meant(values: dict[str, Any], arch: str, options: argparse.Namespace) -> dict[str, Any]:
    """Of --archs, the options that this one takes, where another does: the width of mobilenet_v2 is not meant for a CNN beside it."""
    from edgeship_train.architectures import is_pretrained, pretrained

    takes = {"weights": is_pretrained, "alpha": pretrained.is_mobilenet_v2}
    others = {name for name, taken in takes.items() if not taken(arch) and any(map(taken, options.archs.split(",")))}
    return {name: value for name, value in values.items() if name not in others}


def _where(options: argparse.Namespace, error: ValueError) -> str:
    """Names the configuration file, where it says the same by itself."""
    from pathlib import Path

    from edgeship_train import config_file

    if options.config:
        try:
            TrainingConfig(**config_file.read(Path(options.config)))  # type: ignore[arg-type]  # which is what it checks
        except ValueError as own:
            return f"--config {options.config}: " if str(own) == str(error) else ""
    return ""


def _json(outcome: Outcome) -> dict[str, object]:
    manifest = outcome.manifest
    metrics = {
        name: {"accuracy": metric.accuracy, "samples": metric.samples} for name, metric in manifest.metrics.items()
    }
    return {
        "out": str(outcome.order.out),
        "report": str(outcome.order.report / "report.html"),
        "size_bytes": outcome.size_bytes,
        "parameters": int(outcome.trained.model.count_params()),
        "labels": list(manifest.labels),
        "metrics": metrics,
        "epochs": len(outcome.trained.history["loss"]),
        "best_epoch": outcome.trained.best_epoch,
        "seconds": round(outcome.trained.seconds, 3),
        "pictures_per_s": round(outcome.trained.pictures_per_s, 3),
        "carried": {
            "calibration": len(manifest.calibration),
            "proof": len(manifest.proof),
            "golden": len(manifest.golden),
        },
    }


def _answer(outcome: Outcome) -> None:
    manifest, out = outcome.manifest, outcome.order.out
    carried = [
        (manifest.calibration, "for calibration"),
        (manifest.proof, "for proof"),
        (manifest.golden, "golden sample" if len(manifest.golden) == 1 else "golden samples"),
    ]
    counts = ", ".join(f"{len(items)} {what}" for items, what in carried if items)
    for name, metric in manifest.metrics.items():
        answer(f"{_SAID.get(name, name)} accuracy {metric.accuracy:.4f} on {counted(metric.samples, 'picture')}")
    answer(f"carried in the file: {counts or 'no pictures'}")
    answer(f"wrote {out} ({outcome.size_bytes / 1e6:.1f} MB) and {outcome.order.report}/report.html")
