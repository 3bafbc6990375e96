"""A file of a verb's options (TOML): its keys are the options' names, and the command line overrides it."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from edgeship_runtime.errors import UsageError
from edgeship_runtime.toml_file import table


def merge(
    options: argparse.Namespace, add_arguments: Callable[[argparse.ArgumentParser], None], positional: str
) -> None:
    """Sets the options that the command line left open (None, False or an empty list) to what `options.config` says.

    Values are turned into a command line and parsed by the verb's own parser, so that they are checked, and refused, alike.

    Args:
        options: of the verb; changed.
        add_arguments: declares them.
        positional: the list of arguments without a flag, which is a key as well.

    Raises:
        DataError: the file cannot be read, or is no TOML.
        UsageError: it sets what is no option, or to what cannot be.
    """
    where = f"--config {options.config}"
    values = table(Path(options.config), "--config")
    parser = _Parser(where)
    add_arguments(parser)
    known = sorted(set(vars(options)) - {"config", "model", "verbose"})
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise UsageError(f"{where}: no option {name!r}; {hint}")
    flags = [flag for name, value in values.items() if name != positional for flag in _flags(where, name, value)]
    said = parser.parse_args(["model", *flags])
    setattr(said, positional, _texts(where, positional, values.get(positional, [])))
    for name in values:
        given = getattr(options, name)
        if given is None or given is False or given == []:
            setattr(options, name, getattr(said, name))


class _Parser(argparse.ArgumentParser):
    def __init__(self, where: str) -> None:
        super().__init__(add_help=False, allow_abbrev=False)
        self._where = where

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self._where}: {message}")


def _flags(where: str, name: str, value: object) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag] if value else []
    return [f"{flag}={text}" for text in _texts(where, name, value)]


def _texts(where: str, name: str, value: object) -> list[str]:
    items = value if isinstance(value, list) else [value]
    for item in items:
        if isinstance(item, bool) or not isinstance(item, str | int | float):
            raise UsageError(f"{where}: {name} is {item!r}; wanted text, a number, or a list of these")
    return [str(item) for item in items]
