"""Options of the command line that decide a training run: the fields of TrainingConfig, and the run's Order."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from edgeship_train.config import GROUPS, TrainingConfig, kind

if TYPE_CHECKING:
    from edgeship_train.order import Order


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """An option for each field of TrainingConfig, in its groups. What is not given is None."""
    for name in GROUPS:
        group = parser.add_argument_group(name)
        for item in fields(TrainingConfig):
            rules = item.metadata
            if rules["group"] == name:
                group.add_argument(
                    f"--{item.name.replace('_', '-')}",
                    type=kind(item),
                    choices=rules.get("choices"),
                    metavar=rules.get("metavar"),
                    help=rules["help"],
                )


def given(options: argparse.Namespace) -> dict[str, Any]:
    """What was asked for: --config, and the flags over it; neither checked nor complete.

    Raises:
        DataError, TrainingError: the file cannot be read, or sets what is no option.
    """
    from pathlib import Path

    from edgeship_train import config_file

    values: dict[str, Any] = config_file.read(Path(options.config)) if options.config else {}
    flags = {item.name: getattr(options, item.name) for item in fields(TrainingConfig)}
    return values | {name: value for name, value in flags.items() if value is not None}


def configured(values: dict[str, Any], options: argparse.Namespace) -> TrainingConfig:
    """Checked.

    Raises:
        UsageError: a value that cannot be.
    """
    from edgeship_runtime.errors import UsageError

    try:
        return TrainingConfig(**values)
    except ValueError as error:
        raise UsageError(f"{_where(options, error)}{error}") from None


def ordered(options: argparse.Namespace) -> Order:
    """What is wanted besides.

    Raises:
        UsageError: --out is no .keras.
        EdgeshipError: --from cannot be gone on from.
    """
    from pathlib import Path

    from edgeship_runtime.errors import UsageError
    from edgeship_train.continuing import Parent
    from edgeship_train.order import Order

    out = Path(options.out)
    if out.suffix != ".keras":
        raise UsageError(f"--out {out}: wanted a name that ends with .keras")
    return Order(
        out,
        resume=options.resume,
        force=options.force,
        carry_pictures=options.carry != "none",
        cached=not options.no_cache,
        tensorboard=options.tensorboard,
        parent=Parent.open(Path(options.parent)) if options.parent else None,
    )


def _where(options: argparse.Namespace, error: ValueError) -> str:
    """Names the configuration file, where it says the same by itself."""
    from pathlib import Path

    from edgeship_train import config_file

    if options.config:
        try:
            TrainingConfig(**config_file.read(Path(options.config)))  # type: ignore[arg-type]  # which is what it checks
        except ValueError as own:
            return f"--config {options.config}: " if str(own) == str(error) else ""
    return ""
