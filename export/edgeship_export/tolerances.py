"""Tolerances: how far a score of a golden sample may be off on other machines, from how far kernels of this one differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeship_runtime.classifier import Classifier
from edgeship_runtime.engines import Engine, open_engine
from edgeship_runtime.errors import NotInstalledError
from edgeship_runtime.model_file import ModelFile

# Of a score, between engines and CPUs: least that is allowed for, by what the arithmetic is.
_FLOORS = {"float32": 1e-3, "float16": 2e-3}
_INTEGER_FLOOR = 0.02
_SPREAD_FACTOR = 4  # other CPUs differ by more than two kernels of one


def floor(classifier: Classifier) -> float:
    """The least tolerance, by how the file's numbers are stored."""
    return _FLOORS.get(classifier.manifest.quantization.scheme, _INTEGER_FLOOR)


def tolerance(classifier: Classifier, inputs: Sequence[NDArray[np.uint8]]) -> float:
    """Four times what the scores of these model inputs, uint8 H×W×C, differ by between kernels; no less than the floor."""
    engine = _other_kernels(classifier.model)
    if engine is None or not inputs:
        return floor(classifier)
    other = Classifier(classifier.model, engine)
    # One by one, as a device computes: kernels for a batch may differ.
    spread = max(
        float(np.abs(other.scores(one[np.newaxis]) - classifier.scores(one[np.newaxis])).max()) for one in inputs
    )
    return round(max(floor(classifier), _SPREAD_FACTOR * spread), 6)


def _other_kernels(model: ModelFile) -> Engine | None:
    """LiteRT's built-in kernels, not XNNPACK's; ONNX Runtime without graph optimizations, one operator after the other."""
    try:
        if model.format == "tflite":
            return open_engine(model, "litert-builtin", threads=1)
        if model.format == "onnx":
            from edgeship_runtime.engines.onnxruntime import OnnxRuntimeEngine

            return OnnxRuntimeEngine(model, threads=1, optimized=False)
    except (NotInstalledError, ImportError):  # a board that has tflite-runtime or OpenVINO alone
        pass
    return None
