"""Several architectures on one split, side by side: `edgeship train --archs`."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeship_runtime.errors import UsageError
from edgeship_runtime.terminal import answer, answer_json
from edgeship_train.commands import answering
from edgeship_train.commands.options import configured, given, ordered

if TYPE_CHECKING:
    from edgeship_train.config import TrainingConfig
    from edgeship_train.order import Order
    from edgeship_train.running import Outcome

_NO_NAME = r"[^\w.-]"  # characters of an architecture that a file's name is not to have


def run(options: argparse.Namespace) -> int:
    """Trains each of --archs. What is wrong with one of them is said before the first takes hours."""
    from edgeship_runtime.data import open_data
    from edgeship_train.order import check_beside
    from edgeship_train.reporting.comparison import write_comparison
    from edgeship_train.running import begun, resolved, run_one

    archs = _archs(options)
    order, values, page = ordered(options), given(options), Path(options.out).with_suffix(".report")
    orders = {arch: dataclasses.replace(order, out=_out(order.out, arch)) for arch in archs}
    asked = {arch: configured(_meant(values, arch, archs) | {"arch": arch}, options) for arch in archs}
    _check_places(orders, page)
    check_beside(order, options.data)
    data = open_data(options.data)
    configs = {arch: resolved(data, asked[arch], order) for arch in archs}
    _check_different(configs)
    networks = {arch: begun(data, configs[arch]) for arch in archs}
    outcomes: list[Outcome] = []
    for arch in archs:
        # those that are done would be in the way of the same command
        again = f"--arch {arch} --out {orders[arch].out}" if outcomes else "the same command"
        outcomes.append(run_one(data, configs[arch], orders[arch], networks.pop(arch), again))
    written = write_comparison(page, outcomes)
    if options.json:
        models = [answering.to_json(outcome) for outcome in outcomes]
        answer_json({"models": models, "comparison": str(written)})
        return 0
    for outcome in outcomes:
        answering.say_outcome(outcome)
    answer(f"side by side: {written}")
    return 0


def _archs(options: argparse.Namespace) -> list[str]:
    if options.resume or options.arch or options.parent:
        raise UsageError(
            "--archs goes with neither --arch, --from nor --resume; go on with one: --resume --out M.ARCH.keras"
        )
    archs = [name.strip() for name in options.archs.split(",")]
    if len(set(archs)) < max(2, len(archs)) or "" in archs:
        raise UsageError(f"--archs {options.archs}: wanted at least two different ones: cnn,mobilenet_v2")
    return archs


def _out(out: Path, arch: str) -> Path:
    return out.with_suffix(f".{re.sub(_NO_NAME, '.', arch)}.keras")


def _meant(values: Mapping[str, Any], arch: str, archs: Sequence[str]) -> dict[str, Any]:
    """The options that this one takes, where another does: the width of mobilenet_v2 is not meant for a CNN beside it."""
    from edgeship_train.architectures import is_pretrained, pretrained

    takes = {"weights": is_pretrained, "alpha": pretrained.is_mobilenet_v2}
    others = {name for name, taken in takes.items() if not taken(arch) and any(map(taken, archs))}
    return {name: value for name, value in values.items() if name not in others}


def _check_places(orders: Mapping[str, Order], page: Path) -> None:
    """Refuses what is there already: a model, a checkpoint, a comparison."""
    from edgeship_runtime import files
    from edgeship_train.order import check, check_folder

    for order in orders.values():
        check(order)
    check_folder(page)
    if page.is_dir():
        files.refuse_existing(page / "comparison.html", force=next(iter(orders.values())).force)


def _check_different(configs: Mapping[str, TrainingConfig]) -> None:
    """Of two names of one network nothing is learnt by comparing."""
    names: dict[str, str] = {}
    for name, config in configs.items():
        if (other := names.setdefault(config.arch, name)) != name:
            raise UsageError(
                f"--archs {','.join(configs)}: with these pictures {other} and {name} are both {config.arch}"
            )
