"""`export` writes proven files that stay ordinary files of their ecosystems, or refuses in one line."""

import dataclasses
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeship_export import onnx
from edgeship_export.calibration import spanning
from edgeship_export.evidence import Pictures
from edgeship_export.onnx_canonical import canonical, to_bytes
from edgeship_export.proving import compare, drops, mcnemar
from edgeship_runtime.classifier import Classifier
from edgeship_runtime.manifest import Change, Proof
from edgeship_runtime.model_file import MANIFEST, ModelFile, assemble
from making import Digits, Run, bare


@pytest.mark.parametrize("kind", ["int8", "float32", "onnx"])
def test_an_exported_file_knows_where_it_comes_from(digits: Digits, kind: str) -> None:
    parent, manifest = ModelFile.open(digits.keras), ModelFile.open(getattr(digits, kind)).manifest

    assert manifest.provenance.parent_sha256 == parent.raw.sha256
    assert manifest.provenance.parent_model_sha256 == parent.raw.model_sha256
    assert manifest.provenance.data_sha256 == parent.manifest.provenance.data_sha256
    assert manifest.labels == parent.manifest.labels
    assert manifest.preprocessing == parent.manifest.preprocessing
    assert manifest.proven is not None
    assert manifest.proven.samples == 143
    assert manifest.proven.agreement > 0.97
    assert not manifest.calibration
    assert not manifest.proof
    assert len(manifest.golden) == 4


@pytest.mark.parametrize("kind", ["int8", "float32", "onnx"])
def test_an_exported_file_carries_at_most_64_kb(digits: Digits, kind: str) -> None:
    members = ModelFile.open(getattr(digits, kind)).raw.members

    assert sum(map(len, members.values())) <= 64_000


def test_int8_is_integer_from_end_to_end(digits: Digits, run: Run) -> None:
    facts = run("inspect", digits.int8, "--json").json()

    assert isinstance(facts, dict)
    assert facts["quantization"] == "int8"
    assert facts["input"]["dtype"] == "uint8"
    assert (facts["input"]["scale"], facts["input"]["zero_point"]) == (1.0, 0)
    assert [finding for finding in facts["findings"] if finding["level"] != "info"] == []


@pytest.mark.parametrize(
    ("options", "scheme", "dtype"),
    [
        (["tflite", "--quantize", "float16"], "float16", "float32"),
        (["tflite", "--quantize", "dynamic"], "dynamic", "float32"),
        (["tflite", "--quantize", "int8", "--io", "int8"], "int8", "int8"),
        (["tflite", "--quantize", "int8", "--io", "float"], "int8", "float32"),
        (["onnx", "--quantize", "float16"], "float16", "float32"),
        (["onnx", "--quantize", "int8"], "int8", "uint8"),
        (["onnx", "--quantize", "int8", "--io", "float"], "int8", "float32"),
    ],
)
def test_every_quantization_is_what_it_says(
    digits: Digits, run: Run, tmp_path: Path, options: list[str], scheme: str, dtype: str
) -> None:
    out = tmp_path / "m"

    answer = run("export", digits.keras, "--out", out, "--json", "--format", *options).json()
    facts = run("inspect", out, "--json").json()

    assert isinstance(answer, dict)
    assert isinstance(facts, dict)
    assert answer["quantization"] == facts["quantization"] == scheme
    assert facts["input"]["dtype"] == dtype
    assert [finding for finding in facts["findings"] if finding["level"] != "info"] == []
    assert run("verify", out).code == 0
    assert answer["proof"]["agreement"] > 0.97
    low, high = answer["proof"]["accuracy_interval"]
    assert low < answer["proof"]["accuracy"] <= high
    assert answer["speed"]["ratio"] == pytest.approx(
        answer["speed"]["latency_ms"] / answer["speed"]["float_latency_ms"], rel=0.01
    )


def test_litert_loads_the_file_as_any_other(digits: Digits) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(digits.int8))
    interpreter.allocate_tensors()
    interpreter.invoke()


