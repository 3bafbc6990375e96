"""Running: one training run, from labelled pictures to a model file and the report beside it."""

from __future__ import annotations

import dataclasses
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeship_runtime import files, labelled_folders
from edgeship_runtime.errors import MissingExtraError, OutputError, TrainingError
from edgeship_runtime.labelled import LabelledData
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.named_sets import is_named_set
from edgeship_runtime.terminal import counted, say, watched
from edgeship_train import course, interrupts
from edgeship_train.architectures import DEFAULT_CNNS, Network
from edgeship_train.config import TrainingConfig
from edgeship_train.continuing import Heir, Parent
from edgeship_train.course import Checkpoint
from edgeship_train.dataset import Dataset, in_files, read_dataset
from edgeship_train.fitting import Aids, duration
from edgeship_train.leakage import look
from edgeship_train.rehearsal import Rehearsal
from edgeship_train.resolving import preprocessing_of, resolve
from edgeship_train.training import Trained, built, choose_device, train

_LISTED, _FEW_LISTED = 10, 3


@dataclass(frozen=True)
class Order:
    """What is wanted of a run, besides its configuration.

    Attributes:
        out: the .keras to write.
        resume: go on from the checkpoint that an interrupted run left beside it.
        force: overwrite what exists, a checkpoint too.
        carry_pictures: let pictures travel in the file.
        cached: keep decoded pictures in the cache.
        tensorboard: write logs for it into the report's folder.
        parent: the model that goes on; None begins with a new one.
    """

    out: Path
    resume: bool = False
    force: bool = False
    carry_pictures: bool = True
    cached: bool = True
    tensorboard: bool = False
    parent: Parent | None = None

    @property
    def report(self) -> Path:
        """The folder beside the model."""
        return self.out.with_suffix(".report")

    @property
    def logs(self) -> Path:
        """TensorBoard's folder."""
        return self.report / "tensorboard"

    @property
    def checkpoint(self) -> Path:
        """The file beside the model, while it is being trained."""
        return self.out.with_suffix(".checkpoint")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run gave."""

    order: Order
    dataset: Dataset
    trained: Trained
    manifest: Manifest
    size_bytes: int


def check(order: Order) -> None:
    """Refuses before the work, rather than after it.

    Raises:
        OutputError: the model, or the checkpoint of an interrupted run, is there already.
        MissingExtraError: TensorBoard is wanted and not installed.
    """
    if order.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise MissingExtraError("--tensorboard needs TensorBoard: pip install 'edgeship[tensorboard]'")
    files.refuse_existing(order.out, force=order.force)
    _check_report(order.report)
    if order.checkpoint.exists() and not (order.resume or order.force):
        raise OutputError(f"{order.checkpoint} is of an interrupted run: --resume goes on with it, --force begins anew")


def check_beside(order: Order, data: str) -> None:
    """Refuses a report among the folders of labels: to the next run it would be one of them.

    Raises:
        OutputError: the model is to be written where DATA's labels, or its parts, are.
    """
    if is_named_set(data):
        return
    folder, top = order.out.parent.resolve(), Path(data).resolve()
    if folder == top or (folder.parent == top and folder.name.lower() in labelled_folders.PARTS):
        raise OutputError(
            f"{order.out}: beside it comes the folder {order.report.name}, which would be one more label of {data}; "
            "choose an --out that is not in the data"
        )


def check_comparison(folder: Path, *, force: bool) -> None:
    """Refuses a place where several runs cannot be put side by side.

    Raises:
        OutputError: another comparison is there already, or a file has the folder's name.
    """
    _check_report(folder)
    if folder.is_dir():
        files.refuse_existing(folder / "comparison.html", force=force)


def resumed(order: Order, given: dict[str, Any]) -> dict[str, Any]:
    """The options of the interrupted run, once it is sure that no others were given.

    Raises:
        TrainingError: another value or another --from was given now, or there is no checkpoint.
    """
    about: Any = course.about(order.checkpoint)
    if about.get("from") != _origin(order.parent):  # before anything else: its network has other options
        raise TrainingError(
            f"--resume: {order.checkpoint.name} is of a run with {'another' if about.get('from') else 'no'} --from; "
            f"{'give the same one again' if about.get('from') else 'leave it out'}"
        )
    options = about["options"]
    for name, value in given.items():
        stands_for_it = name == "arch" and value == "cnn" and options["arch"] in DEFAULT_CNNS
        if options.get(name) != value and not stands_for_it:
            flag = f"--{name.replace('_', '-')}"
            raise TrainingError(
                f"--resume: {flag} is {value} now and was {options.get(name)} in the run that {order.checkpoint.name} is of; "
                "leave it out, or begin anew with --force"
            )
    return dict(options)


def resolved(data: LabelledData, config: TrainingConfig, order: Order) -> TrainingConfig:
    """The configuration without open questions. It takes neither TensorFlow nor more than a look at the pictures.

    Raises:
        UsageError: options contradict each other, or the pictures.
        TrainingError: a weights file cannot be read.
    """
    parent = order.parent
    return resolve(config, parent.joined(data) if parent else data, parent.model.manifest if parent else None)


def begun(data: LabelledData, config: TrainingConfig) -> Network:
    """A run's network, with a resolved configuration: what is wrong with it is said before another run takes hours.

    Raises:
        TrainingError: its weights cannot be had, or it does not take such pictures.
    """
    choose_device()
    with interrupts.noted():
        return built(config, preprocessing_of(config).shape, len(data.labels))


def run_one(data: LabelledData, config: TrainingConfig, order: Order, network: Network | None = None) -> Outcome:
    """Trains and writes model and report, with a resolved configuration. A network that was begun is trained, else a new one.

    Raises:
        EdgeshipError: in one line, as the command line prints it.
        KeyboardInterrupt: what was begun is whole, or not there.
    """
    parent = order.parent
    if parent is not None:
        _say_labels(parent, data)
        data = parent.joined(data)
    dataset = read(data, config, cached=order.cached, rehearsal=parent.rehearsal() if parent else None)
    checkpoint = Checkpoint(order.checkpoint, _about(config, dataset, parent))
    if order.resume:
        _check_data(checkpoint)
    say(f"device: {choose_device()}")
    with interrupts.noted():
        if not order.resume:
            checkpoint.remove()  # of a run that --force gives up: this one may be interrupted before it has one
            _remove_logs(order.logs)
        logs = order.logs if order.tensorboard else None
        heir = parent.heir(dataset, config.seed) if parent else None
        aids = Aids(checkpoint, resume=order.resume, tensorboard=logs)
        trained = train(dataset, config, aids, heir.network if heir else network)
        outcome = write(dataset, trained, order, heir)
        checkpoint.remove()
        interrupts.obey(f"{order.out} and its report were written before")
    return outcome


def _remove_logs(folder: Path) -> None:
    """Those of an earlier run: TensorBoard draws whatever lies in a folder as one run. Only its own files are touched."""
    for path in folder.glob("*/events.out.tfevents.*"):
        path.unlink(missing_ok=True)


def kept(data: LabelledData, order: Order, again: str) -> str:
    """What an interrupted run left to go on from, for people; `again` is how to begin it anew."""
    if done := course.stands_at(order.checkpoint):
        return f"{done} are done; --resume --out {order.out} goes on from there"
    decoded = " with the pictures decoded so far" if order.cached and in_files(data) else ""
    return f"no epoch was done; {again} begins anew{decoded}"


def read(
    data: LabelledData,
    config: TrainingConfig,
    *,
    cached: bool,
    rehearsal: Rehearsal | None = None,
) -> Dataset:
    """The pictures of a resolved configuration, and a few lines about them."""
    preprocessing = preprocessing_of(config)
    dataset = read_dataset(
        data,
        preprocessing,
        config.seed,
        lambda pictures: watched(pictures, "read"),
        cached=cached,
        rehearsal=rehearsal,
    )
    leakage = look(dataset)
    dataset = dataclasses.replace(dataset, near=leakage.pairs)
    _say_data(dataset)
    _say_moved(data, dataset)
    if leakage.unpaired:
        say(
            f"too many pictures to compare each with each: {leakage.unpaired:,} of training were not, for near duplicates"
        )
    return dataset


def write(dataset: Dataset, trained: Trained, order: Order, heir: Heir | None = None) -> Outcome:
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


def _check_report(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; the report's folder has this name: move it, or choose another --out")


def _about(config: TrainingConfig, dataset: Dataset, parent: Parent | None) -> dict[str, object]:
    options = {name: value for name, value in dataclasses.asdict(config).items() if value is not None}
    about = {"options": options, "parts_sha256": dataset.parts_sha256, "counts": dict(dataset.split.counts)}
    return about | {"from": _origin(parent)}


def _origin(parent: Parent | None) -> str | None:
    """Of a checkpoint's run: tells one parent from another."""
    return parent.model.raw.model_sha256 if parent else None


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


