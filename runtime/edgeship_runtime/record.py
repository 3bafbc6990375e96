"""Records: frozen dataclasses to JSON and back, every field checked.

What is read comes from files that other people and other versions wrote, so nothing is taken on trust: unknown fields, missing
fields and wrong types are errors that name the place (`manifest.golden[2].scores`).
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, Union

T = TypeVar("T")

# metadata of a field that JSON leaves out while it has its default: most files say nothing of what few need
LEFT_OUT = {"left_out": True}
Json = Any  # what json.loads returns: the one place where an unknown shape is the point


class RecordError(ValueError):
    """A value does not have the shape its record declares; the message says where."""


def to_json(value: object) -> Json:
    """The JSON form of a record: dataclasses become objects, tuples become arrays, None stays null (but see LEFT_OUT)."""
    if dataclasses.is_dataclass(value):
        every = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {
            field.name: to_json(item)
            for field, item in every
            if not (field.metadata.get("left_out") and item == field.default)
        }
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return value


def to_bytes(value: object) -> bytes:
    """Canonical UTF-8 JSON of a record: one value, one byte string."""
    text = json.dumps(to_json(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def from_json(kind: type[T], value: Json, where: str) -> T:
    """Builds a record of type `kind` from parsed JSON.

    Args:
        kind: a dataclass whose fields are str, int, float, bool, Literal, tuple[X, ...], Mapping[str, X], X | None or dataclasses.
        value: what json.loads gave.
        where: name of the place, for messages.

    Raises:
        RecordError: a field is unknown, missing or of another type, or the dataclass refuses its values.
    """
    if not isinstance(value, dict):
        raise RecordError(f"{where}: wanted an object, received {_kind(value)}")
    hints = _hints(kind)  # type: ignore[arg-type]  # types are hashable
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise RecordError(f"{where}: unknown field {unknown[0]!r}; known: {', '.join(hints)}")
    missing = [
        field.name
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]  # every kind here is a dataclass
        if field.name not in value
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise RecordError(f"{where}: field {missing[0]!r} is missing")
    fields = {name: _convert(hints[name], item, f"{where}.{name}") for name, item in value.items()}
    try:
        return kind(**fields)
    except ValueError as error:
        raise RecordError(f"{where}: {error}") from None


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _convert(hint: Any, value: Json, where: str) -> Any:  # noqa: ANN401, PLR0911 - hints are of any kind, a return for each
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (hint,) = [item for item in arguments if item is not type(None)]
        return _convert(hint, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise RecordError(f"{where}: wanted an array, received {_kind(value)}")
        return tuple(_convert(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, dict):
            raise RecordError(f"{where}: wanted an object, received {_kind(value)}")
        return {key: _convert(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if origin is typing.Literal:
        if value not in arguments:
            raise RecordError(f"{where}: wanted one of {', '.join(map(repr, arguments))}; received {_kind(value)}")
        return value
    if dataclasses.is_dataclass(hint):
        return from_json(hint, value, where)  # type: ignore[arg-type]  # hints are types, never instances
    return _scalar(hint, value, where)


def _scalar(hint: type, value: Json, where: str) -> Any:  # noqa: ANN401
    if hint is object:
        return value
    if hint is float and type(value) in (int, float):
        number = float(value)
        if math.isfinite(number):
            return number
    elif type(value) is hint:  # not isinstance: True is no number
        return value
    raise RecordError(f"{where}: wanted {hint.__name__}, received {_kind(value)}")


def _kind(value: Json) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= 40 else f"{text[:37]}..."
