"""Requirements: what must be there to run a file, computed from the file itself.

What a file says of its needs is not taken on trust: TensorFlow's `min_runtime_version` and the versions of operators are those of
the float model in files that AI Edge Quantizer made, and an older engine then loads such a file and answers wrongly. So the version
that an operator needs is the higher of what is stated and what the types of its tensors ask for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from edgeship_export import onnx_graph, tflite_graph
from edgeship_export import operator_releases as releases
from edgeship_export.onnx_graph import OnnxGraph, Value
from edgeship_export.tflite_graph import BITS, Graph, Operator
from edgeship_runtime.manifest import EngineNeed, Requirements

_NARROW = ("int4", "uint4", "int2")
_FLOAT16 = {
    "ADD": 6,
    "CONCATENATION": 6,
    "COS": 2,
    "GELU": 3,
    "MUL": 8,
    "SIN": 2,
    "SLICE": 8,
    "SOFTMAX": 4,
    "TRANSPOSE": 9,
}
_DEQUANTIZE = {"int4": 6, "int2": 7, "uint4": 8}
_FIRST = {
    "litert": releases.FIRST_LITERT,
    "tflite-runtime": releases.FIRST_TFLITE_RUNTIME,
    "onnxruntime": releases.FIRST_ONNXRUNTIME,
}
_LITERT = {entry: release for release, entries in releases.LITERT.items() for entry in entries.split(", ")}


def of_tflite(model: bytes) -> Requirements:
    """Operators with the highest version of each; the first LiteRT and tflite-runtime that run all of them; memory.

    Raises:
        DamagedError: the file's structure is broken.
    """
    read = tflite_graph.read_model(model)
    versions: dict[str, int] = {}
    needs: dict[str, list[EngineNeed]] = {"litert": [], "tflite-runtime": []}
    for graph in read.graphs:
        for operator in graph.operators:
            versions[operator.name] = max(operator.version, versions.get(operator.name, 0))
            for engine, need in _needs(graph, operator):
                needs[engine].append(need)
    if read.is_split:
        needs["tflite-runtime"].append(EngineNeed(releases.SPLIT_TFLITE_RUNTIME, "weights behind the flatbuffer"))
    engines = {engine: _highest(engine, found) for engine, found in needs.items() if found}
    return Requirements(operators=dict(sorted(versions.items())), engines=engines, memory_bytes=memory_bytes(read.main))


def of_onnx(model: bytes) -> Requirements:
    """IR version, the version of each operator set ("ai.onnx" is the standard one), and the first ONNX Runtime that runs them.

    Raises:
        DamagedError: the file's structure is broken.
    """
    graph = onnx_graph.read_graph(model)
    needs = [EngineNeed(_from(releases.ONNX_IR, graph.ir_version), f"IR {graph.ir_version}")]
    for domain, version in graph.opsets.items():
        if domain == "ai.onnx":
            needs.append(EngineNeed(_from(releases.ONNX_OPSET, version), f"opset {version}"))
        elif domain == "ai.onnx.ml":
            needs.append(EngineNeed(_from(releases.ONNX_ML_OPSET, version), f"{domain} opset {version}"))
        elif not domain.startswith("com.microsoft") and domain in graph.domains_used:
            needs.append(EngineNeed(None, f"operators of {domain}"))
    return Requirements(
        operators=graph.opsets,
        ir_version=graph.ir_version,
        engines={"onnxruntime": _highest("onnxruntime", needs)},
        memory_bytes=_onnx_memory(graph),
    )


def memory_bytes(graph: Graph) -> int:
    """Constants, and the activations that are alive at once where they are largest. A free side (the batch) counts as one."""
    sizes = {str(place): tensor.size_bytes for place, tensor in enumerate(graph.tensors) if not tensor.constant_bytes}
    steps = [(map(str, operator.inputs), map(str, operator.outputs)) for operator in graph.operators]
    constants = sum(tensor.constant_bytes for tensor in graph.tensors)
    return constants + _widest(sizes, steps, map(str, graph.inputs), map(str, graph.outputs))


def _onnx_memory(graph: OnnxGraph) -> int:
    """The same; values whose shape the file does not tell count as nothing."""
    sizes = {name: _size_bytes(value) for name, value in graph.values.items()}
    steps = [(node.inputs, node.outputs) for node in graph.nodes]
    constants = sum(constant.size_bytes for constant in (*graph.constants.values(), *graph.inner_constants))
    inputs, outputs = ([value.name for value in ends] for ends in (graph.inputs, graph.outputs))
    return constants + _widest(sizes, steps, inputs, outputs)


def _size_bytes(value: Value) -> int:
    return math.prod(max(1, side) for side in value.shape) * BITS.get(value.dtype, 32) // 8


def _widest(
    sizes: Mapping[str, int],
    steps: Iterable[tuple[Iterable[str], Iterable[str]]],
    inputs: Iterable[str],
    outputs: Iterable[str],
) -> int:
    """Bytes of the activations alive at once where they are largest, from what each step takes and gives."""
    listed = [(tuple(taken), tuple(given)) for taken, given in steps]
    last_use = {name: step for step, (taken, _) in enumerate(listed) for name in taken}
    last_use |= dict.fromkeys(outputs, len(listed))
    alive = {name for name in inputs if name in sizes}
    now = widest = sum(sizes[name] for name in alive)
    for step, (taken, given) in enumerate(listed):
        born = {name for name in given if name in sizes} - alive
        alive |= born
        now += sum(sizes[name] for name in born)
        widest = max(widest, now)
        dead = {name for name in (*taken, *given) if name in alive and last_use.get(name, -1) <= step}
        alive -= dead
        now -= sum(sizes[name] for name in dead)
    return widest


def _needs(graph: Graph, operator: Operator) -> Iterator[tuple[str, EngineNeed]]:
    """The first release of each TFLite engine that runs an operator as it stands in its graph."""
    version = max(operator.version, least_version(graph, operator))
    custom = operator.name.startswith("custom ")
    name = f"operator {operator.name.removeprefix('custom ')}" if custom else f"{operator.name} {version}"
    yield "litert", EngineNeed(_litert(operator.name, version), name)
    yield "tflite-runtime", EngineNeed(_tflite_runtime(operator.name, version), name)
    narrow = [tensor.dtype for tensor in graph.taken(operator) if tensor.constant_bytes and tensor.dtype in _NARROW]
    if narrow:
        because = f"{operator.name} with {narrow[0]} weights"
        yield "litert", EngineNeed(releases.LITERT_INT4, because)
        yield "tflite-runtime", EngineNeed(None, because)


def least_version(graph: Graph, operator: Operator) -> int:
    """The version that the types of an operator's tensors ask for, where that is above what every engine knows.

    After GetBuiltinOperatorVersion in LiteRT's tflite/converter/tools/versioning/op_version.cc.
    """
    taken = graph.taken(operator)
    if not taken:
        return 1
    if operator.name == "FULLY_CONNECTED" and len(taken) > 1:
        return _fully_connected(taken[0], taken[1])
    if operator.name in ("CONV_2D", "DEPTHWISE_CONV_2D") and len(taken) > 1:
        return 7 if (taken[0].dtype, taken[1].dtype) == ("int8", "int4") else 1
    if operator.name == "DEQUANTIZE":
        return _DEQUANTIZE.get(taken[0].dtype, 1)
    return _FLOAT16.get(operator.name, 1) if taken[0].dtype == "float16" else 1


def _fully_connected(activation: tflite_graph.Tensor, weight: tflite_graph.Tensor) -> int:
    types = activation.dtype, weight.dtype
    if weight.dtype == "int2":
        return 14
    if types == ("int16", "int4"):
        return 13
    if types == ("float32", "int8") and len(weight.scales) > 1:
        return 12
    return 10 if types == ("int8", "int4") else 1


def _litert(operator: str, version: int) -> str | None:
    key = f"{operator} {version}"
    if key in _LITERT:
        return _LITERT[key]
    known = operator.removeprefix("custom ") in releases.BUILT_IN_CUSTOM or _tensorflow(operator, version)
    return releases.FIRST_LITERT if known and key not in releases.NO_LITERT else None


def _tflite_runtime(operator: str, version: int) -> str | None:
    if operator.removeprefix("custom ") in releases.BUILT_IN_CUSTOM:
        return releases.FIRST_TFLITE_RUNTIME
    release = _tensorflow(operator, version)
    if release is None or _number(release) > _number(releases.LAST_TFLITE_RUNTIME):
        return None
    return max(release, releases.FIRST_TFLITE_RUNTIME, key=_number)


def _tensorflow(operator: str, version: int) -> str | None:
    """The TensorFlow that first had a version of an operator."""
    known = releases.TENSORFLOW.get(operator, "").split()
    release = known[version - 1] if 1 <= version <= len(known) else "-"
    return None if release == "-" else f"{release}.0" if release.count(".") == 1 else release


def _from(table: dict[int, str], version: int) -> str | None:
    """The release for the lowest entry that is not below `version`; None above all of them."""
    return next((table[entry] for entry in sorted(table) if version <= entry), None)


def _highest(engine: str, needs: list[EngineNeed]) -> EngineNeed:
    """The need that is hardest to meet; the first of equal ones."""
    never = [need for need in needs if need.version is None]
    highest = never[0] if never else max(needs, key=lambda need: _number(need.version or "0"))
    return EngineNeed(highest.version, "all of it") if highest.version == _FIRST[engine] else highest


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)
