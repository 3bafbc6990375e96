"""What graphs take and give comes in many shapes: `adopt` takes those that are a classifier's, and names the others."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgeship_runtime import Classifier, ModelFile
from foreign_models import T, picture_to
from making import Run, paint

COLOURS = "red\ngreen\nblue\n"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text(COLOURS)
    return path


def test_scores_may_come_as_n_by_labels_by_1_by_1(run: Run, labels: Path, tmp_path: Path) -> None:
    foreign, out = tmp_path / "squeeze.onnx", tmp_path / "out.onnx"
    foreign.write_bytes(means(["batch", 3, 8, 8], ["batch", 3, 1, 1]))
    red = paint(tmp_path / "painted", {"red": 1})

    done = run("adopt", foreign, "--labels", labels, "--preprocessing", "unit", "--pictures", red, "--out", out)

    assert done.code == 0, done.err
    assert Classifier.load(out).classify(red / "red" / "00.png").label == "red"
    assert [f for f in run("inspect", out, "--json").json()["findings"] if f["level"] != "info"] == []


@pytest.mark.parametrize("sides", [(4, 3, 8, 8), (4, 8, 8, 3)])
def test_a_graph_for_several_pictures_at_a_time_is_refused(
    run: Run, labels: Path, tmp_path: Path, sides: tuple[int, ...]
) -> None:
    name = "model.onnx" if sides[1] == 3 else "model.tflite"
    content = means(list(sides), [4, 3, 1, 1]) if sides[1] == 3 else picture_to(T((4, 3)), taken=T(sides))
    (tmp_path / name).write_bytes(content)

    line = run("adopt", tmp_path / name, "--labels", labels, "--preprocessing", "unit").one_line_error()

    assert "takes exactly 4 pictures at a time; convert it again for one, or for any number" in line


@pytest.mark.parametrize("options", [["--preprocessing", "unit"], ["--data", "painted"]])
def test_a_size_that_the_graph_cannot_compute_is_said(
    run: Run, labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    paint(tmp_path / "painted", {"red": 4, "green": 4, "blue": 4})
    foreign = tmp_path / "model.onnx"
    weight = helper.make_tensor("w", TensorProto.FLOAT, (3 * 64, 3), np.zeros(3 * 64 * 3))
    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w"], ["scores"]),
    ]
    foreign.write_bytes(onnx_of(nodes, ["batch", 3, "h", "w"], ["batch", 3], [weight]))

    line = run("adopt", foreign, "--labels", labels, "--size", "16x16", *options).one_line_error()

    assert "cannot compute a picture of 16×16: " in line
    assert line.endswith("--size WIDTHxHEIGHT")


def test_the_best_label_alone_is_no_score(run: Run, labels: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "best.onnx"
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("ArgMax", ["means"], ["best"], axis=1, keepdims=0),
    ]
    foreign.write_bytes(onnx_of(nodes, ["batch", 3, 8, 8], ["batch", 1, 1], dtype=TensorProto.INT64))

    line = run("adopt", foreign, "--labels", labels).one_line_error()

    assert "is a model that gives the best label's number alone (N×1×1 int64), and no scores" in line


def test_golden_samples_of_an_onnx_allow_for_what_kernels_differ_by(run: Run, labels: Path, tmp_path: Path) -> None:
    """A bias of 400 million leaves steps of 32 levels to float32, unless it is folded into what takes it off again."""
    foreign, out = tmp_path / "coarse.onnx", tmp_path / "out.onnx"
    values = {"kernel": np.eye(3).reshape(3, 3, 1, 1), "bias": [4e8] * 3, "scale": [0.02] * 3, "zero": [0.0] * 3}
    values |= {"mean": [4e8] * 3, "variance": [1.0] * 3}
    weights = [onnx.numpy_helper.from_array(np.float32(value), name) for name, value in values.items()]
    nodes = [
        helper.make_node("Conv", ["pixels", "kernel", "bias"], ["maps"]),
        helper.make_node("BatchNormalization", ["maps", "scale", "zero", "mean", "variance"], ["normal"]),
        helper.make_node("GlobalAveragePool", ["normal"], ["means"]),
        helper.make_node("Flatten", ["means"], ["scores"]),
    ]
    foreign.write_bytes(onnx_of(nodes, ["batch", 3, 8, 8], ["batch", 3], weights))
    painted = paint(tmp_path / "painted", {"red": 2, "green": 2, "blue": 2})
    stated = ["--labels", labels, "--preprocessing", "mean=0.3,std=1", "--pictures", painted, "--out", out]

    assert run("adopt", foreign, *stated).code == 0

    golden = ModelFile.open(out).manifest.golden
    assert len(golden) == 4
    assert all(sample.tolerance > 0.001 for sample in golden)  # the floor of float32


# Networks in .keras files, whose configuration does not tell all of it.


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras
    from keras import layers

    folder = tmp_path_factory.mktemp("networks")
    taken, other = layers.Input((8, 8, 3)), layers.Input((8, 8, 3))
    maps = layers.Conv2D(3, 3, padding="same")(taken)
    means = layers.GlobalAveragePooling2D()(maps)
    sums = layers.GlobalAveragePooling2D()(layers.Add()([taken, other]))
    flattened = layers.Conv2D(3, 3, padding="same")(layers.AveragePooling2D(2)(taken))  # told by the engine alone
    inner = keras.Model(taken, means)
    for name, network in {
        "autoencoder": keras.Model(taken, maps),
        "maps": keras.Model(taken, flattened),
        "two_outputs": keras.Model(taken, [layers.Dense(3)(means), layers.Dense(4)(means)]),
        "two_inputs": keras.Model([taken, other], layers.Dense(3)(sums)),
        "unbuilt": keras.Sequential([layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(3)]),
        "n11c": keras.Model(taken, layers.GlobalAveragePooling2D(keepdims=True)(maps)),
        "nested": keras.Sequential([inner, layers.Dense(3, activation="softmax")]),
    }.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that one was never built
            network.save(folder / f"{name}.keras")
    return folder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("autoencoder", "is a model of segmentation, or pictures from pictures"),
        ("maps", "is a model of segmentation, or pictures from pictures: it gives N×4×4×3"),
        ("two_outputs", "is a model of 2 outputs"),
        ("two_inputs", "is a model of 2 inputs"),
        ("unbuilt", "its configuration does not say what its network takes; save it again after it was built"),
    ],
)
def test_a_keras_file_that_is_no_classifier_is_refused(
    run: Run, networks: Path, labels: Path, tmp_path: Path, name: str, words: str
) -> None:
    options: list[Any] = ["--labels", labels, "--preprocessing", "tf", "--out", tmp_path / "out.keras"]

    assert words in run("adopt", networks / f"{name}.keras", *options).one_line_error()
    assert not (tmp_path / "out.keras").exists()
    assert run("inspect", networks / f"{name}.keras", "--json").code == 0


@pytest.mark.parametrize("name", ["n11c", "nested"])
def test_a_keras_file_that_is_one_is_taken(run: Run, networks: Path, labels: Path, tmp_path: Path, name: str) -> None:
    out, exported = tmp_path / "out.keras", tmp_path / "out.tflite"

    done = run("adopt", networks / f"{name}.keras", "--labels", labels, "--preprocessing", "tf", "--out", out)

    assert done.code == 0, done.err
    assert ModelFile.open(out).manifest.preprocessing.shape == (8, 8, 3)
    batch = np.random.default_rng(2).integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    assert Classifier.load(out).scores(batch).shape == (2, 3)
    assert run("export", out, "--format", "tflite", "--out", exported).code == 0
    np.testing.assert_allclose(Classifier.load(exported).scores(batch), Classifier.load(out).scores(batch), atol=1e-5)


# SavedModels of several functions, or of other ones.


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tensorflow as tf

    def spec(sides: Any, dtype: str = "float32") -> tf.TensorSpec:
        return tf.TensorSpec(sides, dtype, name="pixels")

    class Module(tf.Module):
        def __init__(self) -> None:
            self.weight = tf.Variable(tf.eye(3))

        @tf.function(input_signature=[spec((None, 8, 8, 3))])
        def scores(self, pixels: Any) -> Any:
            return {"scores": tf.nn.softmax(tf.reduce_mean(pixels, [1, 2]) @ self.weight * 9)}

        @tf.function(input_signature=[spec((None, 8, 8, 3))])
        def features(self, pixels: Any) -> Any:
            return {"features": tf.reduce_mean(pixels, [1, 2])}

        @tf.function(input_signature=[spec(None)])
        def unranked(self, pixels: Any) -> Any:
            return self.scores(pixels)

        @tf.function(input_signature=[spec((None,), "string")])
        def encoded(self, pixels: Any) -> Any:
            return {"scores": tf.cast(tf.strings.length(pixels)[:, None], "float32") + tf.zeros((1, 3))}

        @tf.function(input_signature=[spec((1, 8, 8, 3))])
        def boxes(self, pixels: Any) -> Any:
            found = tf.image.combined_non_max_suppression(
                tf.reshape(pixels, (1, 48, 1, 4)), tf.reshape(pixels[..., 0], (1, 64, 1))[:, :48], 2, 5
            )
            return {"boxes": found[0]}

    module, folder = Module(), tmp_path_factory.mktemp("saved")
    for name, signatures in {
        "two": {"features": module.features, "serving_default": module.scores},
        "named": {"classify": module.scores},
        "several": {"classify": module.scores, "features": module.features},
        "unranked": {"serving_default": module.unranked},
        "encoded": {"serving_default": module.encoded},
        "boxes": {"serving_default": module.boxes},
    }.items():
        tf.saved_model.save(module, str(folder / name), signatures=signatures)
    return folder


@pytest.mark.parametrize("name", ["two", "named"])
def test_the_signature_of_a_classifier_is_taken(run: Run, saved: Path, labels: Path, tmp_path: Path, name: str) -> None:
    out, red = tmp_path / "out.tflite", paint(tmp_path / "painted", {"red": 1}) / "red" / "00.png"

    done = run("adopt", saved / name, "--labels", labels, "--preprocessing", "unit", "--out", out)

    assert done.code == 0, done.err
    assert Classifier.load(out).classify(red).label == "red"
    assert not ModelFile.open(out).manifest.logits


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A Keras network saved with signatures of its own; TensorFlow's from_saved_model leaves the variables of such unfilled."""
    import keras
    import tensorflow as tf

    inputs = keras.Input((8, 8, 3))
    made = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(inputs)))
    spec = tf.TensorSpec((None, 8, 8, 3), tf.float32)
    given = tf.function(lambda pixels: {"scores": made(pixels)}, input_signature=[spec])
    means = tf.function(lambda pixels: {"means": tf.reduce_mean(pixels, [1, 2])}, input_signature=[spec])
    folder = tmp_path_factory.mktemp("own") / "saved"
    tf.saved_model.save(made, str(folder), signatures={"serving_default": given, "features": means})
    return folder, made


