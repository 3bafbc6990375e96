"""Requirements: what must be there to run a file, computed from the file itself."""

from __future__ import annotations

from edgeship_export.tflite_graph import read_graph
from edgeship_runtime.containers.onnx import fields, varint
from edgeship_runtime.manifest import Requirements

_IR_VERSION, _OPSET_IMPORT = 1, 8  # fields of ModelProto


def of_tflite(model: bytes) -> Requirements:
    """Operators and the highest version of each."""
    versions: dict[str, int] = {}
    for operator in read_graph(model).operators:
        versions[operator.name] = max(operator.version, versions.get(operator.name, 0))
    return Requirements(operators=dict(sorted(versions.items())))


def of_onnx(model: bytes) -> Requirements:
    """IR version, and the version of each operator set ("ai.onnx" is the standard one)."""
    ir_version, sets = 0, {}
    for number, start, stop in fields(model):
        if number == _IR_VERSION:
            ir_version = varint(model, start)[0]
        elif number == _OPSET_IMPORT:
            domain, version = _operator_set(model[start:stop])
            sets[domain or "ai.onnx"] = version
    return Requirements(operators=sets, ir_version=ir_version)


def _operator_set(entry: bytes) -> tuple[str, int]:
    domain, version = "", 0
    for number, start, stop in fields(entry):
        if number == 1:
            domain = entry[start:stop].decode(errors="replace")
        elif number == 2:
            version = varint(entry, start)[0]
    return domain, version
