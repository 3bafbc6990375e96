"""Space files: a search space as TOML, whose keys are the fields of TrainingConfig; a list is a choice and a table a range.

augmentation = ["light", "standard"]
learning_rate = {low = 1e-4, high = 1e-2, log = true}
batch_size = {low = 16, high = 64, step = 16}
"""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from edgeship_runtime import toml_file
from edgeship_runtime.errors import TrainingError
from edgeship_train.architectures import known
from edgeship_train.config import TrainingConfig, kind
from edgeship_train.tuning.space import Choice, Range, Space


def read(path: Path, base: TrainingConfig) -> Space:
    """The space of a TOML file, each value a possible one in place of that of `base`.

    Raises:
        TrainingError: the file cannot be read, is no TOML, or names what is no option or cannot be its value.
    """
    table = toml_file.table(path, "--space")
    if not table:
        raise TrainingError(f"--space {path} is empty; wanted, for instance: dropout = [0.0, 0.2, 0.5]")
    try:
        return Space({name: _option(name, value, base) for name, value in table.items()})
    except ValueError as error:
        raise TrainingError(f"--space {path}: {error}") from None


def _option(name: str, value: object, base: TrainingConfig) -> Choice | Range:
    items = {item.name: item for item in fields(TrainingConfig)}
    if name not in items:
        near = difflib.get_close_matches(name, items, 1)
        raise ValueError(f"no option {name!r}{f'; did you mean {near[0]}?' if near else ''}")
    try:
        option = _parsed(value, items[name])
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
    for limit in option.limits:
        value_of: dict[str, Any] = {name: limit}
        dataclasses.replace(base, **value_of)  # raises ValueError where it cannot be
        if name == "arch" and not known(str(limit)):
            raise ValueError(f"arch: no architecture {limit!r}")
    return option


def _parsed(value: object, item: Field[Any]) -> Choice | Range:
    if isinstance(value, list):
        if strange := [one for one in value if not isinstance(one, (str, int, float))]:
            raise ValueError(f"has {strange[0]!r} in its list; wanted plain values")
        return Choice(tuple(dict.fromkeys(value)))
    if not isinstance(value, dict):
        raise ValueError(f"is {value!r}; wanted a list of values, or {{low = …, high = …}}")  # noqa: TRY004 - of the file
    names = [one.name for one in fields(Range)]
    if not {"low", "high"} <= value.keys() <= set(names):
        raise ValueError(f"has {', '.join(value) or 'nothing'}; wanted low and high, and possibly log or step")
    if kind(item) is float:  # from 0 to 1 are all numbers between, where fractions are possible
        value = {key: float(one) if type(one) is int else one for key, one in value.items()}
    return Range(**value)
