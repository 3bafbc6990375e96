"""`adopt` makes another tool's classifier one of ours, asks for what nothing tells, and refuses what is no classifier."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from edgeship_export import labels_file
from edgeship_export.tflite_packing import pack, unpack
from edgeship_runtime import Classifier, ModelFile
from edgeship_runtime.containers.tflite import MARKER
from edgeship_runtime.errors import AdoptError
from edgeship_runtime.evaluation import wilson
from edgeship_runtime.model_file import RawModel
from edgeship_runtime.record import Json
from foreign_models import Op, T, Tflite, picture_to
from making import Digits, Run, bare, paint

DIGITS = "".join(f"{number}\n" for number in range(10))
COLOURS = "red\ngreen\nblue\n"
CIFAR = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text(DIGITS)
    return path


# Real files of others.


def test_coral_mobilenet_tells_everything_itself_and_knows_a_macaw(run: Run, shared_data: Path, tmp_path: Path) -> None:
    foreign = shared_data / "models" / "coral" / "tf2_mobilenet_v2_1.0_224_ptq.tflite"
    parrot, out = shared_data / "images_small" / "parrot.jpg", tmp_path / "mobilenet.tflite"

    answer = run("adopt", foreign, "--pictures", parrot, "--out", out, "--json").json()

    assert isinstance(answer, dict)
    assert answer["labels"] == 1001
    # Its metadata says 127.5, its zero point 127: levels go in as they are.
    assert answer["preprocessing"]["graph_input"]["mean"] == [127]
    assert [item["label"] for item in answer["answers"]] == ["macaw"]
    assert one(run("run", out, parrot, "--json"))["label"] == "macaw"
    assert run("verify", out).code == 0
    assert ModelFile.open(out).raw.model == RawModel.open(foreign).model
    with zipfile.ZipFile(out) as archive:
        assert "imagenet_labels.txt" in archive.namelist()  # which its metadata names
    # Two cranes, a bird and a machine, are told apart.
    assert [label for label in ModelFile.open(out).manifest.labels if label.startswith("crane")] == [
        "crane (135)",
        "crane (518)",
    ]


@pytest.mark.parametrize(
    ("name", "options", "published"),
    [
        ("pretrainedResnet.tflite", ["--preprocessing", "raw"], 0.8719),
        ("pretrainedResnet_quant.tflite", [], 0.8697),
    ],
)
def test_resnet8_is_as_accurate_as_published(
    run: Run, shared_data: Path, tmp_path: Path, name: str, options: list[str], published: float
) -> None:
    (tmp_path / "cifar.txt").write_text(CIFAR)
    foreign = shared_data / "models" / "mlperf_tiny" / "ic01_resnet8_cifar10" / name
    out = tmp_path / name

    assert run("adopt", foreign, "--labels", tmp_path / "cifar.txt", *options, "--out", out).code == 0

    measured = run("evaluate", out, shared_data / "cifar10", "--json").json()
    assert isinstance(measured, dict)
    assert measured["samples"] == 2000
    low, high = wilson(round(measured["accuracy"] * 2000), 2000)
    assert low < published < high


def test_a_trial_finds_what_resnet8_was_trained_on(run: Run, shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "cifar.txt").write_text(CIFAR)
    foreign = shared_data / "models" / "mlperf_tiny" / "ic01_resnet8_cifar10" / "pretrainedResnet.tflite"
    out = tmp_path / "resnet.tflite"

    text = run("adopt", foreign, "--labels", tmp_path / "cifar.txt", "--data", shared_data / "cifar10", "--out", out)

    assert text.code == 0
    assert "on 200 pictures: raw" in text.out
    manifest = ModelFile.open(out).manifest
    assert manifest.preprocessing.graph_input is None
    assert len(manifest.golden) == 4
    assert run("verify", out).code == 0


def test_mnist_8_reads_handwriting(run: Run, shared_data: Path, labels: Path, tmp_path: Path) -> None:
    foreign, out = shared_data / "models" / "onnx" / "mnist-8.onnx", tmp_path / "mnist.onnx"
    nine = shared_data / "images_small" / "mnist_nine.bmp"

    answer = run(
        "adopt", foreign, "--labels", labels, "--preprocessing", "raw", "--pictures", nine, "--out", out, "--json"
    ).json()

    assert isinstance(answer, dict)
    assert answer["logits"]
    assert [item["label"] for item in answer["answers"]] == ["9"]
    measured = run("evaluate", out, f"mnist:{shared_data / 'mnist'}", "--json").json()
    assert isinstance(measured, dict)
    assert measured["accuracy"] > 0.985
    assert run("verify", out).code == 0


# From then on it is one of ours.


@pytest.mark.parametrize("format_name", ["tflite", "onnx", "keras"])
def test_an_adopted_file_runs_verifies_and_evaluates_as_ours_does(
    digits: Digits, run: Run, labels: Path, tmp_path: Path, format_name: str
) -> None:
    foreign = tmp_path / f"foreign.{format_name}"
    foreign.write_bytes(of_another_tool(digits, format_name))
    picture = next((digits.pictures / "7").iterdir())

    adopted = run("adopt", foreign, "--labels", labels, "--preprocessing", "raw", "--pictures", digits.pictures)

    assert adopted.code == 0, adopted.err
    out = tmp_path / f"foreign.adopted.{format_name}"
    assert one(run("run", out, picture, "--json"))["label"] == "7"
    assert run("verify", out).code == 0
    measured = run("evaluate", out, digits.pictures, "--json").json()
    assert isinstance(measured, dict)
    assert measured["accuracy"] > 0.8
    model = ModelFile.open(out)
    assert len(model.manifest.golden) == 4
    assert len({sample.label for sample in model.manifest.golden}) == 4
    assert model.manifest.provenance.parent_sha256 == sha256(foreign)
    if format_name != "keras":
        assert model.raw.model == foreign.read_bytes()
    facts = run("inspect", out, "--json").json()
    assert isinstance(facts, dict)
    assert facts["labels"] == [str(number) for number in range(10)]
    assert [found for found in facts["findings"] if found["level"] != "info"] == []


def test_an_adopted_file_is_benchmarked(digits: Digits, run: Run, labels: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.onnx"
    foreign.write_bytes(bare(digits, "onnx"))
    out = tmp_path / "adopted.onnx"
    assert run("adopt", foreign, "--labels", labels, "--preprocessing", "raw", "--out", out).code == 0

    done = run(
        "benchmark", out, "--data", digits.pictures, "--out", tmp_path / "report", "--threads", "1", "--seconds", "0.05"
    )

    assert done.code == 0
    (result,) = json.loads((tmp_path / "report" / "report.json").read_text())["results"]
    assert result["accuracy"] > 0.8


def test_labels_of_the_metadata_are_taken(digits: Digits, run: Run, tmp_path: Path) -> None:
    names = [f"digit {number}" for number in range(10)]
    foreign, out = tmp_path / "described.tflite", tmp_path / "out.tflite"
    stream = io.BytesIO(of_another_tool(digits, "tflite"))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("labels.txt", "\n".join(names))
    foreign.write_bytes(stream.getvalue())

    assert run("adopt", foreign, "--out", out).code == 0

    assert list(ModelFile.open(out).manifest.labels) == names
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist().count("labels.txt") == 1


def test_logits_become_shares(run: Run, tmp_path: Path) -> None:
    out = adopted_colours(run, tmp_path, "mean=0,std=255")
    red = paint(tmp_path / "painted", {"red": 1}) / "red" / "00.png"

    top = one(run("run", out, red, "--json", "--top-k", "3"))["top"]

    assert top[0]["label"] == "red"
    assert sum(item["score"] for item in top) == pytest.approx(1, abs=1e-4)
    assert ModelFile.open(out).manifest.logits


# What the network took in training.


@pytest.mark.parametrize(
    ("stated", "answer"), [("unit", "red"), ("unit,bgr", "blue"), ("caffe", "blue"), ("caffe,rgb", "red")]
)
def test_the_order_of_colours_is_followed(run: Run, tmp_path: Path, stated: str, answer: str) -> None:
    out = adopted_colours(run, tmp_path, stated)
    red = paint(tmp_path / "painted", {"red": 1}) / "red" / "00.png"

    assert one(run("run", out, red, "--json"))["label"] == answer


def test_mean_and_standard_deviation_reach_the_graph(run: Run, tmp_path: Path) -> None:
    out = adopted_colours(run, tmp_path, "mean=10/20/30,std=2/4/5")
    levels = np.zeros((8, 8, 3), np.uint8) + np.array([12, 28, 45], np.uint8)
    classifier = Classifier.load(out)

    logits = classifier.engine.scores(levels[np.newaxis])[0]

    np.testing.assert_allclose(logits, [1, 2, 3], rtol=1e-5)


def test_what_is_not_told_is_asked_for(run: Run, tmp_path: Path) -> None:
    foreign = write(tmp_path / "colours.onnx", colours())

    line = run("adopt", foreign, "--labels", write(tmp_path / "l.txt", COLOURS)).one_line_error()

    assert "takes float32, and nothing in it says what that was in training" in line
    assert "--data DATA" in line
    assert all(name in line for name in ("raw", "unit", "tf", "torch", "caffe"))
    assert not (tmp_path / "colours.adopted.onnx").exists()


def test_labelled_pictures_tell_it(run: Run, tmp_path: Path) -> None:
    foreign, out = write(tmp_path / "light.onnx", lightness()), tmp_path / "out.onnx"
    data = shades(tmp_path / "data", {"dark": 117, "light": 130})  # about 0.48 and 0.53 of 1

    done = run("adopt", foreign, "--labels", write(tmp_path / "l.txt", "dark\nlight\n"), "--data", data, "--out", out)

    assert done.code == 0, done.err
    assert "unit              1.000" in done.out
    stated = ModelFile.open(out).manifest.preprocessing.graph_input
    assert stated is not None
    assert (stated.mean, stated.std) == ((0.0,), (255.0,))


def test_pictures_that_cannot_tell_decide_nothing(run: Run, tmp_path: Path) -> None:
    foreign = write(tmp_path / "colours.onnx", colours())
    data = paint(tmp_path / "data", {"red": 8, "green": 8, "blue": 8})

    line = run("adopt", foreign, "--labels", write(tmp_path / "l.txt", COLOURS), "--data", data).one_line_error()

    assert "cannot be told apart. Say --preprocessing" in line


def test_labels_in_another_order_are_no_better_than_guessing(run: Run, tmp_path: Path) -> None:
    foreign = write(tmp_path / "colours.onnx", colours())
    data = paint(tmp_path / "data", {"red": 8, "green": 8, "blue": 8})
    turned = write(tmp_path / "l.txt", "green\nblue\nred\n")

    line = run("adopt", foreign, "--labels", turned, "--data", data).one_line_error()

    assert "none answers better than guessing. Are the labels in the order of the outputs?" in line


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ("imagenet", "'imagenet' is none of them; wanted raw, unit, tf, torch, caffe"),
        ("mean=1/2,std=1", "mean has 2 numbers"),
        ("mean=0.485/0.456/0.406,std=0.229/0.224/0.225", "multiply by 255, or use torch"),
        ("std=0", "other than 0"),
        ("mean=x", "'x' is no number"),
    ],
)
def test_a_normalization_that_is_none_is_usage(run: Run, tmp_path: Path, stated: str, words: str) -> None:
    result = run("adopt", tmp_path / "any.onnx", "--preprocessing", stated)

    assert result.code == 2
    assert words in result.err


def test_three_means_are_for_three_channels(run: Run, digits: Digits, labels: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "grey.onnx"
    foreign.write_bytes(bare(digits, "onnx"))

    line = run("adopt", foreign, "--labels", labels, "--preprocessing", "torch").one_line_error()

    assert "a mean or std for 3 channels; color is grey" in line


# What is no classifier.


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (picture_to(T((1, 10, 4)), operator="custom TFLite_Detection_PostProcess"), "a detector: it finds boxes"),
        (picture_to(T((1, 10, 4)), T((1, 10))), "a model of 2 outputs, such as a detector"),
        (picture_to(T((1, 84, 8400))), "a model of boxes or a sequence: it gives 1×84×8400"),
        (picture_to(T((1, 8, 8, 21))), "a model of segmentation, or pictures from pictures: it gives 1×8×8×21"),
        (picture_to(T((1, 1))), "a model of one number: a regression, or two labels told by one score"),
        (picture_to(T((1, 3)), taken=T((1, 16000))), "no model of pictures: it takes 1×16000; sound and sensors come so"),
        (picture_to(T((1, 3)), operator="custom AudioSpectrogram"), "a model of sound (AudioSpectrogram)"),
        (picture_to(T((1, 3)), taken=T((1, 8, 8, 5))), "no model of RGB or grey pictures: it takes 1×8×8×5 float32"),
        (picture_to(T((1, 3)), taken=T((1, 20), "int32")), "a model of text or numbers: it takes int32"),
        (picture_to(T((1, 3)), operator="UNIDIRECTIONAL_SEQUENCE_LSTM"), "a model of sequences (UNIDIRECTIONAL_SEQUENCE_LSTM)"),
        (Tflite([T((1, 8, 8, 3)), T((1, 8, 8, 3)), T((1, 3))], [Op("ADD", [0, 1], [2])], [0, 1]).to_bytes(), "a model of 2 inputs"),
    ],
)  # fmt: skip
def test_what_is_no_classifier_is_refused_with_what_it_is(
    run: Run, labels: Path, tmp_path: Path, model: bytes, what: str
) -> None:
    foreign = tmp_path / "model.tflite"
    foreign.write_bytes(model)

    line = run("adopt", foreign, "--labels", labels).one_line_error()

    assert f"{foreign} is {what}" in line
    assert list(tmp_path.glob("*.adopted.*")) == []


def test_an_operator_that_no_device_has_is_refused_with_its_layer(run: Run, labels: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "model.tflite"
    foreign.write_bytes(picture_to(T((1, 10)), operator="custom FlexErf"))

    line = run("adopt", foreign, "--labels", labels).one_line_error()

    assert "layer 'block/layer_1': TensorFlow's own operator Erf" in line


# Bad input.


def test_another_number_of_labels_is_refused_with_a_hint(digits: Digits, run: Run, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.tflite"
    foreign.write_bytes(of_another_tool(digits, "tflite"))
    short = write(tmp_path / "l.txt", "".join(f"{n}\n" for n in range(9)))

    line = run("adopt", foreign, "--labels", short).one_line_error()

    assert "gives 10 scores, and there are 9 labels; often the first score is for 'background'" in line


def test_a_label_without_a_score_is_refused_with_a_hint(digits: Digits, run: Run, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.tflite"
    foreign.write_bytes(of_another_tool(digits, "tflite"))
    names = write(tmp_path / "l.txt", "background\n" + DIGITS)

    line = run("adopt", foreign, "--labels", names).one_line_error()

    assert line.endswith("often the first label, 'background', has no score: then leave it out")


def test_without_labels_it_says_what_to_give(digits: Digits, run: Run, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.onnx"
    foreign.write_bytes(bare(digits, "onnx"))

    assert "--labels FILE, one label a line" in run("adopt", foreign, "--preprocessing", "raw").one_line_error()


def test_a_file_of_ours_needs_no_adoption(digits: Digits, run: Run) -> None:
    assert "is a model file of edgeship already" in run("adopt", digits.int8).one_line_error()


def test_nothing_is_overwritten(digits: Digits, run: Run, labels: Path, tmp_path: Path) -> None:
    foreign, out = tmp_path / "foreign.tflite", tmp_path / "out.tflite"
    foreign.write_bytes(of_another_tool(digits, "tflite"))
    out.write_text("precious")

    assert "exists" in run("adopt", foreign, "--labels", labels, "--out", out).one_line_error()
    assert out.read_text() == "precious"
    assert run("adopt", foreign, "--labels", labels, "--out", out, "--force").code == 0
    assert len(ModelFile.open(out).manifest.labels) == 10


def test_an_unreadable_picture_is_named(digits: Digits, run: Run, labels: Path, tmp_path: Path) -> None:
    foreign, broken = tmp_path / "foreign.tflite", write(tmp_path / "broken.jpg", "no picture")
    foreign.write_bytes(of_another_tool(digits, "tflite"))

    line = run("adopt", foreign, "--labels", labels, "--pictures", broken).one_line_error()

    assert line.startswith(f"edgeship: {broken}: not a picture")
    assert list(tmp_path.glob("*.adopted.*")) == []


def test_a_truncated_file_is_refused_before_native_code_sees_it(
    digits: Digits, run: Run, labels: Path, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign.tflite"
    foreign.write_bytes(of_another_tool(digits, "tflite")[:-5000])

    assert "truncated or damaged" in run("adopt", foreign, "--labels", labels).one_line_error()


def test_a_folder_that_is_no_saved_model_says_what_is_wanted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()

    assert "without saved_model.pb" in run("adopt", tmp_path / "model").one_line_error()


def test_weights_in_other_files_are_refused(run: Run, tmp_path: Path) -> None:
    model = onnx.load_from_string(colours())
    weight = model.graph.initializer[0]
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="weights.bin")
    weight.ClearField("raw_data")
    foreign = write(tmp_path / "colours.onnx", model.SerializeToString())

    line = run(
        "adopt", foreign, "--labels", write(tmp_path / "l.txt", COLOURS), "--preprocessing", "raw"
    ).one_line_error()

    assert "its weights lie in other files" in line


# Networks that leave sides open, and SavedModels: TensorFlow takes its time.


@pytest.fixture(scope="module")
def open_sized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network for pictures of any size, as a .keras, a SavedModel and a .tflite."""
    import keras
    import tensorflow as tf
    from keras import layers

    folder = tmp_path_factory.mktemp("open")
    keras.utils.set_random_seed(1)
    network = keras.Sequential(
        [
            layers.Input((None, None, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    network.save(folder / "net.keras")
    network.export(folder / "saved", verbose=False)
    (folder / "net.tflite").write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved")).convert())
    return folder


@pytest.mark.parametrize("name", ["net.keras", "saved", "net.tflite"])
def test_a_network_of_any_size_is_told_its_own(open_sized: Path, run: Run, tmp_path: Path, name: str) -> None:
    names = write(tmp_path / "l.txt", COLOURS)
    out = tmp_path / ("out.keras" if name == "net.keras" else "out.tflite")
    stated = ["--labels", names, "--preprocessing", "tf", "--out", out]

    asked = run("adopt", open_sized / name, *stated)
    done = run("adopt", open_sized / name, *stated, "--size", "20x16")

    assert "say which it was trained on: --size WIDTHxHEIGHT" in asked.one_line_error()
    assert done.code == 0, done.err
    assert ModelFile.open(out).manifest.preprocessing.shape == (16, 20, 3)


def test_all_three_answer_alike(open_sized: Path, run: Run, tmp_path: Path) -> None:
    names = write(tmp_path / "l.txt", COLOURS)
    batch = np.random.default_rng(2).integers(0, 256, (3, 16, 20, 3)).astype(np.uint8)
    found = []
    for name in ("net.keras", "saved", "net.tflite"):
        out = tmp_path / f"{Path(name).stem}_out{Path(name).suffix or '.tflite'}"
        run("adopt", open_sized / name, "--labels", names, "--preprocessing", "tf", "--size", "20x16", "--out", out)
        found.append(Classifier.load(out).scores(batch))

    np.testing.assert_allclose(found[1], found[0], atol=1e-5)
    np.testing.assert_allclose(found[2], found[0], atol=1e-5)


# Labels files.


@pytest.mark.parametrize(
    "text",
    [
        "cat\ndog\nrat\n",
        "\ufeffcat\r\ndog\r\n\r\nrat",
        "0 cat\n1 dog\n2 rat",
        "3: rat\n1: cat\n2: dog",
        "0,cat\n1,dog\n2,rat",
        '["cat", "dog", "rat"]',
        '{"2": "rat", "0": "cat", "1": "dog"}',
        '{"rat": 2, "cat": 0, "dog": 1}',
        '{"0": ["n02", "cat"], "2": ["n01", "rat"], "1": ["n03", "dog"]}',
        '{"model_type": "vit", "id2label": {"0": "cat", "1": "dog", "2": "rat"}, "label2id": {"cat": 0}}',
    ],
)
def test_labels_are_read_as_people_write_them(tmp_path: Path, text: str) -> None:
    assert labels_file.read(write(tmp_path / "labels", text)) == ("cat", "dog", "rat")


@pytest.mark.parametrize("text", ["7 up\ncat\n", "1984\n2001\n"])
def test_numbers_that_are_part_of_names_stay(tmp_path: Path, text: str) -> None:
    assert labels_file.read(write(tmp_path / "labels", text)) == tuple(text.split("\n")[:2])


@pytest.mark.parametrize(
    "text", ['{"a": 1, "b": 7}', '{"0": [1]}', '{"0": []}', '{"a": "b"}', "[1, 2]", "[", b"\xff\xfe\x00"]
)
def test_what_is_no_list_of_labels_is_refused(tmp_path: Path, text: str | bytes) -> None:
    path = write(tmp_path / "labels", text)

    with pytest.raises(AdoptError, match=str(path)):
        labels_file.read(path)


# Made here.


def colours() -> bytes:
    """A network whose logits are the means of its input's channels, N×3×8×8."""
    weight = helper.make_tensor("weight", TensorProto.FLOAT, (3, 3), np.eye(3, dtype=np.float32).tobytes(), raw=True)
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight"], ["logits"]),
    ]
    return _onnx(nodes, [weight], 3)


def lightness() -> bytes:
    """Two logits that part at a mean of 0.5: right for pixels from 0 to 1 alone."""
    weight = helper.make_tensor("weight", TensorProto.FLOAT, (3, 2), [-1, 1] * 3)
    bias = helper.make_tensor("bias", TensorProto.FLOAT, (2,), [1.5, -1.5])
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["logits"]),
    ]
    return _onnx(nodes, [weight, bias], 2)


def _onnx(nodes: list[onnx.NodeProto], weights: list[TensorProto], outputs: int) -> bytes:
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3, 8, 8])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", outputs])
    graph = helper.make_graph(nodes, "graph", [pixels], [logits], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def of_another_tool(digits: Digits, format_name: str) -> bytes:
    """A file without anything of ours: a .tflite of ours says in its flatbuffer that members follow."""
    model = bare(digits, format_name)
    if format_name != "tflite":
        return model
    parsed = unpack(model)
    parsed.metadata = [entry for entry in parsed.metadata if entry.name != MARKER.encode()]
    return pack(parsed)


def adopted_colours(run: Run, folder: Path, stated: str) -> Path:
    foreign, out = write(folder / "colours.onnx", colours()), folder / "out.onnx"
    done = run("adopt", foreign, "--labels", write(folder / "l.txt", COLOURS), "--preprocessing", stated, "--out", out)
    assert done.code == 0, done.err
    return out


def shades(folder: Path, levels: dict[str, int]) -> Path:
    """Ten pictures of each label, about as light as it says."""
    for label, level in levels.items():
        (folder / label).mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (8, 8), (level + number,) * 3).save(folder / label / f"{number}.png")
    return folder


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def one(result: object) -> Json:
    (line,) = result.lines()  # type: ignore[attr-defined]
    return line


def sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()
