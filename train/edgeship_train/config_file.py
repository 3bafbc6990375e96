"""Configuration files: train.toml, whose keys are the fields of TrainingConfig."""

from __future__ import annotations

import difflib
import json
from dataclasses import fields
from pathlib import Path

from edgeship_runtime.errors import TrainingError
from edgeship_runtime.toml_file import table
from edgeship_train.config import GROUPS, TrainingConfig


def read(path: Path) -> dict[str, object]:
    """The options that a file sets; their values are checked when they become a TrainingConfig.

    Raises:
        DataError: the file cannot be read, or is no TOML.
        TrainingError: it sets what is no option.
    """
    values = table(path, "--config")
    names = [item.name for item in fields(TrainingConfig)]
    for name in values:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(names)}"
            raise TrainingError(f"--config {path}: no option {name!r}{hint}")
    return values


def text(config: TrainingConfig) -> str:
    """A train.toml that gives this configuration again. Fields without a value are left out."""
    blocks = []
    for group in GROUPS:
        items = [item for item in fields(config) if item.metadata["group"] == group]
        lines = [
            f"{item.name} = {_value(getattr(config, item.name))}"
            for item in items
            if getattr(config, item.name) is not None
        ]
        blocks.append("\n".join([f"# {group}", *lines]))
    return "\n\n".join(blocks) + "\n"


def _value(value: object) -> str:
    # JSON's strings and finite numbers are TOML's too, but for an exponent without a point: 1e-05 is fine in both
    return json.dumps(value, ensure_ascii=False)
