"""Fitting: one network, one set of batches, from where its course stands to the last epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from edgeship_runtime.terminal import duration, say
from edgeship_train.augmentation import Augmentation
from edgeship_train.config import TrainingConfig
from edgeship_train.course import Checkpoint, Course
from edgeship_train.dataset import Part
from edgeship_train.optimization import optimizer, regularize

if TYPE_CHECKING:
    import keras

    from edgeship_train.batches import Shuffled
    from edgeship_train.watching import OnEpoch

    Variables: TypeAlias = list[keras.Variable]

_TIMED_STEPS, _TIMED_S = 6, 3.0
_LONG_S = 30.0


@dataclass(frozen=True)
class Aids:
    """What goes on around training.

    Attributes:
        checkpoint: written after every epoch.
        resume: whether to go on from it.
        tensorboard: folder for its logs.
        on_epoch: called after every epoch with its number and quantities; what it raises ends training.
        quiet: neither a line nor an estimate.
    """

    checkpoint: Checkpoint | None = None
    resume: bool = False
    tensorboard: Path | None = None
    on_epoch: OnEpoch = field(default=lambda _epoch, _values: None)
    quiet: bool = False


def fit(
    model: keras.Model,
    parts: Mapping[str, Part],
    labels: int,
    config: TrainingConfig,
    course: Course,
    augmentation: Augmentation,
    aids: Aids,
    *,
    first: int = 0,
) -> float:
    """Fits, and leaves the best epoch's variables in the course.

    Args:
        model: what is trainable in it is trained.
        parts: "train" and "validation".
        labels: number of scores.
        config: resolved; its learning rate is this fit's.
        course: where it stands; epochs already in it are not done again.
        augmentation: of the training part.
        aids: see Aids.
        first: epochs that belong to the course but not to this fit, nor to its schedule.

    Returns:
        Pictures per second in training, without validation.

    Raises:
        TrainingError: the loss is not a number, or the checkpoint is damaged.
    """
    from edgeship_train import watching
    from edgeship_train.batches import InOrder, Shuffled

    batch_size = config.batch_size or 1
    batches = Shuffled(parts["train"], labels, batch_size, config.seed, augmentation, config.balance)
    state = _compile(model, config, config.epochs - first, len(batches))
    values = _resumed(course, aids)
    if values is None and course.epochs and aids.checkpoint:  # the head, which may have taken hours
        aids.checkpoint.save(course, [variable.numpy() for variable in state])
    callbacks: list[Any] = [
        watching.Epochs(course, config, batches, lambda epoch, values: _after(epoch, values, course, state, aids)),
        watching.Obedient(),
    ]
    speed, line = watching.Speed(), watching.Line(config.epochs, course.epochs, len(batches), "train")
    try:
        if not aids.quiet:
            _say_time(model, batches, state, config.epochs - course.epochs)
            callbacks += [line, speed]
        if values is not None:
            _assign(state, values)
        if aids.tensorboard:
            callbacks.append(watching.tensorboard(aids.tensorboard))
        model.fit(
            batches,
            epochs=config.epochs,
            initial_epoch=course.epochs,
            shuffle=False,  # they are already; Keras would order them anew, by a state that no checkpoint has
            validation_data=InOrder(parts["validation"], labels, batch_size),
            callbacks=callbacks,
            verbose=0,
        )
    finally:
        line.close()
    return speed.median() * batch_size


def _resumed(course: Course, aids: Aids) -> list[Any] | None:
    """Where the interrupted run stood, if this one continues it; returns the values of its variables."""
    if not (aids.resume and aids.checkpoint):
        return None
    saved, values = aids.checkpoint.load()
    vars(course).update(vars(saved))
    return values


def _after(epoch: int, values: Mapping[str, float], course: Course, state: Variables, aids: Aids) -> None:
    if aids.checkpoint:
        aids.checkpoint.save(course, [variable.numpy() for variable in state])
    aids.on_epoch(epoch, values)


def _compile(model: keras.Model, config: TrainingConfig, epochs: int, steps: int) -> Variables:
    """Optimizer, loss and penalties; returns all variables that change while it trains."""
    import keras

    assert config.learning_rate is not None  # noqa: S101 - resolved
    regularize(model, config.l1, config.l2)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
    model.compile(optimizer(config, config.learning_rate, epochs, steps), loss, metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _say_time(model: keras.Model, batches: Shuffled, state: Variables, epochs: int) -> None:
    """How long it will take, from a few steps that are then undone."""
    from edgeship_train import watching

    before = [variable.numpy() for variable in state]
    timer = watching.Timer(_TIMED_STEPS, _TIMED_S)
    model.fit(batches, epochs=1, shuffle=False, callbacks=[timer, watching.Obedient()], verbose=0)
    _assign(state, before)
    total = timer.step_s * len(batches) * epochs
    if total > _LONG_S:
        say(
            f"estimated time: {duration(total)} for {epochs} epochs of {len(batches)} steps ({timer.step_s:.2g} s each), "
            "less if it stops early"
        )


def _assign(variables: Variables, values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
