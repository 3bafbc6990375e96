"""Optimization: the optimizer and the schedule of its learning rate, from a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from edgeship_train.config import TrainingConfig

if TYPE_CHECKING:
    import keras

    Rate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule

RATES = {"adam": 1e-3, "adamw": 1e-3, "sgd": 0.05}  # that most networks learn with
_LAST = 0.01  # share of the rate that an exponential schedule ends with
_MOMENTUM = 0.9


def optimizer(config: TrainingConfig, rate: float, epochs: int, steps: int) -> keras.Optimizer:
    """For `epochs` of `steps` each, the learning rate being `rate` at its highest."""
    import keras

    schedule = scheduled(config, rate, epochs, steps)
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(schedule, momentum=_MOMENTUM, nesterov=True)
    if config.optimizer == "adamw":
        return keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay)
    return keras.optimizers.Adam(schedule)


def scheduled(config: TrainingConfig, rate: float, epochs: int, steps: int) -> Rate:
    """The learning rate as a function of the step."""
    from keras.optimizers import schedules

    total = epochs * steps
    if config.schedule == "constant":
        return rate
    if config.schedule == "step":
        return schedules.PiecewiseConstantDecay([total // 2, total * 3 // 4], [rate, rate / 10, rate / 100])
    if config.schedule == "exponential":
        return schedules.ExponentialDecay(rate, total, _LAST)
    warmup = round(config.warmup_epochs * steps)
    if not warmup:
        return schedules.CosineDecay(rate, total)
    return schedules.CosineDecay(0.0, total - warmup, warmup_target=rate, warmup_steps=warmup)


def regularize(model: keras.Model, l1: float, l2: float) -> None:
    """Penalises every kernel that is trained, whoever wrote the network."""
    import keras

    if l1 or l2:
        for variable in model.trainable_variables:
            if variable.name.endswith("kernel"):
                variable.regularizer = keras.regularizers.L1L2(l1, l2)
