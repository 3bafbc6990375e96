"""A .keras that another hand trained: what its manifest says of its ends is in every file that is exported from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeship_runtime import Classifier, ModelFile
from making import Run, paint

COLOURS = "red\ngreen\nblue\n"


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("painted") / "data", {"red": 8, "green": 8, "blue": 8})


@pytest.fixture(scope="module")
def blue_first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logits that are right for BGR pictures less ImageNet's mean alone, and steep: a softmax too many or too few shows."""
    import keras
    from keras import layers

    pixels = layers.Input((8, 8, 3))
    means = layers.GlobalAveragePooling2D()(pixels)
    network = keras.Model(pixels, layers.Dense(3, name="logits")(means))
    network.get_layer("logits").set_weights([np.eye(3)[:, ::-1] / 50, np.zeros(3)])
    path = tmp_path_factory.mktemp("bgr") / "bgr.keras"
    network.save(path)
    return path


@pytest.fixture(scope="module")
def adopted(blue_first: Path, painted: Path) -> Path:
    from edgeship_runtime.cli import main

    labels, out = blue_first.with_name("l.txt"), blue_first.with_name("adopted.keras")
    labels.write_text(COLOURS)
    stated = ["--labels", labels, "--preprocessing", "caffe", "--pictures", painted, "--out", out]
    assert main([str(word) for word in ("adopt", blue_first, *stated)]) == 0
    return out


@pytest.mark.parametrize(
    ("options", "off"),
    [(["tflite"], 1e-4), (["onnx"], 1e-4), (["tflite", "--quantize", "int8"], 0.03)],
)
def test_an_export_takes_raw_pixels_and_answers_as_its_parent(
    run: Run, adopted: Path, painted: Path, tmp_path: Path, options: list[str], off: float
) -> None:
    out = tmp_path / "exported"
    batch = np.stack([np.asarray(Image.open(path).resize((8, 8))) for path in sorted(painted.glob("*/*.png"))[::3]])

    done = run("export", adopted, "--data", painted, "--out", out, "--json", "--format", *options)

    assert done.code == 0, done.err
    manifest = ModelFile.open(out).manifest
    assert manifest.preprocessing.graph_input is None
    assert not manifest.logits
    wanted, got = (Classifier.load(path).scores(batch) for path in (adopted, out))
    np.testing.assert_allclose(got, wanted, atol=off)
    answer = done.json()
    assert answer["proof"]["parent_accuracy"] == answer["proof"]["accuracy"] == 1
    assert run("verify", out).code == 0
    facts = run("inspect", out, "--json").json()
    assert [finding for finding in facts["findings"] if finding["level"] != "info"] == []


def test_training_does_not_go_on_from_it(run: Run, adopted: Path, painted: Path, tmp_path: Path) -> None:
    line = run("train", painted, "--from", adopted, "--out", tmp_path / "more.keras").one_line_error()

    assert f"--from {adopted} was trained elsewhere" in line
    assert not (tmp_path / "more.keras").exists()
