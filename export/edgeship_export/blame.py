"""Blame: which layer a converter stumbled over, from the names of operations in its message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

_PATH = re.compile(r"[\w.\-]+(?:/[\w.\-]+)+")  # functional_1/shrink_1/resize/ResizeBicubic
_COUNTER = re.compile(r"_\d+$")  # Keras numbers a layer's scope each time it is called


def layer_at_fault(message: str, network: keras.Model) -> str:
    """`layer 'shrink' (Resizing): `, for the beginning of a message; empty when no layer is named in it."""
    operations = _operations(network)
    named = {operation.name: operation for operation in operations}
    # A scope has the name as it was called; a name may have been counted up since another network had it.
    named = {_COUNTER.sub("", operation.name): operation for operation in reversed(operations)} | named
    for path in _PATH.findall(message):
        for scope in reversed(path.split("/")[:-1]):
            found = named.get(scope) or named.get(_COUNTER.sub("", scope))
            if found is not None:
                return f"layer {found.name!r} ({type(found).__name__}): "
    return ""


def _operations(network: keras.Model) -> list[keras.Operation]:
    """Layers and calls of keras.ops, those of nested networks too."""
    found = []
    for operation in getattr(network, "operations", network.layers):
        found.append(operation)
        found.extend(_operations(operation) if hasattr(operation, "layers") else [])
    return found
