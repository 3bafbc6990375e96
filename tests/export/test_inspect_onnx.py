"""What `inspect` tells of an .onnx: how it computes, what lies within its nodes, which ONNX Runtime it needs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_dynamic, quantize_static

from edgeship_export.describing import describe
from edgeship_runtime.record import Json
from making import Run

RANDOM = np.random.default_rng(0)


class Noise(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime ships no types
    def __init__(self) -> None:
        self._batches: Iterator[Any] = iter([{"pixels": RANDOM.normal(size=(1, 3, 8, 8)).astype(np.float32)}] * 2)

    def get_next(self) -> Any:
        return next(self._batches, None)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "plain.onnx"
    onnx.save(network(), path)
    return path


@pytest.mark.parametrize("per_channel", [True, False])
def test_dynamic_weights_have_as_many_scales_as_they_have(plain: Path, tmp_path: Path, per_channel: bool) -> None:
    quantize_dynamic(plain, tmp_path / "dynamic.onnx", per_channel=per_channel)

    facts = describe(tmp_path / "dynamic.onnx")

    assert (facts["quantization"], facts["per_channel"]) == ("dynamic", per_channel)


@pytest.mark.parametrize("form", [QuantFormat.QDQ, QuantFormat.QOperator])
def test_both_integer_forms_end_with_a_softmax_and_have_no_islands(plain: Path, tmp_path: Path, form: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantize_static(plain, tmp_path / "static.onnx", Noise(), quant_format=form, per_channel=True)

    facts = describe(tmp_path / "static.onnx")

    assert (facts["quantization"], facts["per_channel"]) == ("int8", True)
    assert facts["activation"] == "softmax"
    assert "softmax-ties" in [finding["code"] for finding in facts["findings"]]
    assert facts["float_islands"] == []


def test_weights_that_are_narrowed_as_they_are_loaded_compute_in_integers(tmp_path: Path) -> None:
    """Training for integers leaves float weights before QuantizeLinear and DequantizeLinear."""
    path = tmp_path / "trained.onnx"
    onnx.save(trained_for_integers(), path)

    facts = describe(path)

    assert (facts["quantization"], facts["per_channel"]) == ("int8", False)
    assert [(layer["name"], layer["dtype"]) for layer in facts["layers"]] == [("conv", "float32"), ("dense", "float32")]
    assert [island["operator"] for island in facts["float_islands"]] == ["GlobalAveragePool", "Neg"]


def test_weights_of_blocks_have_many_scales(tmp_path: Path) -> None:
    weights = [
        helper.make_tensor("w", TensorProto.UINT8, (3, 1, 8), [0] * 24),
        helper.make_tensor("scales", TensorProto.FLOAT, (3,), [1.0] * 3),
    ]
    node = helper.make_node(
        "MatMulNBits", ["pixels", "w", "scales"], ["scores"], domain="com.microsoft", K=3, N=3, bits=4, block_size=16
    )
    facts = inspected(tmp_path, [node], weights, opsets={"": 17, "com.microsoft": 1})

    assert (facts["quantization"], facts["per_channel"]) == ("dynamic", True)


# Within nodes.


def test_what_bodies_and_functions_hold_is_seen(tmp_path: Path, run: Run) -> None:
    body = helper.make_graph(
        [
            helper.make_node("NonMaxSuppression", ["boxes", "given"], ["found"]),
            helper.make_node("Odd", ["w"], ["out"], domain="of.somebody"),
        ],
        "then",
        [],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])],
        [external(helper.make_tensor("w", TensorProto.FLOAT, (1,), [1.0]))],
    )
    node = helper.make_node("If", ["yes"], ["scores"], then_branch=body, else_branch=body)
    facts = inspected(tmp_path, [node], [], opsets={"": 17, "of.somebody": 1})

    codes = {finding["code"] for finding in facts["findings"]}
    assert facts["kind"] == "a detector: it finds boxes (NonMaxSuppression)"
    assert {"custom-operator", "external-weights"} <= codes
    assert facts["requirements"]["engines"]["onnxruntime"] == {"because": "operators of of.somebody", "version": None}


def test_operators_within_functions_are_seen(tmp_path: Path) -> None:
    function = helper.make_function(
        "mine", "Twice", ["x"], ["y"], [helper.make_node("Odd", ["x"], ["y"], domain="of.somebody")], []
    )
    node = helper.make_node("Twice", ["pixels"], ["scores"], domain="mine")
    facts = inspected(tmp_path, [node], [], opsets={"": 17, "mine": 1, "of.somebody": 1}, functions=[function])

    assert "of.somebody.Odd" in next(f["message"] for f in facts["findings"] if f["code"] == "custom-operator")


# What it needs.


@pytest.mark.parametrize(
    ("ir", "opsets", "version", "because"),
    [
        (3, {"": 8}, "1.2.0", "all of it"),
        (8, {"": 13}, "1.9.0", "IR 8"),
        (8, {"": 17}, "1.12.0", "opset 17"),
        (8, {"": 17, "ai.onnx.ml": 2}, "1.12.0", "opset 17"),  # which tf2onnx writes, and nothing uses
        (6, {"": 11, "ai.onnx.ml": 1}, "1.2.0", "all of it"),
        (6, {"": 11, "ai.onnx.ml": 3}, "1.11.0", "ai.onnx.ml opset 3"),
        (10, {"": 21, "ai.onnx.ml": 5}, "1.18.0", "IR 10"),
        (13, {"": 26}, "1.25.0", "opset 26"),
        (13, {"": 99}, None, "opset 99"),
    ],
)
def test_the_first_onnx_runtime_is_looked_up(
    tmp_path: Path, ir: int, opsets: dict[str, int], version: str | None, because: str
) -> None:
    facts = inspected(tmp_path, [helper.make_node("Identity", ["pixels"], ["scores"])], [], opsets, ir=ir)

    assert facts["requirements"]["engines"]["onnxruntime"] == {"version": version, "because": because}


def test_memory_is_weights_and_the_widest_place_that_is_told(tmp_path: Path) -> None:
    model = network()
    path = tmp_path / "model.onnx"
    onnx.save(onnx.shape_inference.infer_shapes(model), path)

    weights = 4 * (4 * 3 * 9 + 4 * 3)
    pixels, maps = 4 * 3 * 8 * 8, 4 * 4 * 6 * 6
    assert describe(path)["requirements"]["memory_bytes"] == weights + pixels + maps


# Made here.


def network() -> onnx.ModelProto:
    weights = [
        numpy_helper.from_array(RANDOM.normal(size=(4, 3, 3, 3)).astype(np.float32), "kernel"),
        numpy_helper.from_array(RANDOM.normal(size=(4, 3)).astype(np.float32), "matrix"),
    ]
    nodes = [
        helper.make_node("Conv", ["pixels", "kernel"], ["maps"], "conv"),
        helper.make_node("Relu", ["maps"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["means"], "means"),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["logits"], "dense"),
        helper.make_node("Softmax", ["logits"], ["scores"]),
    ]
    return model_of(nodes, weights)


def trained_for_integers() -> onnx.ModelProto:
    """The network with each layer's input and weight narrowed and widened again."""
    model = network()
    nodes = []
    for node in model.graph.node:
        if node.name in ("conv", "dense"):
            for place, name in enumerate(list(node.input)):
                nodes.append(helper.make_node("QuantizeLinear", [name, "scale", "zero"], [f"{name}_8"]))
                nodes.append(helper.make_node("DequantizeLinear", [f"{name}_8", "scale", "zero"], [f"{name}_f"]))
                node.input[place] = f"{name}_f"
        nodes.append(node)
    scale = helper.make_tensor("scale", TensorProto.FLOAT, (), [0.05])
    zero = helper.make_tensor("zero", TensorProto.INT8, (), [0])
    # A scale after Relu, so that it is fused; the pooling behind it stays in floating point.
    at = [node.op_type for node in nodes].index("GlobalAveragePool")
    nodes.insert(at, helper.make_node("QuantizeLinear", ["positive", "scale", "zero"], ["positive_8"]))
    nodes.insert(at + 1, helper.make_node("DequantizeLinear", ["positive_8", "scale", "zero"], ["positive_f"]))
    nodes[at + 2].input[0] = "positive_f"
    nodes.insert(at + 3, helper.make_node("Neg", ["means"], ["turned"]))
    nodes[at + 4].input[0] = "turned"
    return model_of(
        [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes], [*model.graph.initializer, scale, zero]
    )


def inspected(
    folder: Path,
    nodes: list[onnx.NodeProto],
    weights: list[TensorProto],
    opsets: dict[str, int],
    ir: int = 8,
    functions: list[onnx.FunctionProto] | None = None,
) -> Json:
    path = folder / "model.onnx"
    path.write_bytes(model_of(nodes, weights, opsets, ir, functions).SerializeToString())
    return describe(path)


def model_of(
    nodes: list[onnx.NodeProto],
    weights: list[TensorProto],
    opsets: dict[str, int] | None = None,
    ir: int = 8,
    functions: list[onnx.FunctionProto] | None = None,
) -> onnx.ModelProto:
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3, 8, 8])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 3])
    graph = helper.make_graph(nodes, "graph", [pixels], [scores], weights)
    imports = [helper.make_opsetid(domain, version) for domain, version in (opsets or {"": 17}).items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir, functions=functions or [])


def external(tensor: TensorProto) -> TensorProto:
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    tensor.ClearField("float_data")
    return tensor
