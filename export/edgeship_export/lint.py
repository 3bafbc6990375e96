"""Lint: what a file really is, told from its tensors and not from what it says of itself. No inference, no engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from edgeship_export import onnx_graph, requirements, tflite_graph
from edgeship_runtime.containers import zipped
from edgeship_runtime.manifest import Manifest, Requirements
from edgeship_runtime.model_file import RawModel

_COMPUTING = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL")


@dataclass(frozen=True)
class Facts:
    """What the tensors tell.

    Attributes:
        scheme: float32, float16, dynamic, int8, or mixed.
        input_dtype: of the graph's input.
        input_shape: N, H, W, C; -1 stands for a free side.
        requirements: computed from the file.
        input_quantization: scale and zero point; None for float inputs.
    """

    scheme: str
    input_dtype: str
    input_shape: tuple[int, ...]
    requirements: Requirements
    input_quantization: tuple[float, int] | None = None


@dataclass(frozen=True)
class Finding:
    """Something a person should know. `level` is "error", "warning" or "info"."""

    level: str
    code: str
    message: str


def facts(raw: RawModel) -> Facts:
    """What a model file is.

    Raises:
        DamagedError: its structure is broken.
    """
    return _READERS[raw.format](raw)


def findings(real: Facts, manifest: Manifest | None) -> list[Finding]:
    """Where the file and what it says of itself, or what a device can run, come apart."""
    found = []
    if manifest is None:
        text = "another tool wrote this file (or saved it again): it carries no labels and no preprocessing that can be relied on"
        found.append(Finding("warning", "no-manifest", f"{text}; give it a manifest with edgeship adopt"))
    elif real.scheme != manifest.quantization.scheme:
        text = f"its tensors are {real.scheme}, its manifest says {manifest.quantization.scheme}"
        found.append(Finding("error", "quantization", text))
    if manifest is not None and real.input_dtype == "uint8" and real.input_quantization not in ((1.0, 0), None):
        scale, zero_point = real.input_quantization
        text = f"its uint8 input has scale {scale:g} and zero point {zero_point}; raw pixels have 1 and 0"
        found.append(Finding("warning", "input-scale", text))
    for name in real.requirements.operators:
        if name.startswith("custom "):
            text = f"operator {name.removeprefix('custom ')} is not built into the runtimes; a device cannot run it"
            found.append(Finding("error", "custom-operator", text))
    return found


def _tflite(raw: RawModel) -> Facts:
    graph = tflite_graph.read_graph(raw.model)
    taken = graph.tensors[graph.inputs[0]]
    affine = (taken.scales[0], taken.zero_points[0]) if taken.scales and taken.zero_points else None
    return Facts(_tflite_scheme(graph), taken.dtype, taken.shape, requirements.of_tflite(raw.model), affine)


def _tflite_scheme(graph: tflite_graph.Graph) -> str:
    """From the operators that compute with weights: what they take, and what their weights are stored as."""
    kinds = set()
    halves = any(tensor.dtype == "float16" and tensor.constant_bytes for tensor in graph.tensors)
    for operator in graph.operators:
        if operator.name not in _COMPUTING or len(operator.inputs) < 2:
            continue
        first, second = (graph.tensors[index] for index in operator.inputs[:2])
        activation, weight = (second, first) if first.constant_bytes and not second.constant_bytes else (first, second)
        if activation.dtype in ("int8", "uint8"):
            kinds.add("int8")
        elif weight.dtype in ("int8", "uint8", "int4"):
            kinds.add("dynamic")
        else:
            kinds.add("float16" if halves else "float32")
    if kinds in ({"dynamic", "float32"}, {"dynamic"}):
        return "dynamic"  # small layers stay float in dynamic-range files
    return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "float32"


def _onnx(raw: RawModel) -> Facts:
    graph = onnx_graph.read_graph(raw.model)
    quantized = sum(count for name, count in graph.operators.items() if name.startswith(("QLinear", "QuantizeLinear")))
    if quantized:
        scheme = "int8"
    elif any(name in graph.operators for name in ("DynamicQuantizeLinear", "MatMulInteger", "ConvInteger")):
        scheme = "dynamic"
    else:
        scheme = "float16" if graph.weight_types["float16"] > graph.weight_types["float32"] else "float32"
    return Facts(scheme, graph.input_dtype, graph.input_shape, requirements.of_onnx(raw.model))


def _keras(raw: RawModel) -> Facts:
    with raw.open_file() as file, zipped.open_zip(file) as archive:
        config = json.loads(zipped.read(archive, "config.json"))
        saved_by = json.loads(zipped.read(archive, "metadata.json")).get("keras_version", "")
    layers = config.get("config", {}).get("layers", [])
    stated = next((shape for layer in layers if (shape := _input_shape(layer.get("config", {})))), [])
    sides = tuple(-1 if side is None else int(side) for side in stated)
    return Facts("float32", "float32", sides, Requirements(keras=saved_by))


def _input_shape(config: dict[str, object]) -> list[int | None] | None:
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    return shape if isinstance(shape, list) else None


_READERS: dict[str, Callable[[RawModel], Facts]] = {"tflite": _tflite, "onnx": _onnx, "keras": _keras}
