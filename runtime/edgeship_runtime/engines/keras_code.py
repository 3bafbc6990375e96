"""Code in .keras files: what Keras does not ship, and so would have to be executed from elsewhere."""

from __future__ import annotations

import importlib
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from edgeship_runtime.errors import EngineError

Json = dict[str, object]


@dataclass(frozen=True)
class Code:
    """A Lambda, whose code is in the file, or a class that lies in a module of somebody's.

    Attributes:
        layer: its name.
        module: of the class; None for a Lambda.
        name: of the class.
    """

    layer: str
    module: str | None
    name: str

    def __str__(self) -> str:
        """For people."""
        return f"layer {self.layer!r} is " + (f"of class {self.module}.{self.name}" if self.module else "a Lambda")


def code_in(file: BinaryIO) -> list[Code]:
    """All of it in a .keras file, told from its configuration: nothing is executed."""
    with zipfile.ZipFile(file) as archive:
        return code_of(json.loads(archive.read("config.json")))


def code_of(config: object) -> list[Code]:
    """All of it in the configuration of a model."""
    return list(dict.fromkeys(_found(config, "?")))


def classes(codes: Iterable[Code]) -> dict[str, object]:
    """Name → class, imported; modules may lie in the current folder, as for `train --arch nets:tiny`.

    Raises:
        EngineError: a module or a class is not there.
    """
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    found = {}
    for code in codes:
        if code.module is not None:
            try:
                found[code.name] = getattr(importlib.import_module(code.module), code.name)
            except (ImportError, AttributeError) as error:
                raise EngineError(
                    f"{code}, and cannot be imported from here ({Path.cwd()}): {error}; run it where {code.module} is"
                ) from None
    return found


def _found(value: object, layer: str) -> Iterator[Code]:
    """Walks the configuration."""
    if isinstance(value, list):
        for item in value:
            yield from _found(item, layer)
        return
    if not isinstance(value, dict):
        return
    entry = cast("Json", value)
    name, module, config = entry.get("class_name"), entry.get("module"), entry.get("config")
    if isinstance(name, str):
        layer = _name(config, layer)
        if name in ("Lambda", "__lambda__"):
            yield Code(layer, None, name)
            return
        if isinstance(module, str) and module != "builtins" and module.partition(".")[0] != "keras":
            yield Code(layer, module, name)
    for item in entry.values():
        yield from _found(item, layer)


def _name(config: object, default: str) -> str:
    name = config.get("name") if isinstance(config, dict) else None
    return name if isinstance(name, str) else default
