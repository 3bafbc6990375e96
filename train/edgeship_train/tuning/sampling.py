"""Sampling: Optuna's samplers, each trial's chance drawn from the seed and the trial's number.

A sampler that is seeded once begins again in every process: two that share a search would try the same, and a resumed one would repeat
what is there. The module imports Optuna; import it where a search begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, GridSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from edgeship_train.tuning.space import Choice, Space

_COMPLETE_BEFORE_PRUNING = 5  # trials that a median is worth something of
_UNPRUNED = 5  # a fifth of the epochs: the first ones say little about the last


def sampler(kind: str, space: Space, seed: int) -> BaseSampler:
    """Of the kind "tpe", "random" or "grid"."""
    if kind == "grid":
        lists = {name: list(option.values) for name, option in space.options.items() if isinstance(option, Choice)}
        return GridSampler(lists, seed)  # goes by the trial's number already; the seed shuffles
    return _ByNumber(RandomSampler if kind == "random" else TPESampler, seed)


def pruner(kind: str, epochs: int) -> BasePruner:
    """Of the kind "median" or "none", for trials of so many epochs."""
    if kind == "none":
        return NopPruner()
    return MedianPruner(n_startup_trials=_COMPLETE_BEFORE_PRUNING, n_warmup_steps=epochs // _UNPRUNED)


class _ByNumber(BaseSampler):
    """A new sampler for each trial."""

    def __init__(self, make: Callable[..., BaseSampler], seed: int) -> None:
        self._make, self._seed = make, seed

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        (seed,) = np.random.SeedSequence((self._seed, trial.number)).generate_state(1)
        self._sampler = self._make(seed=int(seed))
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:  # noqa: ANN401 - as its base
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._sampler.after_trial(study, trial, state, values)
