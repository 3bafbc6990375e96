"""Plan: what a search is for, and how it goes about it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from edgeship_runtime.errors import UsageError
from edgeship_train.architectures import is_pretrained
from edgeship_train.architectures.own import is_own
from edgeship_train.augmentation import PRESETS
from edgeship_train.config import TrainingConfig
from edgeship_train.tuning.space import IN_THE_LOSS, Choice, Range, Space, Value


@dataclass(frozen=True)
class Plan:
    """What is searched for, and how.

    Attributes:
        base: what every trial has in common; need not be resolved.
        space: what they differ in.
        trials: how many are wanted, over all processes.
        objective: "accuracy" or "loss" of the best epoch, on validation pictures.
        sampler: "tpe", "random" or "grid".
        pruner: "median" or "none".
        cached: keep decoded pictures in the cache.

    Raises:
        UsageError: these do not go together.
    """

    base: TrainingConfig
    space: Space
    trials: int
    objective: str = "accuracy"
    sampler: str = "tpe"
    pruner: str = "median"
    cached: bool = True

    def __post_init__(self) -> None:
        self.space.check_comparable(self.objective)
        if self.sampler == "grid" and self.space.ranges:
            raise UsageError(
                f"--sampler grid takes lists only, and {self.space.ranges[0]} is a range; give a --space of lists, "
                f"such as {self.space.ranges[0]} = [{', '.join(map(json.dumps, self.space.options[self.space.ranges[0]].limits))}]"
            )

    @property
    def wanted(self) -> int:
        """Trials, of which a grid has no more than combinations."""
        return min(self.trials, self.space.combinations) if self.sampler == "grid" else self.trials

    @property
    def searches_networks(self) -> bool:
        """Whether trials may differ in their network, or in the pictures that it takes."""
        groups = {item.name: item.metadata["group"] for item in fields(TrainingConfig)}
        return any(groups[name] in ("network", "pictures") for name in self.space.options)

    def config(self, options: Mapping[str, Value]) -> TrainingConfig:
        """The base with the options of a trial.

        Raises:
            UsageError: they do not go together.
        """
        values: Mapping[str, Any] = options
        try:
            return dataclasses.replace(self.base, **values)
        except ValueError as error:
            raise UsageError(str(error)) from None


def default_space(base: TrainingConfig, kept: Collection[str], objective: str) -> Space:
    """What matters most of times, around what is usual for the base's network and optimizer; without the options `kept`.

    Raises:
        UsageError: nothing is left.
    """
    sgd = base.optimizer == "sgd"
    options: dict[str, Choice | Range] = {
        "learning_rate": Range(5e-3, 0.5, log=True) if sgd else Range(1e-4, 1e-2, log=True),
        "dropout": Range(0.0, 0.6),
        "augmentation": Choice(("none", "light", "standard", "strong")),
        "label_smoothing": Choice((0.0, 0.05, 0.1)),
        "fine_tune_rate": Range(0.03, 1.0, log=True),
        "optimizer": Choice(("adam", "adamw")),
        "weight_decay": Range(1e-4, 0.1, log=True),
    }
    left_out = {*kept, *_without_effect(base, kept), *(IN_THE_LOSS if objective == "loss" else ())}
    options = {name: option for name, option in options.items() if name not in left_out}
    if not options:
        raise UsageError("every option that is searched by default is given; say with --space what to search")
    return Space(options)


def opened(base: TrainingConfig, space: Space, kept: Collection[str]) -> TrainingConfig:
    """The base without what would hide a searched preset: a train.toml spells out each value of the preset it was made with."""
    if "augmentation" not in space.options:
        return base
    preset = PRESETS[base.augmentation]
    spelled = [
        item.name
        for item in fields(preset)
        if item.name not in kept and item.name != "fill" and getattr(base, item.name) == getattr(preset, item.name)
    ]
    nothing: dict[str, Any] = dict.fromkeys(spelled)
    return dataclasses.replace(base, **nothing)


def _without_effect(base: TrainingConfig, kept: Collection[str]) -> set[str]:
    """Options of the default space that this base has no use for."""
    found = set()
    if base.optimizer == "adam" and "optimizer" in kept:
        found.add("weight_decay")
    if base.optimizer == "sgd":
        found |= {"optimizer", "weight_decay"}
    if not is_pretrained(base.arch) or base.weights == "none":
        found.add("fine_tune_rate")
    if is_own(base.arch):  # whose function takes no dropout
        found.add("dropout")
    return found