def _say_moved(data: LabelledData, dataset: Dataset) -> None:
    """Of data that came in parts: what the earlier model was trained on, and so tells nothing about it."""
    measuring = {id(picture) for name in ("validation", "test") for picture in data.parts.get(name, ())}
    if moved := sum(id(picture) in measuring for picture in dataset.parts["train"].pictures):
        say(
            f"the earlier model was trained on {counted(moved, 'picture')} of validation or test: trained on again, not measured"
        )


def _say_data(dataset: Dataset) -> None:
    for name, why in list(dataset.unreadable.items())[:_LISTED]:
        say(f"left out: {name}: {why}")
    if dataset.unreadable:
        say(f"training goes on without them: {counted(len(dataset.unreadable), 'unreadable picture')}")
    for first, second in dataset.contradictions[:_LISTED]:
        say(f"one picture, two labels: {first} was kept, {second} left out")
    if dataset.duplicates:
        say(f"left out {counted(dataset.duplicates, 'exact duplicate')}")
    for first, second in dataset.near[:_FEW_LISTED]:
        say(f"nearly the same picture: {first} and {second}")
    if len(dataset.near) > _FEW_LISTED:
        say(
            f"and {counted(len(dataset.near) - _FEW_LISTED, 'more such pair')} in other parts or under other labels: see the report"
        )
    parts = ", ".join(f"{name} {count:,}" for name, count in dataset.split.counts.items())
    shape = f"{dataset.preprocessing.width}×{dataset.preprocessing.height} {dataset.preprocessing.color}"
    say(f"data: {len(dataset.labels)} labels; {parts} pictures; input {shape}")
    if dataset.in_cache:
        size = sum(part.pixels.nbytes for part in dataset.parts.values()) / 1e6
        say(f"decoded {counted(dataset.decoded, 'picture')}; {size:,.0f} MB are in the cache ({files.cache_home()})")
