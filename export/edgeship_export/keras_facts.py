"""What a .keras really is, from its configuration: nothing of it is loaded or executed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from edgeship_export import keras_weights
from edgeship_export.facts import Blamed, End, Facts, Layer
from edgeship_runtime.containers import zipped
from edgeship_runtime.engines.keras_code import Code, code_in
from edgeship_runtime.errors import DamagedError
from edgeship_runtime.manifest import Requirements
from edgeship_runtime.model_file import RawModel
from edgeship_runtime.record import Json


def read(raw: RawModel) -> Facts:
    """What a .keras file is.

    Raises:
        DamagedError: its configuration describes no model.
    """
    with raw.open_file() as file, zipped.open_zip(file) as archive:
        config = _parsed(zipped.read(archive, "config.json"), "config.json")
        metadata = _parsed(zipped.read(archive, "metadata.json"), "metadata.json")
        weights = keras_weights.sizes(zipped.read(archive, "model.weights.h5"))
    codes = _code(raw)
    layers = list(_layers(config))
    shapes = [shape for layer in layers if (shape := _input_shape(layer)) is not None]
    policies = {policy for layer in layers if (policy := _policy(layer))}
    last = layers[-1] if layers else {}
    activation = _activation(last)
    names = frozenset(str(layer.get("class_name")) for layer in layers)
    return Facts(
        scheme=_scheme(policies),
        per_channel=None,
        inputs=tuple(End("input", "float32", shape) for shape in shapes[:1]),
        outputs=(End(str(_config(last).get("name", "output")), "float32", (-1, _units(layers))),),
        requirements=Requirements(keras=str(metadata.get("keras_version", ""))),
        activation=activation,
        activation_dtype="float32" if activation else None,
        foreign=tuple(Blamed(code.layer, code.name) for code in codes),
        operators=names,
        weights=_by_type(weights.values()),
        layers=tuple(_layers_with(weights, layers)),
    )


def _code(raw: RawModel) -> list[Code]:
    try:
        with raw.open_file() as file:
            return code_in(file)
    except RecursionError:
        raise DamagedError("its config.json is nested too deeply") from None


def _parsed(data: bytes, name: str) -> dict[str, Json]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"its {name} is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise DamagedError(f"its {name} describes no Keras model")
    return value


def _layers(config: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """Layers in their order, those of nested models too."""
    pending = [config]
    while pending:
        item = pending.pop(0)
        inner = _config(item).get("layers")
        if isinstance(inner, list):
            pending = [layer for layer in inner if isinstance(layer, dict)] + pending
        elif "class_name" in item:
            yield item


def _layers_with(weights: Mapping[str, Mapping[str, int]], layers: Iterable[dict[str, Json]]) -> Iterator[Layer]:
    """Layers that have weights, in their order."""
    for layer in layers:
        name = str(_config(layer).get("name", ""))
        if own := weights.get(name):
            yield Layer(name, str(layer.get("class_name")), max(own, key=lambda dtype: own[dtype]), sum(own.values()))


def _by_type(weights: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for own in weights:
        for dtype, size in own.items():
            found[dtype] = found.get(dtype, 0) + size
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _config(layer: dict[str, Json]) -> dict[str, Json]:
    config = layer.get("config")
    return config if isinstance(config, dict) else {}


def _input_shape(layer: dict[str, Json]) -> tuple[int, ...] | None:
    config = _config(layer)
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if not isinstance(shape, list) or layer.get("class_name") != "InputLayer":
        return None
    return tuple(side if isinstance(side, int) and side > 0 else -1 for side in shape)


def _activation(layer: dict[str, Json]) -> str | None:
    """What the last layer ends with: as an activation of its own, or being one."""
    name = "softmax" if layer.get("class_name") == "Softmax" else _config(layer).get("activation")
    return name if name in ("softmax", "sigmoid") else None


def _units(layers: list[dict[str, Json]]) -> int:
    """The width of the output where the last layer, or the one before its activation, tells: a dense one does."""
    for layer in reversed(layers):
        units = _config(layer).get("units")
        if isinstance(units, int) and units > 0:
            return units
        if layer.get("class_name") not in ("Activation", "Softmax"):
            break
    return -1


def _policy(layer: dict[str, Json]) -> str | None:
    """The name of its dtype policy, such as "float32", "mixed_float16" or "int8_from_float32"."""
    dtype = _config(layer).get("dtype")
    if isinstance(dtype, dict):
        dtype = _config(dtype).get("name")
    return dtype if isinstance(dtype, str) else None


def _scheme(policies: set[str]) -> str:
    if any(policy.startswith(("int8", "int4")) for policy in policies):
        return "dynamic"
    return "float16" if policies & {"float16", "bfloat16"} else "float32"
