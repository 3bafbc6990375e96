"""`verify` passes where the answers are the same, and names the stage that differs where they are not."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeship_runtime.containers import container
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.model_file import MANIFEST, ModelFile, assemble
from making import Digits, Run, bare


@pytest.mark.parametrize("kind", ["keras", "int8", "float32", "onnx"])
def test_every_file_verifies_where_it_was_made(digits: Digits, run: Run, kind: str) -> None:
    result = run("verify", getattr(digits, kind), "--json")

    answer = result.json()
    assert result.code == 0
    assert isinstance(answer, dict)
    assert answer["passed"] is True
    assert answer["samples"] == 4
    assert [stage["name"] for stage in answer["stages"]] == ["file", "preprocess", "invoke", "answer"]


def rewritten(digits: Digits, folder: Path, change: object) -> Path:
    """The int8 file with another manifest: `change` turns a Manifest and members into new ones."""
    model = ModelFile.open(digits.int8)
    members = {name: data for name, data in model.raw.members.items() if name != MANIFEST}
    manifest, members = change(model.manifest, members)  # type: ignore[operator]
    path = folder / "changed.tflite"
    path.write_bytes(assemble("tflite", model.raw.model, manifest, members))
    return path


def failed_stages(result: object) -> list[str]:
    assert isinstance(result, dict)
    assert result["passed"] is False
    return [stage["name"] for stage in result["stages"] if not stage["passed"]]


def test_another_picture_fails_in_preprocessing(digits: Digits, run: Run, tmp_path: Path) -> None:
    def invert(manifest: Manifest, members: dict[str, bytes]) -> tuple[Manifest, dict[str, bytes]]:
        name = manifest.golden[0].member
        path = tmp_path / "inverted.png"
        pixels = manifest.preprocessing(members[name])[..., 0]
        Image.fromarray(255 - pixels).save(path)
        return manifest, members | {name: path.read_bytes()}

    result = run("verify", rewritten(digits, tmp_path, invert), "--json")

    assert result.code == 1
    assert "preprocess" in failed_stages(result.json())


def test_a_rounding_difference_in_decoding_is_no_failure(digits: Digits, run: Run, tmp_path: Path) -> None:
    def nudge(manifest: Manifest, members: dict[str, bytes]) -> tuple[Manifest, dict[str, bytes]]:
        name = manifest.golden[0].member
        pixels = manifest.preprocessing(members[name])[..., 0].astype(int)
        pixels[0, 0] += 1 if pixels[0, 0] < 255 else -1
        path = tmp_path / "nudged.png"
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        return manifest, members | {name: path.read_bytes()}

    result = run("verify", rewritten(digits, tmp_path, nudge), "--json")

    answer = result.json()
    assert isinstance(answer, dict)
    assert answer["passed"] is True
    assert "pixels differ" in answer["stages"][1]["detail"]


def test_other_scores_fail_in_inference(digits: Digits, run: Run, tmp_path: Path) -> None:
    def doubt(manifest: Manifest, members: dict[str, bytes]) -> tuple[Manifest, dict[str, bytes]]:
        first = manifest.golden[0]
        lower = {label: score * 0.5 for label, score in first.scores.items()}
        return dataclasses.replace(manifest, golden=(dataclasses.replace(first, scores=lower),)), members

    assert failed_stages(run("verify", rewritten(digits, tmp_path, doubt), "--json").json()) == ["invoke"]


def test_labels_in_another_order_fail_in_the_answer(digits: Digits, run: Run, tmp_path: Path) -> None:
    def shift(manifest: Manifest, members: dict[str, bytes]) -> tuple[Manifest, dict[str, bytes]]:
        return dataclasses.replace(manifest, labels=manifest.labels[1:] + manifest.labels[:1]), members

    assert "answer" in failed_stages(run("verify", rewritten(digits, tmp_path, shift), "--json").json())


def test_a_file_without_samples_cannot_be_verified(digits: Digits, run: Run, tmp_path: Path) -> None:
    path = rewritten(digits, tmp_path, lambda manifest, members: (dataclasses.replace(manifest, golden=()), members))

    assert "carries no golden samples" in run("verify", path).one_line_error()


@pytest.mark.parametrize("verb", ["verify", "inspect", "run", "evaluate"])
@pytest.mark.parametrize("kind", ["keras", "int8", "onnx"])
def test_a_truncated_model_is_one_line_from_every_verb(
    digits: Digits, run: Run, tmp_path: Path, kind: str, verb: str
) -> None:
    source: Path = getattr(digits, kind)
    cut = tmp_path / f"cut{source.suffix}"
    cut.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    more = {"run": [digits.pictures], "evaluate": [digits.pictures]}.get(verb, [])

    line = run(verb, cut, *more).one_line_error()

    assert "truncated or damaged" in line
    assert str(cut) in line


def test_a_foreign_model_says_adopt(digits: Digits, run: Run, tmp_path: Path) -> None:
    for format_name in ("keras", "onnx"):
        path = tmp_path / f"foreign.{format_name}"
        path.write_bytes(bare(digits, format_name))
        assert f"edgeship adopt {path}" in run("verify", path).one_line_error()


def test_a_foreign_tflite_says_adopt(run: Run, shared_data: Path) -> None:
    path = shared_data / "models/coral/mobilenet_v2_1.0_224_quant.tflite"

    assert "edgeship adopt" in run("run", path, shared_data / "images_small/parrot.jpg").one_line_error()


def test_a_manifest_of_a_newer_format_says_upgrade(digits: Digits, run: Run, tmp_path: Path) -> None:
    model = ModelFile.open(digits.int8)
    newer = model.raw.members[MANIFEST].replace(b'{"format":1', b'{"format":7', 1)
    path = tmp_path / "newer.tflite"
    path.write_bytes(container("tflite").write(model.raw.model, {**model.raw.members, MANIFEST: newer}))

    line = run("verify", path).one_line_error()

    assert "manifest format 7" in line
    assert "pip install -U edgeship" in line


def test_what_is_no_model_file_says_how_it_begins(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_text("hello")

    assert "it begins with b'hello'" in run("verify", path).one_line_error()
