"""What a .keras really is, from its configuration: nothing of it is loaded or executed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from edgeship_export import keras_config, keras_weights
from edgeship_export.facts import Blamed, End, Facts, Layer
from edgeship_export.keras_config import settings
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
    layers = list(keras_config.layers(config))
    policies = {policy for layer in layers if (policy := _policy(layer))}
    activation = next(map(_activation, keras_config.output_layers(config)), None)
    names = frozenset(str(layer.get("class_name")) for layer in layers)
    return Facts(
        scheme=_scheme(policies),
        per_channel=None,
        inputs=tuple(End(taken.name, "float32", taken.shape) for taken in keras_config.inputs(config)),
        outputs=tuple(End(given.name, "float32", given.shape) for given in keras_config.outputs(config)),
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


def _layers_with(weights: Mapping[str, Mapping[str, int]], layers: Iterable[dict[str, Json]]) -> Iterator[Layer]:
    """Layers that have weights, in their order."""
    for layer in layers:
        name = str(settings(layer).get("name", ""))
        if own := weights.get(name):
            yield Layer(name, str(layer.get("class_name")), max(own, key=lambda dtype: own[dtype]), sum(own.values()))


def _by_type(weights: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for own in weights:
        for dtype, size in own.items():
            found[dtype] = found.get(dtype, 0) + size
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _activation(layer: dict[str, Json]) -> str | None:
    """What the last layer ends with: as an activation of its own, or being one."""
    name = "softmax" if layer.get("class_name") == "Softmax" else settings(layer).get("activation")
    return name if name in ("softmax", "sigmoid") else None


def _policy(layer: dict[str, Json]) -> str | None:
    """The name of its dtype policy, such as "float32", "mixed_float16" or "int8_from_float32"."""
    dtype = settings(layer).get("dtype")
    if isinstance(dtype, dict):
        dtype = settings(dtype).get("name")
    return dtype if isinstance(dtype, str) else None


def _scheme(policies: set[str]) -> str:
    if any(policy.startswith(("int8", "int4")) for policy in policies):
        return "dynamic"
    return "float16" if policies & {"float16", "bfloat16"} else "float32"
