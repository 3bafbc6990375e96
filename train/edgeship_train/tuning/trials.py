"""Trials: what a search has tried, each a training run with its own values of the options that are searched."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeship_runtime.terminal import counted
from edgeship_train.tuning.space import Space, Value

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

# A trial whose process was killed twice may be what kills it.
RETRIES = 1
_ENDED = "its process ended"


@dataclass(frozen=True)
class Trial:
    """One trial, as far as it came.

    Attributes:
        number: from 1, in the order in which trials began.
        state: "complete", "pruned", "failed" or "running".
        value: the objective; None where it did not come to that.
        options: the values it chose.
        history: epoch → the objective then.
        accuracy: of the best epoch, on validation pictures.
        loss: likewise, without label smoothing and penalties.
        epochs: done.
        seconds: of training.
        reason: why it failed.
    """

    number: int
    state: str
    value: float | None
    options: Mapping[str, Value]
    history: Mapping[int, float]
    accuracy: float | None
    loss: float | None
    epochs: int
    seconds: float
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """All of it; numbers that are none are null."""
        values: dict[str, Any] = {**vars(self), "options": dict(self.options)}
        values["history"] = {epoch: _number(value) for epoch, value in self.history.items()}
        return {name: _number(value) if isinstance(value, float) else value for name, value in values.items()}


def counting(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that count towards those that are wanted: all but the ones that are, or were, begun again under another number."""
    every = study.get_trials(deepcopy=False)
    again = {number for trial in every for number in trial.system_attrs.get("retry_history", ())}
    return [trial for trial in every if trial.state.name != "WAITING" and trial.number not in again]


def of(study: optuna.Study, space: Space) -> list[Trial]:
    """What was tried so far."""
    return [_trial(number, trial, space) for number, trial in enumerate(counting(study), 1)]


def best(found: Sequence[Trial], objective: str) -> Trial | None:
    """The complete trial with the best value; among equal accuracies, which are frequent, the one with the lowest loss."""
    complete = [trial for trial in found if trial.state == "complete" and trial.value is not None]
    sign = -1 if objective == "accuracy" else 1
    return min(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.loss or 0.0), default=None)


def line(trial: Trial, found: Sequence[Trial], objective: str) -> str:
    """How a trial went, for people."""
    options = spelled(trial.options)
    if trial.state == "failed":
        return f"failed: {trial.reason}; {options}"
    if trial.state == "pruned":
        return f"pruned after {counted(trial.epochs, 'epoch')}; {options}"
    leader = best(found, objective)
    assert leader is not None  # noqa: S101 - there is this one
    place = "the best so far" if leader is trial else f"best {leader.value:.4f}, trial {leader.number}"
    return f"validation {objective} {trial.value:.4f} ({place}); {options}"


def spelled(options: Mapping[str, Value]) -> str:
    """Options as a list in a line: "learning_rate 0.0021, dropout 0.2"."""
    return ", ".join(f"{name} {value if isinstance(value, str) else f'{value:g}'}" for name, value in options.items())


def begin_again(study: optuna.Study, trial: FrozenTrial, retries: int | None = None) -> None:
    """Puts a trial that did not come to its end back, with the values it chose, for whichever process comes first."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        retry = optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=retries)
    retry(study, copy.deepcopy(trial))  # it adds to the trial's own attributes


def _trial(number: int, trial: FrozenTrial, space: Space) -> Trial:
    state = {"COMPLETE": "complete", "PRUNED": "pruned", "RUNNING": "running"}.get(trial.state.name, "failed")
    about = trial.user_attrs
    return Trial(
        number,
        state,
        trial.value,
        space.used(trial.params),
        trial.intermediate_values,
        about.get("accuracy"),
        about.get("loss"),
        about.get("epochs", len(trial.intermediate_values)),
        about.get("seconds", 0.0),
        about.get("reason", _ENDED) if state == "failed" else "",
    )


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
