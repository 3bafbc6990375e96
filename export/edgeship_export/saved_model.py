"""SavedModels: a folder of TensorFlow's, brought into a float32 .tflite that computes the same."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeship_export import kinds
from edgeship_export.facts import End, Facts
from edgeship_runtime.errors import AdoptError, MissingExtraError
from edgeship_runtime.manifest import Requirements

FILE = "saved_model.pb"
_DEFAULT = "serving_default"
_FREE_SIDE = 96  # pixels, of a network that takes any
_MOST_DIFFERENCE = 1e-3  # of the largest output


@dataclass(frozen=True)
class _Signature:
    """One function of a SavedModel, and what it takes and gives; its variables live as long as `owner`."""

    name: str
    function: Any
    owner: Any
    facts: Facts


def to_tflite(path: Path) -> bytes:
    """The classifier in a SavedModel's folder: its signature serving_default, or the only one.

    Raises:
        AdoptError: it has no such signature, is no classifier of pictures, or the converter refuses it or changes what it computes.
        MissingExtraError: no TensorFlow here to convert it.
    """
    try:
        import tensorflow as tf
    except ImportError:
        raise MissingExtraError(
            f"{path}: a SavedModel is converted by TensorFlow, which is not installed: pip install 'edgeship[workstation]'"
        ) from None
    with _silence():
        signature = _chosen(path)
        kinds.check(path, signature.facts)  # before the converter: it says what it cannot convert, not what it is
        try:
            # Not from_saved_model: it leaves the variables of signatures that were stated by hand unfilled in the file.
            converter = tf.lite.TFLiteConverter.from_concrete_functions([signature.function], signature.owner)
            content = bytes(converter.convert())
        except Exception as error:  # the converter raises what it comes across
            raise AdoptError(f"{path}: TensorFlow's converter refuses it: {_gist(error)}") from error
        try:
            difference = _difference(signature, content)
        except Exception as error:  # as do kernels
            raise AdoptError(f"{path} cannot be compared with what it was converted to: {_gist(error)}") from error
    if not difference <= _MOST_DIFFERENCE:  # nor is NaN
        raise AdoptError(
            f"{path}: converted to .tflite it computes otherwise (by {difference:.2g} of its largest output)"
        )
    return content


def _chosen(path: Path) -> _Signature:
    import tensorflow as tf

    try:
        owner = tf.saved_model.load(str(path))
    except Exception as error:  # of any kind, for a damaged folder
        raise AdoptError(f"{path}: TensorFlow {tf.__version__} cannot load it: {_gist(error)}") from None
    signatures = owner.signatures
    if _DEFAULT not in signatures and len(signatures) != 1:
        there = ", ".join(sorted(signatures)) or "none"
        raise AdoptError(f"{path}: wanted a signature {_DEFAULT}, or a single one; it has {there}")
    name = _DEFAULT if _DEFAULT in signatures else next(iter(signatures))
    function = signatures[name]
    taken, given = function.structured_input_signature[1], function.structured_outputs
    if any(spec.shape.rank is None for spec in taken.values()):
        raise AdoptError(f"{path}: its signature {name} takes any number of sides; save it with one for N×H×W×C")
    ends = [tuple(End(key, spec.dtype.name, _shape(spec)) for key, spec in specs.items()) for specs in (taken, given)]
    facts = Facts("float32", None, ends[0], ends[1], Requirements(), operators=frozenset(_operators(function)))
    return _Signature(name, function, owner, facts)


def _shape(spec: Any) -> tuple[int, ...]:  # noqa: ANN401
    return tuple(side or -1 for side in spec.shape.as_list()) if spec.shape.rank is not None else ()


def _operators(function: Any) -> Iterator[str]:  # noqa: ANN401
    definition = function.graph.as_graph_def()
    for nodes in (definition.node, *(inner.node_def for inner in definition.library.function)):
        yield from (node.op for node in nodes)


def _difference(signature: _Signature, content: bytes) -> float:
    """How far the converted model is off on noise, as a part of the largest output, or of one."""
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    (end,) = signature.facts.inputs
    sides = [(_FREE_SIDE if place else 1) if side < 0 else side for place, side in enumerate(end.shape)]
    noise = np.random.default_rng(0).uniform(0, 1 if "float" in end.dtype else 255, sides).astype(end.dtype)
    wanted = next(iter(signature.function(**{end.name: tf.constant(noise)}).values())).numpy()
    interpreter = Interpreter(model_content=content, num_threads=1)
    (taken, *_), (given, *_) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(taken["index"], sides)
    interpreter.allocate_tensors()
    interpreter.set_tensor(taken["index"], noise.astype(taken["dtype"]))
    interpreter.invoke()
    off = float(np.abs(interpreter.get_tensor(given["index"]) - wanted).max())
    return off / max(1.0, float(np.abs(wanted).max()))


def _gist(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else repr(error)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
