"""Space: which options of a training run a search may choose, and from what."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from edgeship_runtime.errors import UsageError

if TYPE_CHECKING:
    import optuna

Value: TypeAlias = "str | int | float"

_DIGITS = 3  # of a number that is searched: what lies between makes no difference, and a train.toml is read by people
_SAME_IN_ALL = {"seed": "it decides the split, and trials are compared on the same pictures"}
IN_THE_LOSS = ("label_smoothing", "l1", "l2")


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("is an empty list")

    @property
    def limits(self) -> tuple[Value, ...]:
        """Values that show whether all are possible."""
        return self.values

    def suggest(self, trial: optuna.Trial, name: str) -> Value:
        """Lets a trial choose."""
        value: Any = trial.suggest_categorical(name, self.values)
        return self.used(value)

    def used(self, value: Value) -> Value:
        """What is trained with."""
        return value


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, both possible; whole when both are.

    Attributes:
        low: the least.
        high: the most.
        log: by its logarithm.
        step: distance of the numbers that are possible, from `low` on.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        if any(type(value) not in (int, float) or not math.isfinite(value) for value in (self.low, self.high)):
            raise ValueError(f"has limits {self.low!r} and {self.high!r}; wanted numbers")
        if not self.low < self.high:
            raise ValueError(f"goes from {self.low:g} to {self.high:g}; wanted low below high")
        if type(self.log) is not bool:
            raise ValueError(f"has log = {self.log!r}; wanted true or false")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("has log = true; that takes low above 0, and no step")
        self._check_step()

    def _check_step(self) -> None:
        if self.step is None:
            return
        if type(self.step) not in (int, float) or not 0 < self.step <= self.high - self.low:
            raise ValueError(f"has step = {self.step!r}; wanted a number above 0, at most {self.high - self.low:g}")
        if self.whole and type(self.step) is not int:
            raise ValueError(f"has step = {self.step:g} between whole numbers")

    @property
    def whole(self) -> bool:
        """Whether the numbers are."""
        return type(self.low) is int and type(self.high) is int

    @property
    def limits(self) -> tuple[Value, ...]:
        """Values that show whether all are possible."""
        return self.low, self.high

    @property
    def _last(self) -> float:
        """The highest number that steps lead to."""
        if self.step is None:
            return self.high
        low, high, step = (Decimal(str(value)) for value in (self.low, self.high, self.step))
        return float(low + (high - low) // step * step)

    def suggest(self, trial: optuna.Trial, name: str) -> Value:
        """Lets a trial choose."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self._last), step=int(self.step or 1), log=self.log)
        return self.used(trial.suggest_float(name, self.low, self._last, step=self.step, log=self.log))

    def used(self, value: Value) -> Value:
        """What is trained with: a fraction has three digits that count."""
        if isinstance(value, str) or self.whole:
            return value
        return min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.high)


@dataclass(frozen=True)
class Space:
    """Field of TrainingConfig → what it may be."""

    options: Mapping[str, Choice | Range]

    @property
    def ranges(self) -> list[str]:
        """The options that are no lists."""
        return [name for name, option in self.options.items() if isinstance(option, Range)]

    @property
    def combinations(self) -> int:
        """Of all lists."""
        return math.prod(len(option.values) for option in self.options.values() if isinstance(option, Choice))

    def suggest(self, trial: optuna.Trial) -> dict[str, Value]:
        """Lets a trial choose a value of each option."""
        return {name: option.suggest(trial, name) for name, option in self.options.items()}

    def used(self, chosen: Mapping[str, Value]) -> dict[str, Value]:
        """What a trial that chose so is trained with, in the order of the space."""
        return {name: option.used(chosen[name]) for name, option in self.options.items() if name in chosen}

    def to_json(self) -> dict[str, Any]:
        """As its TOML would read."""
        return {
            name: list(option.values)
            if isinstance(option, Choice)
            else {key: value for key, value in dataclasses.asdict(option).items() if value not in (None, False)}
            for name, option in self.options.items()
        }

    def check_comparable(self, objective: str) -> None:
        """Refuses options whose values would make another objective, not a better one.

        Raises:
            UsageError: there is one.
        """
        for name in self.options:
            if name in _SAME_IN_ALL:
                raise UsageError(f"--space: {name} cannot be searched: {_SAME_IN_ALL[name]}")
            if objective == "loss" and name in IN_THE_LOSS:
                raise UsageError(
                    f"--space: {name} is part of the loss, so losses cannot be compared when it is searched; "
                    "leave it out, or use --objective accuracy"
                )
