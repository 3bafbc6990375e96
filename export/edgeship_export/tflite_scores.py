"""Scores: an int8 .tflite's last step in float.

The converter quantizes softmax as well: its scores then come in steps of 1/256, and on about 2 % of pictures the two best labels tie.
Softmax over a handful of logits costs nothing in float, so logits are dequantized before it instead of scores after it.
"""

from __future__ import annotations

from edgeship_export.tflite_packing import pack, unpack


def in_float(model: bytes) -> bytes:
    """Turns int8 logits → SOFTMAX → DEQUANTIZE into DEQUANTIZE → SOFTMAX; a model with another ending stays as it is."""
    from ai_edge_litert import schema_py_generated as schema

    parsed = unpack(model)
    graph = parsed.subgraphs[0]
    last = graph.operators[-2:]
    kinds = [parsed.operatorCodes[operator.opcodeIndex].builtinCode for operator in last]
    if kinds != [schema.BuiltinOperator.SOFTMAX, schema.BuiltinOperator.DEQUANTIZE]:
        return model
    softmax, dequantize = last
    if list(dequantize.inputs) != list(softmax.outputs) or list(dequantize.outputs) != list(graph.outputs):
        return model
    # The tensor between the two held int8 scores; now it holds float logits.
    between = graph.tensors[softmax.outputs[0]]
    between.type, between.quantization, between.name = schema.TensorType.FLOAT32, None, b"logits"
    dequantize.inputs, softmax.inputs = softmax.inputs, dequantize.inputs
    dequantize.outputs, softmax.outputs = softmax.outputs, dequantize.outputs
    graph.operators[-2:] = [dequantize, softmax]
    return pack(parsed)
