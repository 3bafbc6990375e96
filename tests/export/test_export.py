"""`export` writes proven files that stay ordinary files of their ecosystems, or refuses in one line."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeship_export.calibration import spanning
from edgeship_export.proving import compare, drops, mcnemar
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
    assert facts["findings"] == []


@pytest.mark.parametrize(
    ("options", "scheme", "dtype"),
    [
        (["--quantize", "float16"], "float16", "float32"),
        (["--quantize", "dynamic"], "dynamic", "float32"),
        (["--quantize", "int8", "--io", "int8"], "int8", "int8"),
        (["--quantize", "int8", "--io", "float"], "int8", "float32"),
    ],
)
def test_every_quantization_is_what_it_says(
    digits: Digits, run: Run, tmp_path: Path, options: list[str], scheme: str, dtype: str
) -> None:
    out = tmp_path / "m.tflite"

    answer = run("export", digits.keras, "--format", "tflite", *options, "--out", out, "--json").json()
    facts = run("inspect", out, "--json").json()

    assert isinstance(answer, dict)
    assert isinstance(facts, dict)
    assert answer["quantization"] == facts["quantization"] == scheme
    assert facts["input"]["dtype"] == dtype
    assert facts["findings"] == []
    assert run("verify", out).code == 0


def test_litert_loads_the_file_as_any_other(digits: Digits) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(digits.int8))
    interpreter.allocate_tensors()
    interpreter.invoke()


def test_onnx_checker_and_onnxruntime_take_the_file_as_any_other(digits: Digits) -> None:
    import onnx
    import onnxruntime

    onnx.checker.check_model(str(digits.onnx), full_check=True)
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


def test_the_same_model_gives_the_same_file_but_for_the_date(
    digits: Digits, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("a", "b"):
        assert (
            run("export", digits.keras, "--format", "tflite", "--quantize", "int8", "--out", tmp_path / name).code == 0
        )

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


@pytest.mark.parametrize("options", [["--io", "int8"], ["--format", "onnx", "--quantize", "int8"]])
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
    assert "IN SPITE" in run("inspect", out).out


def spoil(digits: Digits, folder: Path) -> Path:
    """The digits model behind a detour by 100,000, which float32 survives and eight bits do not."""
    import keras

    parent = ModelFile.open(digits.keras)
    inputs = keras.Input(parent.manifest.preprocessing.shape)
    x = keras.layers.Rescaling(1.0, offset=1e5)(inputs)
    x = keras.layers.Rescaling(1.0, offset=-1e5)(keras.layers.ReLU()(x))
    keras.Model(inputs, keras.saving.load_model(digits.keras)(x)).save(folder / "detour.keras")
    members = {name: data for name, data in parent.raw.members.items() if name != MANIFEST}
    path = folder / "spoiled.keras"
    path.write_bytes(assemble("keras", (folder / "detour.keras").read_bytes(), parent.manifest, members))
    return path


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
    targets = np.zeros(100, np.int64)
    right, wrong = np.tile([0.9, 0.1], (100, 1)), np.tile([0.1, 0.9], (100, 1))
    few, many = right.copy(), right.copy()
    few[:3], many[:9] = wrong[:3], wrong[:9]

    assert not drops(compare(right, few, targets), 2.0)  # 3 points, but p = 1/8
    assert drops(compare(right, many, targets), 2.0)
    assert not drops(compare(right, many, targets), 10.0)


def test_the_converter_says_nothing_unless_asked(digits: Digits, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edgeship_runtime.cli", "export", str(digits.keras), "--format", "tflite"]

    done = subprocess.run(
        [*command, "--out", str(tmp_path / "a"), "--json"], capture_output=True, text=True, check=True
    )

    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
