"""Runs: the training of one trial, and what its best epoch is worth."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from edgeship_runtime.errors import TrainingError, UsageError
from edgeship_runtime.labelled import LabelledData
from edgeship_runtime.preprocessing import Preprocessing
from edgeship_runtime.terminal import steps
from edgeship_train import reading
from edgeship_train.config import TrainingConfig
from edgeship_train.dataset import Dataset, Part
from edgeship_train.fitting import Aids
from edgeship_train.resolving import preprocessing_of, resolve
from edgeship_train.tuning.plan import Plan

if TYPE_CHECKING:
    import optuna

    from edgeship_train.training import Trained
    from edgeship_train.watching import OnEpoch

_PARTS = ("train", "validation")  # test pictures have no say in what is best
_SMALLEST = 1e-7  # a score that Keras takes the logarithm of


class Runs:
    """The training runs of a plan, on pictures that are read once."""

    def __init__(self, plan: Plan, data: LabelledData) -> None:
        self._plan, self._data = plan, data
        self._datasets: dict[Preprocessing, Dataset] = {}

    def read(self, config: TrainingConfig) -> Dataset:
        """The pictures as a resolved configuration wants them; each size, colour and fit is read once."""
        preprocessing = preprocessing_of(config)
        if preprocessing not in self._datasets:
            dataset = reading.read(self._data, config, cached=self._plan.cached)
            parts = {name: dataset.parts[name] for name in _PARTS}
            self._datasets[preprocessing] = dataclasses.replace(dataset, parts=parts)
        return self._datasets[preprocessing]

    def value(self, trial: optuna.Trial, name: str) -> float:
        """Trains with what the trial chooses from the space; returns the objective.

        Raises:
            TrainingError, UsageError: it cannot be trained so; the trial keeps the reason.
            TrialPruned: others were better by then.
        """
        options = self._plan.space.suggest(trial)
        begun = time.monotonic()
        try:
            config = resolve(self._plan.config(options), self._data)
            dataset = self.read(config)
            trained = self._trained(trial, dataset, config, name)
            return self._kept(trial, trained, dataset.parts["validation"])
        except (TrainingError, UsageError) as error:
            trial.set_user_attr("reason", str(error))
            raise
        finally:
            trial.set_user_attr("seconds", round(time.monotonic() - begun, 3))

    def _trained(self, trial: optuna.Trial, dataset: Dataset, config: TrainingConfig, name: str) -> Trained:
        import keras

        from edgeship_train.training import train

        try:
            with steps(config.epochs) as begin:
                begin(name)
                return train(dataset, config, Aids(on_epoch=self._after_epoch(trial, name, begin), quiet=True))
        finally:
            keras.utils.clear_session()

    def _after_epoch(self, trial: optuna.Trial, name: str, begin: Callable[[str], None]) -> OnEpoch:
        """Reports an epoch, and ends the trial when others were better then."""
        import optuna

        objective = self._plan.objective

        def after(epoch: int, values: Mapping[str, float]) -> None:
            value = values[f"val_{objective}"]
            trial.report(value, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
            begin(f"{name}: {objective} {value:.4f} after epoch {epoch}")

        return after

    def _kept(self, trial: optuna.Trial, trained: Trained, part: Part) -> float:
        """Writes down what the best epoch reached. The loss is without label smoothing and penalties, so that trials compare."""
        scores = trained.scores["validation"]
        right = scores.argmax(axis=1) == part.targets
        losses = -np.log(np.maximum(scores[np.arange(len(part)), part.targets], _SMALLEST))
        values = {"accuracy": float(right.mean()), "loss": float(losses.mean(dtype=np.float64))}
        if not math.isfinite(values["loss"]):
            raise TrainingError(f"the validation loss is {values['loss']}")
        for name, value in {**values, "epochs": len(trained.history["loss"])}.items():
            trial.set_user_attr(name, value)
        return values[self._plan.objective]