def test_onnx_checker_and_onnxruntime_take_the_file_as_any_other(digits: Digits) -> None:
    import onnxruntime
    from onnx import checker

    checker.check_model(str(digits.onnx), full_check=True)
    session = onnxruntime.InferenceSession(str(digits.onnx))
    assert session.get_inputs()[0].shape[1:] == [8, 8, 1]
    properties = session.get_modelmeta().custom_metadata_map
    assert '"labels":["0","1"' in properties["edgeship/manifest.json"]


def test_the_standard_metadata_names_labels_and_normalization(digits: Digits) -> None:
    """Read with LiteRT's own schema, and the labels with a plain unzip."""
    import zipfile

    from ai_edge_litert import schema_py_generated as schema

    raw = ModelFile.open(digits.int8).raw
    model = schema.ModelT.InitFromPackedBuf(raw.model, 0)
    buffers = {entry.name.decode(): model.buffers[entry.buffer].data for entry in model.metadata}
    assert bytes(buffers["TFLITE_METADATA"])[4:8] == b"M001"
    assert zipfile.ZipFile(digits.int8).read("labels.txt").decode().split() == [str(number) for number in range(10)]


def test_labels_are_stored_without_compression(digits: Digits) -> None:
    import zipfile

    assert {entry.compress_type for entry in zipfile.ZipFile(digits.int8).infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_the_same_model_gives_the_same_file_but_for_the_date(
    digits: Digits, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("a", "b"):
        options = ["--quantize", "int8", "--out", tmp_path / name]
        assert run("export", digits.keras, "--format", kind, *options).code == 0

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_default_names_follow_the_input(digits: Digits) -> None:
    assert digits.int8.name == "digits.int8.tflite"
    assert digits.float32.name == "digits.float32.tflite"
    assert digits.onnx.name == "digits.float32.onnx"
    assert all(path.exists() for path in (digits.int8, digits.float32, digits.onnx))


def test_an_existing_file_is_refused_before_any_work(digits: Digits, run: Run) -> None:
    before = digits.int8.read_bytes()

    assert "--force" in run("export", digits.keras, "--format", "tflite", "--quantize", "int8").one_line_error()
    assert digits.int8.read_bytes() == before


def test_an_exported_file_cannot_be_exported_again(digits: Digits, run: Run, tmp_path: Path) -> None:
    line = run("export", digits.int8, "--format", "onnx", "--out", tmp_path / "x.onnx").one_line_error()

    assert "already" in line


@pytest.mark.parametrize(
    "options",
    [
        ["--io", "int8"],
        ["--format", "onnx", "--quantize", "dynamic"],
        ["--format", "onnx", "--quantize", "int8", "--io", "int8"],
    ],
)
def test_options_that_contradict_each_other_are_usage(
    digits: Digits, run: Run, tmp_path: Path, options: list[str]
) -> None:
    assert run("export", digits.keras, "--format", "tflite", "--out", tmp_path / "x", *options).code == 2


def test_labels_that_do_not_match_the_outputs_are_refused(digits: Digits, run: Run, tmp_path: Path) -> None:
    parent = ModelFile.open(digits.keras)
    manifest = dataclasses.replace(
        parent.manifest, labels=(*parent.manifest.labels, "eleventh"), calibration=(), proof=(), golden=()
    )
    path = tmp_path / "m.keras"
    path.write_bytes(assemble("keras", bare(digits, "keras"), manifest, {}))

    assert "10 outputs" in run("export", path, "--format", "tflite").one_line_error()


def test_a_drop_that_is_no_chance_is_refused_and_force_says_so_in_the_file(
    digits: Digits, run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "m.tflite"
    spoiled = spoil(digits, tmp_path)

    refused = run("export", spoiled, "--format", "tflite", "--quantize", "int8", "--out", out)
    assert "accuracy drops by" in refused.one_line_error()
    assert not out.exists()

    forced = run("export", spoiled, "--format", "tflite", "--quantize", "int8", "--out", out, "--force")
    assert forced.code == 0
    proven = ModelFile.open(out).manifest.proven
    assert proven is not None
    assert proven.forced
    assert proven.changed
    assert proven.changed[0].picture.startswith("proof/")
    assert f"{proven.lost} lost, {proven.won} won" in forced.out
    assert "IN SPITE" in run("inspect", out).out


def spoil(digits: Digits, folder: Path) -> Path:
    """The digits model behind a detour by 100,000, which float32 survives and eight bits do not."""
    import keras

    parent = ModelFile.open(digits.keras)
    inputs = keras.Input(parent.manifest.preprocessing.shape)
    x = keras.layers.Rescaling(1.0, offset=1e5)(inputs)
    x = keras.layers.Rescaling(1.0, offset=-1e5)(keras.layers.ReLU()(x))
    return ours(digits, keras.Model(inputs, keras.saving.load_model(digits.keras)(x)), folder)


def ours(digits: Digits, network: Any, folder: Path) -> Path:
    """A network in a .keras with the manifest and the pictures of the digits model."""
    parent = ModelFile.open(digits.keras)
    network.save(folder / "network.keras")
    members = {name: data for name, data in parent.raw.members.items() if name != MANIFEST}
    path = folder / "ours.keras"
    path.write_bytes(assemble("keras", (folder / "network.keras").read_bytes(), parent.manifest, members))
    return path


def through(layer: Any) -> Any:
    """A small network for the digits with this layer in it."""
    import keras

    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Flatten()(layer(inputs))
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))


@pytest.mark.parametrize("format_name", ["tflite", "onnx"])
def test_an_operation_that_a_device_lacks_is_told_by_its_layer(
    digits: Digits, run: Run, tmp_path: Path, format_name: str
) -> None:
    import keras

    network = through(lambda x: keras.ops.erfinv(x / 1e6))
    name = next(operation.name for operation in network.operations if operation.name.startswith("erfinv"))

    line = run("export", ours(digits, network, tmp_path), "--format", format_name).one_line_error()

    assert f"layer '{name}' (Erfinv): " in line
    assert line.endswith("operator for Erfinv")
    assert not (tmp_path / f"ours.float32.{format_name}").exists()


def test_a_network_that_does_not_begin_with_rescaling_is_quantized_all_the_same(
    digits: Digits, run: Run, tmp_path: Path
) -> None:
    import keras

    file = ours(digits, through(keras.layers.Conv2D(2, 3)), tmp_path)

    answer = run("export", file, "--format", "onnx", "--quantize", "int8", "--max-drop", 100, "--json").json()

    assert answer["proof"]["agreement"] > 0.8


def test_code_in_a_file_is_not_run_unless_allowed(digits: Digits, run: Run, tmp_path: Path) -> None:
    import keras

    leaves = tmp_path / "executed"
    name = str(leaves)
    network = through(keras.layers.Lambda(lambda x: (open(name, "w").close(), x)[1], name="trojan"))  # noqa: PTH123
    file = ours(digits, network, tmp_path)
    leaves.unlink()

    line = run("export", file, "--format", "tflite", "--max-drop", 100).one_line_error()
    evaluated = run("evaluate", file, "digits").one_line_error()

    assert "layer 'trojan' is a Lambda" in line
    assert "layer 'trojan' is a Lambda" in evaluated
    assert "--allow-code" in line
    assert not leaves.exists()


def test_a_class_of_ones_own_is_imported_only_when_allowed(
    digits: Digits, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_layers_1.py").write_text(
        "import keras\n\nclass Doubled(keras.layers.Layer):\n    def call(self, x):\n        return x * 2\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    own = importlib.import_module("own_layers_1")
    file = ours(digits, through(own.Doubled(name="twice")), tmp_path)
    options = ["--format", "tflite", "--max-drop", 100]

    line = run("export", file, *options).one_line_error()
    allowed = run("export", file, *options, "--allow-code")

    assert "layer 'twice' is of class own_layers_1.Doubled" in line
    assert allowed.code == 0, allowed.err


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras, of the input structure that it saved itself
def test_both_ways_to_onnx_give_the_same_scores(digits: Digits) -> None:
    import keras
    import onnxruntime

    network = keras.saving.load_model(digits.keras)
    pixels = np.random.default_rng(0).uniform(0, 255, (5, 8, 8, 1)).astype(np.float32)

    scores = []
    for route in onnx.ROUTES.values():
        model = to_bytes(canonical(route(network)))
        scores.append(onnxruntime.InferenceSession(model).run(None, {"pixels": pixels})[0])

    assert np.allclose(scores[0], scores[1], atol=1e-6)
    assert np.allclose(scores[0], network.predict(pixels, verbose=0), atol=1e-5)


def test_where_keras_exporter_fails_tf2onnx_takes_over_and_it_is_said(
    digits: Digits, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    def fails(*_: object, **__: object) -> None:
        raise ValueError("not today")

    monkeypatch.setattr(keras.Model, "export", fails)

    answer = run("export", digits.keras, "--format", "onnx", "--out", tmp_path / "m.onnx", "--json").json()

    assert answer["route"] == "tf2onnx"
    assert ModelFile.open(tmp_path / "m.onnx").manifest.provenance.route == "tf2onnx"


def test_int8_scores_are_finer_than_eight_bits(digits: Digits) -> None:
    """Softmax of an int8 file in float: its scores are no multiples of 1/256."""
    classifier = Classifier.load(digits.int8)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)

    steps = classifier.scores(pixels) * 256

    assert np.abs(steps - np.rint(steps)).max() > 0.1
    assert classifier.scores(pixels).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_calibration_pictures_of_one_label_are_refused(digits: Digits, run: Run, tmp_path: Path) -> None:
    parent = ModelFile.open(digits.keras)
    sevens = tuple(picture for picture in parent.manifest.calibration if picture.label == "7")
    manifest = dataclasses.replace(parent.manifest, calibration=sevens)
    members = {name: data for name, data in parent.raw.members.items() if name != MANIFEST}
    path = tmp_path / "m.keras"
    path.write_bytes(assemble("keras", bare(digits, "keras"), manifest, members))

    line = run("export", path, "--format", "tflite", "--quantize", "int8").one_line_error()

    assert "calibration pictures show '7'" in line


def test_a_keras_2_file_says_how_to_convert_it(run: Run, tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["keras_version"] = "2.4.0"

    assert ".save('new.keras')" in run("export", tmp_path / "old.h5", "--format", "tflite").one_line_error()


def test_calibration_pictures_span_all_levels_and_keep_their_content() -> None:
    pixels = np.full((3, 4, 4, 1), 100, np.uint8)
    pixels[1, 2, 2], pixels[2, 0, 0] = 40, 200

    spanned = spanning(pixels)

    assert (spanned.min(), spanned.max()) == (0, 255)
    assert (spanned != pixels).sum() == 2
    assert pixels.min() == 40


@pytest.mark.parametrize(("lost", "won", "p"), [(5, 0, 1 / 32), (0, 0, 1.0), (4, 1, 6 / 32), (10, 2, 79 / 4096)])
def test_mcnemar_is_the_exact_binomial_tail(lost: int, won: int, p: float) -> None:
    assert mcnemar(lost, won) == pytest.approx(p)


def test_a_drop_counts_only_when_it_is_large_and_no_chance() -> None:
    right, wrong = np.tile(np.float32([0.9, 0.1]), (100, 1)), np.tile(np.float32([0.1, 0.9]), (100, 1))
    few, many = right.copy(), right.copy()
    few[:3], many[:9] = wrong[:3], wrong[:9]

    def proof(scores: np.ndarray) -> Proof:
        pictures = Pictures(np.zeros((100, 1, 1, 1), np.uint8), np.zeros(100, np.int64), ("p",) * 100)
        return compare(right, scores, pictures, ("a", "b"))

    assert not drops(proof(few), 2.0)  # 3 points, but p = 1/8
    assert drops(proof(many), 2.0)
    assert not drops(proof(many), 10.0)
    assert (proof(many).lost, proof(many).won) == (9, 0)
    assert proof(few).changed == (Change("p", "a", "a", "b"),) * 3


def test_the_converter_says_nothing_unless_asked(digits: Digits, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgeship_runtime.cli", "export", str(digits.keras), "--format", "tflite"]

    done = subprocess.run(
        [*command, "--out", str(tmp_path / "a"), "--json"], capture_output=True, text=True, check=True
    )

    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
