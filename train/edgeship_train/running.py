"""Running: one training run, from labelled pictures to a model file and the report beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeship_runtime import files
from edgeship_runtime.errors import TrainingError
from edgeship_runtime.labelled import LabelledData
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.terminal import counted, duration, say
from edgeship_train import course, interrupts, reading
from edgeship_train.architectures import Network
from edgeship_train.config import TrainingConfig
from edgeship_train.continuing import Heir, Parent
from edgeship_train.course import Checkpoint
from edgeship_train.dataset import Dataset, check_labels, in_files
from edgeship_train.fitting import Aids
from edgeship_train.order import Order
from edgeship_train.resolving import preprocessing_of, resolve
from edgeship_train.training import Trained, built, choose_device, train
from edgeship_train.transfer import first_tuned

_LISTED = 10


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run gave."""

    order: Order
    dataset: Dataset
    trained: Trained
    manifest: Manifest
    size_bytes: int


def resolved(data: LabelledData, config: TrainingConfig, order: Order, chosen: Collection[str] = ()) -> TrainingConfig:
    """The configuration without open questions. It takes neither TensorFlow nor more than a look at the pictures.

    Args:
        data: labelled pictures.
        config: what was asked for.
        order: what is wanted besides.
        chosen: the configuration's fields that were asked for.

    Raises:
        UsageError: options contradict each other, or the pictures.
        TrainingError: a weights file cannot be read.
        DataError: fewer than two labels, or one without pictures to train on.
    """
    parent = order.parent
    if parent is None:
        check_labels(data)
        return resolve(config, data)
    joined = parent.joined(data)
    check_labels(joined, parent.rehearsed_labels)
    return resolve(config, joined, parent.model.manifest, chosen)


def begun(data: LabelledData, config: TrainingConfig, parent: Parent | None = None) -> Network:
    """The network that a run begins with. What is wrong with it is said before pictures are decoded, which may take hours.

    Args:
        data: labelled pictures.
        config: resolved.
        parent: the model that goes on.

    Raises:
        TrainingError: its weights cannot be had, it does not take such pictures, the earlier model has no last layer that can
            be widened, or there is no block to fine-tune from.
    """
    choose_device()
    with interrupts.noted():
        if parent is None:
            return built(config, preprocessing_of(config).shape, len(data.labels))
        network = parent.network(len(parent.joined(data).labels), config.seed)
        first_tuned(network, config)
        return network


def run_one(
    data: LabelledData,
    config: TrainingConfig,
    order: Order,
    network: Network | None = None,
    again: str = "the same command",
) -> Outcome:
    """Trains and writes model and report.

    Args:
        data: labelled pictures.
        config: resolved.
        order: what is wanted besides.
        network: as it is `begun`; None begins it here.
        again: what begins this run anew, for the line after an interrupt.

    Raises:
        EdgeshipError: in one line, as the command line prints it.
        KeyboardInterrupt: what was begun is whole, or not there; it says what there is to go on from.
    """
    try:
        return _run(data, config, order, network)
    except KeyboardInterrupt as stop:
        raise type(stop)(str(stop) or _kept(data, order, again)) from None


def _run(data: LabelledData, config: TrainingConfig, order: Order, network: Network | None) -> Outcome:
    parent = order.parent
    if parent is not None:
        _say_labels(parent, data)
        data = parent.joined(data)
    network = network or begun(data, config, parent)
    dataset = reading.read(data, config, cached=order.cached, rehearsal=parent.rehearsal() if parent else None)
    checkpoint = Checkpoint(order.checkpoint, _about(config, dataset, order))
    if order.resume:
        _check_data(checkpoint)
    say(f"device: {choose_device()}")
    with interrupts.noted():
        if not order.resume:
            checkpoint.remove()  # of a run that --force gives up: this one may be interrupted before it has one
            _remove_logs(order.logs)
        logs = order.logs if order.tensorboard else None
        heir = parent.heir(network, dataset) if parent else None
        aids = Aids(checkpoint, resume=order.resume, tensorboard=logs)
        trained = train(dataset, config, aids, network)
        outcome = _write(dataset, trained, order, heir)
        checkpoint.remove()
        interrupts.obey(f"{order.out} and its report were written before")
    return outcome


def _remove_logs(folder: Path) -> None:
    """Those of an earlier run: TensorBoard draws whatever lies in a folder as one run. Only its own files are touched."""
    for path in folder.glob("*/events.out.tfevents.*"):
        path.unlink(missing_ok=True)


def _write(dataset: Dataset, trained: Trained, order: Order, heir: Heir | None = None) -> Outcome:
    """The model file, then its report."""
    from edgeship_train.reporting.problems import no_better_than_one_answer
    from edgeship_train.reporting.report import write_report
    from edgeship_train.saving import model_bytes

    content, manifest = model_bytes(dataset, trained, carry_pictures=order.carry_pictures, heir=heir)
    files.write(order.out, content, force=order.force)
    order.report.mkdir(exist_ok=True)
    write_report(order.report, dataset, trained, manifest, force=True)
    for problem in no_better_than_one_answer(dataset, manifest):
        say(f"warning: {problem.headline[0].lower()}{problem.headline[1:]}. {problem.advice}")
    say(f"trained for {counted(len(trained.history['loss']), 'epoch')} in {duration(trained.seconds)}")
    return Outcome(order, dataset, trained, manifest, len(content))


def _kept(data: LabelledData, order: Order, again: str) -> str:
    """What an interrupted run left to go on from, for people; `again` is how to begin it anew."""
    if done := course.stands_at(order.checkpoint):
        return f"{done} are done; --resume --out {order.out} goes on from there"
    decoded = " with the pictures decoded so far" if order.cached and in_files(data) else ""
    return f"no epoch was done; {again} begins anew{decoded}"


def _about(config: TrainingConfig, dataset: Dataset, order: Order) -> dict[str, object]:
    options = {name: value for name, value in dataclasses.asdict(config).items() if value is not None}
    about = {"options": options, "parts_sha256": dataset.parts_sha256, "counts": dict(dataset.split.counts)}
    return about | {"from": order.origin}


def _check_data(checkpoint: Checkpoint) -> None:
    """The pictures are those that the interrupted run began with."""
    then = course.about(checkpoint.path)
    if then["parts_sha256"] == checkpoint.about["parts_sha256"]:
        return
    counts: list[Any] = [then["counts"], checkpoint.about["counts"]]
    was, now = (", ".join(f"{name} {count:,}" for name, count in one.items()) for one in counts)
    raise TrainingError(
        f"--resume: the pictures, or the parts they are in, are not those that {checkpoint.path.name} was trained on "
        f"(then {was}; now {now}); "
        "put them back, or begin anew with --force"
    )


def _say_labels(parent: Parent, data: LabelledData) -> None:
    """Which labels are new. One that differs from a known one in nothing but its case is most likely a slip."""
    new = [label for label in data.labels if label not in parent.labels]
    same = {label.casefold(): label for label in parent.labels}
    for label in new:
        if known := same.get(label.casefold()):
            say(
                f"warning: label {label!r} is new; {parent.model.path.name} knows {known!r}: rename one if they are the same"
            )
    names = ", ".join(new[:_LISTED]) + (f" and {len(new) - _LISTED} more" if len(new) > _LISTED else "")
    say(
        f"goes on from {parent.model.path.name}, which knows {counted(len(parent.labels), 'label')}; new: {names or 'none'}"
    )
