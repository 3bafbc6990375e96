"""Order: what is wanted of a training run besides its configuration, and whether it may be begun."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeship_runtime import files, labelled_folders
from edgeship_runtime.errors import MissingExtraError, OutputError, TrainingError
from edgeship_runtime.named_sets import is_named_set
from edgeship_train import course
from edgeship_train.architectures import DEFAULT_CNNS
from edgeship_train.continuing import Parent


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
    def origin(self) -> str | None:
        """SHA-256 of the model that goes on."""
        return self.parent.model.raw.model_sha256 if self.parent else None

    @property
    def checkpoint(self) -> Path:
        """The file beside the model, while it is being trained."""
        return self.out.with_suffix(".checkpoint")


def check(order: Order) -> None:
    """Refuses before the work, rather than after it.

    Raises:
        OutputError: the model, or the checkpoint of an interrupted run, is there already, or its folder cannot be written to.
        MissingExtraError: TensorBoard is wanted and not installed.
    """
    if order.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise MissingExtraError("--tensorboard needs TensorBoard: pip install 'edgeship[tensorboard]'")
    files.refuse_existing(order.out, force=order.force)
    check_folder(order.report)
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


def resumed(order: Order, given: dict[str, Any]) -> dict[str, Any]:
    """The options of the interrupted run, once it is sure that no others were given.

    Raises:
        TrainingError: another value or another --from was given now, or there is no checkpoint, or none any more.
    """
    if order.out.exists() and not order.checkpoint.exists():
        raise TrainingError(
            f"--resume: {order.out} is there, and no {order.checkpoint.name}: the run came to its end; "
            "to train anew, leave --resume out and give --force"
        )
    about: Any = course.about(order.checkpoint)
    if about.get("from") != order.origin:  # before anything else: its network has other options
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


def check_folder(folder: Path) -> None:
    """Refuses a file that has the name of a report's folder.

    Raises:
        OutputError: there is one.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; the report's folder has this name: move it, or choose another --out")
