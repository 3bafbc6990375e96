"""`inspect` tells what a file really is, also of files that other tools wrote."""

from pathlib import Path

import pytest

from edgeship_runtime.model_file import RawModel
from making import Digits, Run


@pytest.mark.parametrize(
    ("kind", "format_name", "scheme"),
    [
        ("keras", "keras", "float32"),
        ("int8", "tflite", "int8"),
        ("float32", "tflite", "float32"),
        ("onnx", "onnx", "float32"),
    ],
)
def test_our_files_are_what_they_say(digits: Digits, run: Run, kind: str, format_name: str, scheme: str) -> None:
    path: Path = getattr(digits, kind)

    facts = run("inspect", path, "--json").json()

    assert isinstance(facts, dict)
    assert {"format", "quantization", "labels", "input", "size_bytes", "sha256", "model_sha256", "metrics"} <= set(
        facts
    )
    assert facts["format"] == format_name
    assert facts["quantization"] == scheme
    assert facts["labels"] == [str(number) for number in range(10)]
    assert {name: facts["input"][name] for name in ("width", "height", "color")} == {
        "width": 8,
        "height": 8,
        "color": "grey",
    }
    assert facts["size_bytes"] == path.stat().st_size
    assert facts["sha256"] == RawModel.open(path).sha256
    assert facts["findings"] == []


@pytest.mark.parametrize(
    ("name", "scheme", "dtype", "width"),
    [
        ("coral/mobilenet_v2_1.0_224_quant.tflite", "int8", "uint8", 224),
        ("coral/tf2_mobilenet_v2_1.0_224_ptq.tflite", "int8", "uint8", 224),
        ("mlperf_tiny/ic01_resnet8_cifar10/pretrainedResnet.tflite", "float32", "float32", 32),
        ("mlperf_tiny/ic01_resnet8_cifar10/pretrainedResnet_quant.tflite", "int8", "int8", 32),
        ("mlperf_tiny/vww01/vww_96_float.tflite", "float32", "float32", 96),
        ("mlperf_tiny/vww01/vww_96_int8.tflite", "int8", "int8", 96),
        ("onnx/mnist-8.onnx", "float32", "float32", 28),
    ],
)
def test_other_tools_files_are_read_too(
    run: Run, shared_data: Path, name: str, scheme: str, dtype: str, width: int
) -> None:
    result = run("inspect", shared_data / "models" / name, "--json")

    facts = result.json()
    assert result.code == 0
    assert isinstance(facts, dict)
    assert (facts["quantization"], facts["input"]["dtype"], facts["input"]["width"]) == (scheme, dtype, width)
    assert facts["labels"] is None
    assert [finding["code"] for finding in facts["findings"]] == ["no-manifest"]


def test_people_get_lines(digits: Digits, run: Run) -> None:
    text = run("inspect", digits.int8).out

    assert "8×8 grey uint8, scale 1, zero point 0" in text
    assert "CONV_2D" in text