def test_a_network_with_signatures_of_its_own_keeps_its_weights(
    run: Run, network: tuple[Path, Any], labels: Path, tmp_path: Path
) -> None:
    folder, made = network
    out, pixels = tmp_path / "out.tflite", np.full((1, 8, 8, 3), 90, np.uint8)

    done = run("adopt", folder, "--labels", labels, "--preprocessing", "unit", "--out", out)

    assert done.code == 0, done.err
    wanted = made(pixels.astype(np.float32) / 255).numpy()
    assert np.allclose(Classifier.load(out).scores(pixels), wanted, atol=1e-5)


def test_variables_that_nothing_fills_are_an_error(
    run: Run, network: tuple[Path, Any], labels: Path, tmp_path: Path
) -> None:
    import tensorflow as tf

    empty = tmp_path / "empty.tflite"
    keys = ["serving_default"]
    empty.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(network[0]), signature_keys=keys).convert())

    seen = run("inspect", empty)
    refused = run("adopt", empty, "--labels", labels, "--preprocessing", "unit")

    assert "reads variables that nothing in the file fills" in seen.out
    assert "reads variables that nothing in the file fills" in refused.one_line_error()


def test_scores_that_are_no_numbers_are_refused(run: Run, labels: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "log.onnx"
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Log", ["flat"], ["scores"]),  # NaN below the middle grey that "tf" makes zero of
    ]
    foreign.write_bytes(onnx_of(nodes, ["batch", 3, 8, 8], ["batch", 3]))

    refused = run("adopt", foreign, "--labels", labels, "--preprocessing", "tf")

    assert "computes scores that are no finite numbers" in refused.one_line_error()
    assert not (tmp_path / "log.adopted.onnx").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("several", "wanted a signature serving_default, or a single one; it has classify, features"),
        ("unranked", "its signature serving_default takes any number of sides"),
        ("encoded", "is a model of text or numbers: it takes string"),
        ("boxes", "is a detector: it finds boxes (CombinedNonMaxSuppression)"),
    ],
)
def test_another_saved_model_is_refused_with_what_it_is(
    run: Run, saved: Path, labels: Path, tmp_path: Path, name: str, words: str
) -> None:
    out = tmp_path / "out.tflite"

    line = run("adopt", saved / name, "--labels", labels, "--preprocessing", "unit", "--out", out).one_line_error()

    assert words in line
    assert not out.exists()


def means(taken: list[Any], given: list[Any]) -> bytes:
    """Scores that are the means of the input's channels."""
    return onnx_of([helper.make_node("GlobalAveragePool", ["pixels"], ["scores"])], taken, given)


def onnx_of(
    nodes: list[onnx.NodeProto],
    taken: list[Any],
    given: list[Any],
    weights: list[TensorProto] | None = None,
    dtype: int = TensorProto.FLOAT,
) -> bytes:
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, taken)
    scores = helper.make_tensor_value_info(nodes[-1].output[0], dtype, given)
    graph = helper.make_graph(nodes, "graph", [pixels], [scores], weights or [])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())
