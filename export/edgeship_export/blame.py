"""Blame: which layer a converter stumbled over, from the names of operations in its message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

_PATH = re.compile(r"[\w.\-]+(?:/[\w.\-]+)+")  # functional_1/shrink_1/resize/ResizeBicubic
_COUNTER = re.compile(r"_\d+$")  # Keras numbers a layer's scope each time it is called


def layer_at_fault(message: str, network: keras.Model) -> str:
    """`layer 'shrink' (Resizing), operation ResizeBicubic: `, for the beginning of a message; empty when no layer is named in it."""
    layers = {layer.name: type(layer).__name__ for layer in _every_layer(network)}
    for path in _PATH.findall(message):
        *scopes, operation = path.split("/")
        for scope in reversed(scopes):
            name = scope if scope in layers else _COUNTER.sub("", scope)
            if name in layers:
                return f"layer {name!r} ({layers[name]}), operation {_COUNTER.sub('', operation)}: "
    return ""


def _every_layer(network: keras.Model) -> list[keras.Layer]:
    """Nested networks' layers too."""
    found = []
    for layer in network.layers:
        found.append(layer)
        found.extend(_every_layer(layer) if hasattr(layer, "layers") else [])
    return found
