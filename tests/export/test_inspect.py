"""`inspect` tells what a file really is, also of files that other tools wrote, and never fails on a damaged one."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path
from typing import Any

import pytest

from edgeship_export.describing import describe
from edgeship_runtime.errors import EdgeshipError
from edgeship_runtime.model_file import RawModel
from edgeship_runtime.record import Json
from foreign_models import Op, T, Tflite, picture_to
from making import Digits, Run, bare, file_of

INT8 = {"dtype": "int8", "scales": (0.1,)}


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
    assert facts["kind"] == "a classifier of pictures"
    assert facts["activation"] == "softmax"
    assert facts["size_bytes"] == path.stat().st_size
    assert facts["sha256"] == RawModel.open(path).sha256
    assert facts["findings"] == []


def test_what_our_files_need_is_what_they_state(digits: Digits, run: Run) -> None:
    for path in (digits.keras, digits.int8, digits.float32, digits.onnx):
        facts = run("inspect", path, "--json").json()
        stated = RawModel.open(path).manifest().requirements
        assert isinstance(facts, dict)
        assert facts["requirements"]["operators"] == dict(stated.operators)
        assert set(facts["requirements"]["engines"]) == set(stated.engines)
    engines = RawModel.open(digits.int8).manifest().requirements.engines
    assert {name: need.version for name, need in engines.items()} == {"litert": "1.0.0", "tflite-runtime": "2.7.0"}


# What their makers' own documents and Netron say of them.
OTHERS: dict[str, dict[str, Any]] = {
    "coral/mobilenet_v1_0.25_128_quant.tflite": {
        "quantization": "int8", "per_channel": False, "dtype": "uint8", "width": 128, "scale": 0.0078125, "zero_point": 128,
        "outputs": 1001, "activation": "softmax", "codes": ["no-manifest", "input-scale", "softmax-ties"],
    },
    "coral/mobilenet_v2_1.0_224_quant.tflite": {
        "quantization": "int8", "per_channel": False, "dtype": "uint8", "width": 224, "scale": 0.0078125, "zero_point": 128,
        "outputs": 1001, "activation": "softmax", "codes": ["no-manifest", "input-scale", "softmax-ties"],
    },
    "coral/tf2_mobilenet_v2_1.0_224_ptq.tflite": {
        "quantization": "int8", "per_channel": True, "dtype": "uint8", "width": 224, "scale": 0.0078431377, "zero_point": 127,
        "outputs": 1001, "activation": "softmax", "codes": ["no-manifest", "input-scale", "softmax-ties"],
    },
    "mlperf_tiny/ic01_resnet8_cifar10/pretrainedResnet.tflite": {
        "quantization": "float32", "per_channel": None, "dtype": "float32", "width": 32, "scale": None, "zero_point": None,
        "outputs": 10, "activation": "softmax", "codes": ["no-manifest"],
    },
    "mlperf_tiny/ic01_resnet8_cifar10/pretrainedResnet_quant.tflite": {
        "quantization": "int8", "per_channel": True, "dtype": "int8", "width": 32, "scale": 1.0, "zero_point": -128,
        "outputs": 10, "activation": "softmax", "codes": ["no-manifest", "softmax-ties"],
    },
    "mlperf_tiny/vww01/vww_96_float.tflite": {
        "quantization": "float32", "per_channel": None, "dtype": "float32", "width": 96, "scale": None, "zero_point": None,
        "outputs": 2, "activation": "softmax", "codes": ["no-manifest"],
    },
    "mlperf_tiny/vww01/vww_96_int8.tflite": {
        "quantization": "int8", "per_channel": True, "dtype": "int8", "width": 96, "scale": 0.003921569, "zero_point": -128,
        "outputs": 2, "activation": "softmax", "codes": ["no-manifest", "input-scale", "softmax-ties"],
    },
    "onnx/mnist-8.onnx": {
        "quantization": "float32", "per_channel": None, "dtype": "float32", "width": 28, "scale": None, "zero_point": None,
        "outputs": 10, "activation": None, "codes": ["no-manifest"],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_tools_files_are_read_too(run: Run, shared_data: Path, name: str) -> None:
    result = run("inspect", shared_data / "models" / name, "--json")

    facts, wanted = result.json(), dict(OTHERS[name])
    assert result.code == 0
    assert isinstance(facts, dict)
    assert len(facts["labels"] or ()) == (1001 if "coral" in name else 0)  # its metadata has them
    assert facts["kind"] == "a classifier of pictures"
    assert [finding["code"] for finding in facts["findings"]] == wanted.pop("codes")
    assert facts["outputs"][0]["shape"][-1] == wanted.pop("outputs")
    assert facts["input"]["scale"] == pytest.approx(wanted.pop("scale"))
    flat = {**facts, **{name: facts["input"][name] for name in ("dtype", "width", "zero_point")}}
    assert {key: flat[key] for key in wanted} == wanted


def test_mnist_8_is_an_old_file_with_channels_first(run: Run, shared_data: Path) -> None:
    facts = run("inspect", shared_data / "models" / "onnx" / "mnist-8.onnx", "--json").json()

    assert isinstance(facts, dict)
    assert facts["input"]["layout"] == "nchw"
    assert facts["requirements"]["operators"] == {"ai.onnx": 8}
    assert facts["requirements"]["ir_version"] == 3
    assert {layer["name"]: layer["size_bytes"] for layer in facts["layers"]}["Convolution110"] == 12_800


@pytest.mark.parametrize(("kind", "operator"), [("keras", "Dense"), ("float32", "FULLY_CONNECTED"), ("onnx", "MatMul")])
def test_layers_are_listed_with_what_they_take(digits: Digits, run: Run, kind: str, operator: str) -> None:
    facts = run("inspect", getattr(digits, kind), "--json").json()

    assert isinstance(facts, dict)
    last = [layer for layer in facts["layers"] if layer["operator"] == operator][-1]
    bias = 0 if kind == "onnx" else 10  # there it is an Add of its own
    assert last["size_bytes"] == 4 * (256 * 10 + bias)
    assert sum(layer["size_bytes"] for layer in facts["layers"]) <= sum(facts["weights"].values())


def test_a_custom_operator_is_blamed_on_its_layer(tmp_path: Path) -> None:
    graph = Tflite(
        [T((1, 8, 8, 3)), T((1, 8, 8, 3)), T((1, 10))],
        [Op("custom FlexErf", [0], [1]), Op("custom Mystery", [1], [2])],
    )

    facts = inspected(tmp_path, graph.to_bytes())

    flex, custom, *_ = facts["findings"]
    assert (flex["level"], flex["code"]) == ("error", "flex-operator")
    assert flex["message"].startswith("layer 'block/layer_1': TensorFlow's own operator Erf ")
    assert (custom["code"], custom["message"]) == (
        "custom-operator",
        "layer 'block/layer_2': operator Mystery is not built into the runtimes",
    )
    assert facts["requirements"]["engines"]["litert"] == {"version": None, "because": "operator FlexErf"}


def test_float_islands_between_integer_layers_are_named(tmp_path: Path) -> None:
    tensors = [
        T((1, 8, 8, 3), **INT8), T((4, 3, 3, 3), constant=True, **INT8), T((1, 8, 8, 4), **INT8),
        T((1, 8, 8, 4)), T((1, 8, 8, 4)), T((1, 4), **INT8),
    ]  # fmt: skip
    operators = [
        Op("CONV_2D", [0, 1], [2], 3),
        Op("DEQUANTIZE", [2], [3]),
        Op("ELU", [3], [4]),
        Op("QUANTIZE", [4], [5]),
    ]

    facts = inspected(tmp_path, Tflite(tensors, operators).to_bytes())

    assert facts["quantization"] == "int8"
    assert facts["float_islands"] == [{"name": "block/layer_4", "operator": "ELU"}]
    assert "ELU block/layer_4" in finding(facts, "float-islands")


@pytest.mark.parametrize(
    ("activation", "weight", "scheme", "per_channel"),
    [
        (T((1, 8)), T((10, 8), constant=True), "float32", None),
        (T((1, 8)), T((10, 8), "float16", constant=True), "float16", None),
        (T((1, 8)), T((10, 8), "int8", (0.1,), constant=True), "dynamic", False),
        (T((1, 8)), T((10, 8), "int4", (0.1,) * 10, constant=True), "dynamic", True),
        (T((1, 8), "uint8", (0.1,)), T((10, 8), "uint8", (0.1,), constant=True), "int8", False),
        (T((1, 8), "int16", (0.1,)), T((10, 8), "int8", (0.1,) * 10, constant=True), "int16x8", True),
    ],
)
def test_the_scheme_is_told_from_tensors(
    tmp_path: Path, activation: T, weight: T, scheme: str, per_channel: bool | None
) -> None:
    graph = Tflite([activation, weight, T((1, 10))], [Op("FULLY_CONNECTED", [0, 1], [2])])

    facts = inspected(tmp_path, graph.to_bytes())

    assert (facts["quantization"], facts["per_channel"]) == (scheme, per_channel)


def test_weights_that_are_widened_before_use_are_what_they_are_stored_as(tmp_path: Path) -> None:
    tensors = [T((1, 8)), T((10, 8), "float16", constant=True), T((10, 8)), T((1, 10))]
    graph = Tflite(tensors, [Op("DEQUANTIZE", [1], [2]), Op("FULLY_CONNECTED", [0, 2], [3])])

    facts = inspected(tmp_path, graph.to_bytes())

    assert facts["quantization"] == "float16"
    assert facts["layers"] == [
        {"name": "block/layer_3", "operator": "FULLY_CONNECTED", "dtype": "float16", "size_bytes": 80}
    ]


def test_layers_of_both_kinds_are_called_mixed(tmp_path: Path) -> None:
    tensors = [
        T((1, 8), **INT8), T((8, 8), constant=True, **INT8), T((1, 8), **INT8), T((1, 8)),
        T((10, 8), constant=True), T((1, 10)),
    ]  # fmt: skip
    operators = [Op("FULLY_CONNECTED", [0, 1], [2]), Op("DEQUANTIZE", [2], [3]), Op("FULLY_CONNECTED", [3, 4], [5])]

    facts = inspected(tmp_path, Tflite(tensors, operators).to_bytes())

    assert facts["quantization"] == "mixed"
    assert finding(facts, "mixed")


@pytest.mark.parametrize(
    ("operator", "version", "weight", "because"),
    [
        ("FULLY_CONNECTED", 1, T((10, 8), "int8", (0.1,) * 10, constant=True), "FULLY_CONNECTED 12"),
        ("FULLY_CONNECTED", 1, T((10, 8), "int4", (0.1,), constant=True), "FULLY_CONNECTED with int4 weights"),
        ("FULLY_CONNECTED", 12, T((10, 8), "int8", (0.1,), constant=True), "FULLY_CONNECTED 12"),
    ],
)
def test_types_say_more_than_versions_that_were_stated_too_low(
    tmp_path: Path, operator: str, version: int, weight: T, because: str
) -> None:
    graph = Tflite([T((1, 8)), weight, T((1, 10))], [Op(operator, [0, 1], [2], version)])

    engines = inspected(tmp_path, graph.to_bytes())["requirements"]["engines"]

    assert engines["tflite-runtime"] == {"version": None, "because": because}
    assert engines["litert"]["version"] in ("1.0.0", "1.1.1")


@pytest.mark.parametrize(
    ("operator", "version", "litert", "tflite_runtime"),
    [
        ("CONV_2D", 5, "1.0.0", "2.7.0"),
        ("CONV_2D", 7, "1.0.0", "2.11.0"),
        ("CONV_2D", 8, "1.0.0", None),
        ("PAD", 5, "2.0.2", None),
        ("FULLY_CONNECTED", 14, "2.1.0", None),
        ("UNPACK", 6, "2.2.0", None),
        ("CONV_2D", 99, None, None),
        ("custom TFLite_Detection_PostProcess", 1, "1.0.0", "2.7.0"),
    ],
)
def test_the_first_engine_is_looked_up_by_operator_and_version(
    tmp_path: Path, operator: str, version: int, litert: str | None, tflite_runtime: str | None
) -> None:
    graph = Tflite([T((1, 8, 8, 3)), T((1, 10))], [Op(operator, [0], [1], version)])

    engines = inspected(tmp_path, graph.to_bytes())["requirements"]["engines"]

    assert {name: need["version"] for name, need in engines.items()} == {
        "litert": litert,
        "tflite-runtime": tflite_runtime,
    }


def test_an_operator_that_no_engine_has_is_an_error(tmp_path: Path) -> None:
    levels = {}
    for version in (8, 99):  # 8: LiteRT has it, tflite-runtime has not
        graph = Tflite([T((1, 8, 8, 3)), T((1, 10))], [Op("CONV_2D", [0], [1], version)])
        facts = inspected(tmp_path, graph.to_bytes())
        levels[version] = [found["level"] for found in facts["findings"] if found["code"] == "no-release"]

    assert levels == {8: ["info"], 99: ["error", "error"]}


@pytest.mark.parametrize(("version", "because"), [(6, "all of it"), (7, "TRANSPOSE 7")])
def test_what_decides_is_named_unless_every_release_does(tmp_path: Path, version: int, because: str) -> None:
    """LiteRT's 1.2.0 is not its first release, though ONNX Runtime's is."""
    graph = Tflite([T((1, 8, 8, 3)), T((1, 10))], [Op("TRANSPOSE", [0], [1], version)])

    assert inspected(tmp_path, graph.to_bytes())["requirements"]["engines"]["litert"]["because"] == because


def test_memory_is_weights_and_the_widest_place(tmp_path: Path) -> None:
    tensors = [T((1, 10, 10, 3)), T((4, 3, 3, 3), constant=True), T((1, 10, 10, 8)), T((1, 5))]
    graph = Tflite(tensors, [Op("CONV_2D", [0, 1], [2]), Op("MEAN", [2], [3])])

    needed = inspected(tmp_path, graph.to_bytes())["requirements"]["memory_bytes"]

    assert needed == 4 * 3 * 3 * 3 + 4 * (10 * 10 * 3 + 10 * 10 * 8)


def test_a_softmax_of_8_bits_ties(tmp_path: Path) -> None:
    scores = T((1, 10), "uint8", (1 / 256,))

    facts = inspected(tmp_path, picture_to(scores, taken=T((1, 8, 8, 3), "uint8", (1.0,))))

    assert facts["outputs"][0]["range"] == [0.0, pytest.approx(255 / 256)]
    assert "steps of 1/256" in finding(facts, "softmax-ties")


def test_a_quantized_input_that_takes_other_than_levels_is_told(tmp_path: Path) -> None:
    facts = inspected(tmp_path, picture_to(T((1, 10)), taken=T((1, 8, 8, 3), "uint8", (0.0078125,), 128)))

    assert "scale 0.0078125 and zero point 128: it stands for -1 to 0.992188" in finding(facts, "input-scale")


def test_people_get_lines(digits: Digits, run: Run) -> None:
    text = run("inspect", digits.int8).out

    assert "8×8 grey uint8, scale 1, zero point 0" in text
    assert "needs          litert 1.0.0 or tflite-runtime 2.7.0" in text
    assert "CONV_2D" in text


def test_lines_keep_to_a_narrow_terminal(digits: Digits, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")

    text = run("inspect", digits.int8).out

    wide = [line for line in text.splitlines() if len(line) > 72]
    assert [line for line in wide if "sha256" not in line and str(digits.int8) not in line] == []


@pytest.mark.parametrize("format_name", ["tflite", "onnx", "keras"])
def test_a_damaged_file_is_described_or_refused_in_one_line(digits: Digits, tmp_path: Path, format_name: str) -> None:
    path = tmp_path / "bare"
    path.write_bytes(bare(digits, format_name))

    assert survivals(tmp_path, path, rounds=150) > 0


@pytest.mark.parametrize("format_name", ["tflite", "onnx"])
def test_every_damage_to_a_file_of_ours_is_noticed(digits: Digits, tmp_path: Path, format_name: str) -> None:
    assert survivals(tmp_path, file_of(digits, format_name), rounds=150) == 0


@pytest.mark.parametrize("name", OTHERS)
def test_another_tools_damaged_file_too(shared_data: Path, tmp_path: Path, name: str) -> None:
    assert survivals(tmp_path, shared_data / "models" / name, rounds=40) > 0


def test_a_tensor_with_more_sides_than_can_be_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(picture_to(T([2**31 - 1] * 500)))

    with pytest.raises(EdgeshipError, match="a tensor has 500 sides"):
        describe(path)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (b"[1, 2]", "config.json describes no Keras model"),
        (b"{", "config.json is not JSON"),
        (b'{"a":' * 30_000 + b"1" + b"}" * 30_000, "config.json"),
    ],
    ids=["list", "cut", "deep"],
)
def test_a_zip_that_is_no_keras_file_says_so(tmp_path: Path, run: Run, config: bytes, words: str) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {"config.json": config, "model.weights.h5": b"", "metadata.json": b"{}"}.items():
            archive.writestr(name, data)

    assert words in run("inspect", path).one_line_error()


def survivals(folder: Path, path: Path, rounds: int) -> int:
    """How many of the damaged copies of a file were described; each of the others was refused in one line."""
    rng = random.Random(path.name)  # noqa: S311 - the same damage in every run
    whole, target = path.read_bytes(), folder / "damaged"
    described = 0
    for _ in range(rounds):
        target.write_bytes(damaged(rng, whole))
        try:
            describe(target)
            described += 1
        except EdgeshipError as error:
            assert "\n" not in str(error)
    return described


def damaged(rng: random.Random, whole: bytes) -> bytes:
    """Cut somewhere, or with some bytes changed: anywhere, and where structure lies, at both ends."""
    if rng.random() < 0.3:
        return whole[: rng.randrange(len(whole))]
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 4, 64))):
        ends = rng.randrange(len(data)), rng.randrange(min(len(data), 4096)), -1 - rng.randrange(min(len(data), 40_000))
        data[rng.choice(ends)] ^= rng.randrange(1, 256)
    return bytes(data)


def inspected(folder: Path, model: bytes) -> Json:
    path = folder / "model.tflite"
    path.write_bytes(model)
    return describe(path)


def finding(facts: Json, code: str) -> str:
    (message,) = [found["message"] for found in facts["findings"] if found["code"] == code]
    assert isinstance(message, str)
    return message
