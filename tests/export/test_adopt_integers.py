"""Inputs of 8 bits stand for other numbers than levels: `adopt` puts levels in rightly, or says that it cannot."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from edgeship_export import graph_inputs
from edgeship_export.facts import End
from edgeship_export.tflite_description import Description
from edgeship_runtime import Classifier, ModelFile
from edgeship_runtime.graph_input import GraphInput
from making import Run, paint

COLOURS = "red\ngreen\nblue\n"
RANGES = {"uint8": (TensorProto.UINT8, 128), "int8": (TensorProto.INT8, -7)}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text(COLOURS)
    return path


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_levels_go_into_an_onnx_as_they_are(run: Run, labels: Path, tmp_path: Path, dtype: str) -> None:
    foreign, out = tmp_path / "quantized.onnx", tmp_path / "out.onnx"
    foreign.write_bytes(quantized(dtype))
    shift = 128 if dtype == "int8" else 0
    levels = np.zeros((1, 8, 8, 3), np.uint8) + np.array([200, 130, 3], np.uint8)

    done = run("adopt", foreign, "--labels", labels, "--out", out)

    assert done.code == 0, done.err
    wanted = (levels[0, 0, 0].astype(float) - shift - RANGES[dtype][1]) / 64
    np.testing.assert_allclose(Classifier.load(out).engine.scores(levels)[0], wanted, atol=1e-6)
    assert [f for f in run("inspect", out, "--json").json()["findings"] if f["level"] != "info"] == []


def test_a_normalization_goes_through_the_scale_of_an_onnx(run: Run, labels: Path, tmp_path: Path) -> None:
    foreign, out = tmp_path / "quantized.onnx", tmp_path / "out.onnx"
    foreign.write_bytes(quantized("uint8"))
    levels = np.zeros((1, 8, 8, 3), np.uint8) + np.array([200, 130, 3], np.uint8)

    assert run("adopt", foreign, "--labels", labels, "--preprocessing", "tf", "--out", out).code == 0

    wanted = (levels[0, 0, 0] - 127.5) / 127.5
    np.testing.assert_allclose(Classifier.load(out).engine.scores(levels)[0], wanted, atol=1 / 128)


def test_float16_pictures_are_normalized_too(run: Run, labels: Path, tmp_path: Path) -> None:
    foreign, out = tmp_path / "half.onnx", tmp_path / "out.onnx"
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("Flatten", ["means"], ["scores"]),
    ]
    foreign.write_bytes(graph(nodes, TensorProto.FLOAT16, [], TensorProto.FLOAT16))
    levels = np.zeros((1, 8, 8, 3), np.uint8) + np.array([200, 130, 3], np.uint8)

    assert run("adopt", foreign, "--labels", labels, "--preprocessing", "tf", "--out", out).code == 0

    wanted = (levels[0, 0, 0] - 127.5) / 127.5
    np.testing.assert_allclose(Classifier.load(out).engine.scores(levels)[0], wanted, atol=2e-3)


def test_scores_whose_scale_no_engine_tells_are_refused(run: Run, labels: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "quantized.onnx"
    foreign.write_bytes(quantized("uint8", narrowed=True))

    assert "let a DequantizeLinear end it" in run("adopt", foreign, "--labels", labels).one_line_error()


CORAL = "coral/mobilenet_v2_1.0_224_quant.tflite"


def test_raw_means_levels_as_they_are_to_an_input_of_8_bits(run: Run, shared_data: Path, tmp_path: Path) -> None:
    names, parrot = (
        shared_data / "models" / "coral" / "imagenet_labels.txt",
        shared_data / "images_small" / "parrot.jpg",
    )
    stated = ["--labels", names, "--preprocessing", "raw", "--pictures", parrot, "--out", tmp_path / "out.tflite"]

    answer = run("adopt", shared_data / "models" / CORAL, *stated, "--json").json()

    assert [item["label"] for item in answer["answers"]] == ["macaw"]


@pytest.mark.parametrize("stated", ["caffe", "mean=0,std=2", "mean=128,std=2000"])
def test_what_a_quantized_input_cannot_hold_is_refused(
    run: Run, shared_data: Path, tmp_path: Path, stated: str
) -> None:
    names, out = shared_data / "models" / "coral" / "imagenet_labels.txt", tmp_path / "out.tflite"

    line = run("adopt", shared_data / "models" / CORAL, "--labels", names, "--preprocessing", stated, "--out", out)

    assert "its uint8 input stands for -1 to 0.9922; leave out --preprocessing" in line.one_line_error()
    assert not out.exists()


def test_labelled_pictures_are_asked_although_the_file_tells(run: Run, labels: Path, tmp_path: Path) -> None:
    """Its own answer stands unless another is better: here another is not."""
    foreign, out = tmp_path / "quantized.onnx", tmp_path / "out.onnx"
    foreign.write_bytes(quantized("uint8"))
    data = paint(tmp_path / "data", {"red": 8, "green": 8, "blue": 8})

    done = run("adopt", foreign, "--labels", labels, "--data", data, "--out", out)

    assert done.code == 0, done.err
    assert "on 24 pictures: its own" in done.out
    assert ModelFile.open(out).manifest.preprocessing.graph_input.mean == (0.0,)


def test_labelled_pictures_overrule_the_file(run: Run, tmp_path: Path) -> None:
    """An input of 8 bits for which levels are normalized between −1 and 1, in a graph that tells pictures apart by 0.5."""
    foreign, out, names = tmp_path / "steps.onnx", tmp_path / "out.onnx", tmp_path / "l.txt"
    names.write_text("dark\nlight\n")
    foreign.write_bytes(steps())
    data = tmp_path / "data"
    for label, level in {"dark": 105, "light": 150}.items():
        paint_grey(data / label, level)

    done = run("adopt", foreign, "--labels", names, "--data", data, "--out", out)

    assert done.code == 0, done.err
    assert "pictures: unit" in done.out


FLOAT, UINT8 = End("x", "float32", (1, 8, 8, 3)), End("x", "uint8", (1, 8, 8, 3), 0.0078125, 128)


@pytest.mark.parametrize(
    ("end", "mean", "std", "told"),
    [
        (FLOAT, (127.5, 127.5, 127.5), (127.5,), GraphInput((127.5,), (127.5,))),
        (UINT8, (127.5, 127.5, 127.5), (127.5, 127.5, 127.5), GraphInput((128.0,), (128.0,))),
        (FLOAT, (0.0,), (0.0,), None),
        (FLOAT, (0.0, 0.0), (1.0, 2.0), None),
        (UINT8, (1.0, 2.0, 3.0, 4.0), (1.0,), GraphInput((128.0,), (128.0,))),
        (dataclasses.replace(UINT8, scale=0.0), (), (), GraphInput()),
    ],
)
def test_metadata_is_taken_where_it_is_a_normalization(
    end: End, mean: tuple[float, ...], std: tuple[float, ...], told: GraphInput | None
) -> None:
    assert graph_inputs.from_file(end, Description(mean=mean, std=std)) == told


def quantized(dtype: str, *, narrowed: bool = False) -> bytes:
    """Means of channels of (q − zero point) / 64, N×3×8×8 integers in."""
    kind, zero_point = RANGES[dtype]
    weights = [
        helper.make_tensor("scale", TensorProto.FLOAT, (), [1 / 64 if not narrowed else 1.0]),
        helper.make_tensor("zero", kind, (), [zero_point]),
    ]
    nodes = [
        helper.make_node("DequantizeLinear", ["pixels", "scale", "zero"], ["real"]),
        helper.make_node("GlobalAveragePool", ["real"], ["means"]),
        helper.make_node("Flatten", ["means"], ["wide"]),
    ]
    last = "QuantizeLinear" if narrowed else "Identity"
    nodes.append(helper.make_node(last, ["wide", "scale", "zero"][: 3 if narrowed else 1], ["scores"]))
    return graph(nodes, kind, weights, kind if narrowed else TensorProto.FLOAT)


def steps() -> bytes:
    """Two logits that part at 0.5 of the mean, from an input that stands for −1 to 1."""
    weights = [
        helper.make_tensor("scale", TensorProto.FLOAT, (), [1 / 128]),
        helper.make_tensor("zero", TensorProto.UINT8, (), [128]),
        helper.make_tensor("weight", TensorProto.FLOAT, (3, 2), [-1, 1] * 3),
        helper.make_tensor("bias", TensorProto.FLOAT, (2,), [1.5, -1.5]),
    ]
    nodes = [
        helper.make_node("DequantizeLinear", ["pixels", "scale", "zero"], ["real"]),
        helper.make_node("GlobalAveragePool", ["real"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["scores"]),
    ]
    return graph(nodes, TensorProto.UINT8, weights, TensorProto.FLOAT, 2)


def paint_grey(folder: Path, level: int) -> None:
    folder.mkdir(parents=True)
    for number in range(10):
        Image.new("RGB", (8, 8), (level + number,) * 3).save(folder / f"{number}.png")


def graph(nodes: list[onnx.NodeProto], taken: int, weights: list[TensorProto], given: int, outputs: int = 3) -> bytes:
    pixels = helper.make_tensor_value_info("pixels", taken, ["batch", 3, 8, 8])
    scores = helper.make_tensor_value_info("scores", given, ["batch", outputs])
    made = helper.make_graph(nodes, "graph", [pixels], [scores], weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())
