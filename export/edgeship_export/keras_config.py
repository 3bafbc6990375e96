"""The configuration in a .keras: its layers, and which are its inputs and outputs. Plain JSON; nothing is loaded or executed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgeship_runtime.record import Json

_BETWEEN = ("Activation", "Softmax", "ReLU", "Rescaling", "Dropout", "Identity")  # as many numbers out as in
_MAPS = ("Conv2D", "Conv2DTranspose", "SeparableConv2D", "UpSampling2D")
_ENDS_OF_MAPS = ("Dense", "Flatten", "Reshape", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "AveragePooling2D")


@dataclass(frozen=True)
class Shaped:
    """An input or output: the layer's name, and its shape as far as it is told; -1 stands for a free or unknown side."""

    name: str
    shape: tuple[int, ...]


def layers(config: Json) -> Iterator[Json]:
    """Layers in their order, those of nested models too."""
    pending = [config]
    while pending:
        item = pending.pop(0)
        inner = _inner(item)
        if inner is not None:
            pending = inner + pending
        elif "class_name" in item:
            yield item


def inputs(model: Json) -> tuple[Shaped, ...]:
    """Of a functional or sequential model; empty where it does not tell: a class of somebody's, or a model that was never built."""
    inner = _inner(model)
    if inner is None:
        return ()
    named = _named(model, "input_layers")
    found = [layer for layer in inner if _name(layer) in named] if named else inner[:1]
    return tuple(Shaped(_name(layer), shape) for layer in found if (shape := _input_shape(layer)) is not None)


def outputs(model: Json) -> tuple[Shaped, ...]:
    """The same of what it gives: N×labels after a dense layer, N×H×W×C after a convolution."""
    return tuple(Shaped(_name(layer), _given(model, layer)) for layer in output_layers(model))


def output_layers(model: Json) -> list[Json]:
    """The layers that give its outputs; inside of nested models where those are last."""
    inner = _inner(model)
    if not inner:
        return [] if inner is not None else [model]
    named = _named(model, "output_layers")
    found = [layer for name in named for layer in inner if _name(layer) == name] if named else inner[-1:]
    return [last for layer in found for last in output_layers(layer)]


def settings(layer: Json) -> Json:
    """A layer's own configuration."""
    config = layer.get("config")
    return config if isinstance(config, dict) else {}


def _inner(item: Json) -> list[Json] | None:
    found = settings(item).get("layers")
    return [layer for layer in found if isinstance(layer, dict)] if isinstance(found, list) else None


def _name(layer: Json) -> str:
    return str(settings(layer).get("name", ""))


def _named(model: Json, key: str) -> list[str]:
    """Names in a nest of [name, node, tensor]."""
    pending, names = [settings(model).get(key)], []
    while pending:
        item = pending.pop(0)
        if isinstance(item, dict):
            pending += item.values()
        elif isinstance(item, list) and item and isinstance(item[0], str):
            names.append(item[0])
        elif isinstance(item, list):
            pending += item
    return names


def _input_shape(layer: Json) -> tuple[int, ...] | None:
    config = settings(layer)
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if inner := _inner(layer):
        return _input_shape(inner[0])
    if not isinstance(shape, list):
        return None
    return tuple(side if isinstance(side, int) and side > 0 else -1 for side in shape)


def _given(model: Json, layer: Json) -> tuple[int, ...]:
    """What a layer gives, as far as it and those before it tell."""
    every = list(layers(model))
    before = every[: every.index(layer) + 1] if layer in every else [layer]
    width: Json = next((item for item in reversed(before) if item.get("class_name") not in _BETWEEN), {})
    if width.get("class_name") in _MAPS and not any(item.get("class_name") in _ENDS_OF_MAPS for item in before):
        return (-1, -1, -1, -1)
    units = settings(width).get("units")
    return (-1, units if isinstance(units, int) and units > 0 else -1)
