"""Every architecture takes raw pixels, trains, survives a save, and exports; weights that cannot be are one line."""

from pathlib import Path

import numpy as np
import pytest

from edgeship_runtime.data import open_data
from edgeship_runtime.model_file import ModelFile
from edgeship_train.architectures import build
from edgeship_train.config import TrainingConfig
from edgeship_train.resolving import resolve
from making import Run


@pytest.mark.parametrize("arch", ["lenet", "conv3", "bn_cnn", "micro"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (33, 33, 3)])
def test_our_networks_take_pictures_of_any_size(arch: str, shape: tuple[int, int, int]) -> None:
    network = build(TrainingConfig(arch=arch), shape, 5)

    scores = np.asarray(network.model(np.full((2, *shape), 255, np.float32)))

    assert scores.shape == (2, 5)
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert network.features is None


@pytest.mark.parametrize(("arch", "shape", "most"), [("lenet", (28, 28, 1), 500_000), ("micro", (28, 28, 1), 80_000)])
def test_small_networks_are_small(arch: str, shape: tuple[int, int, int], most: int) -> None:
    assert build(TrainingConfig(arch=arch), shape, 10).model.count_params() < most


@pytest.mark.parametrize("arch", ["resnet50", "densenet121", "MobileNet", "efficientnet_v2_b0", "mobilenet_v3_small"])
def test_keras_applications_scale_their_input_in_the_graph(arch: str) -> None:
    """The graph on raw pixels gives what the bare network gives on pixels that Keras' own preprocess_input has scaled."""
    import keras

    from edgeship_train.architectures.pretrained import _functions, _plain

    keras.utils.set_random_seed(0)
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    network = build(TrainingConfig(arch=arch, weights="none"), (64, 64, 3), 3)
    function, preprocess_input = _functions()[_plain(arch)]
    bare = function(input_shape=(64, 64, 3), weights=None, include_top=False, pooling="avg")
    features = network.model.get_layer("logits").input
    ours = keras.Model(network.model.inputs[0], features)
    bare.set_weights(ours.get_weights())

    expected = np.asarray(bare(preprocess_input(pixels.copy())))

    assert np.allclose(np.asarray(ours(pixels)), expected, rtol=1e-3, atol=1e-4)
    assert np.ptp(expected) > 0


def test_names_are_known_without_importing_keras() -> None:
    from edgeship_train.architectures.pretrained import _functions, names

    assert names() == set(_functions())


def test_the_width_can_be_chosen_in_every_spelling(painted: Path) -> None:
    asked = TrainingConfig(arch="MobileNetV2", alpha=0.35, weights="none")

    config = resolve(asked, open_data(str(painted)))

    assert (config.arch, config.alpha) == ("mobilenet_v2", 0.35)


@pytest.mark.slow
def test_an_application_is_trained_and_exported(run: Run, painted: Path, tmp_path: Path) -> None:
    """One whose scaling swaps red and blue and subtracts a mean from each colour."""
    out = tmp_path / "m.keras"
    options = ["--arch", "vgg16", "--weights", "none", "--size", 32, "--epochs", 1]
    assert run("train", painted, "--out", out, *options).code == 0

    exported = run("export", out, "--format", "tflite", "--quantize", "float16", "--max-drop", 100)

    assert exported.code == 0, exported.err
    assert run("verify", tmp_path / "m.float16.tflite").code == 0


OWN = """
from keras import Input, KerasTensor, Model, Sequential, layers


def tiny(shape, labels):
    inputs = Input(shape)
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(4, 3, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return Model(inputs, layers.Dense(labels, activation="softmax")(x))


def raw(shape, labels):
    model = tiny(shape, labels)
    return Model(model.inputs, layers.Dense(labels)(model.layers[-2].output))


def other(shape, labels):
    return tiny((9, 9, 3), labels)


def broken(shape, labels):
    return "no model"


def raising(shape, labels):
    return layers.Dense(-1)


def without_arguments():
    return tiny((16, 16, 3), 3)


def leaving(shape, labels):
    raise SystemExit("enough")


def without_an_input(shape, labels):
    return Sequential([layers.GlobalAveragePooling2D(), layers.Dense(labels, activation="softmax")])


def of_no_numbers(shape, labels):
    inputs = Input(shape)
    return Model(inputs, layers.Softmax()(layers.Flatten()(layers.Rescaling(float("inf"))(inputs))[:, :labels]))


class Failing(layers.Layer):
    def call(self, x):
        if not isinstance(x, KerasTensor):
            raise RuntimeError("only of pictures")
        return x

    def compute_output_shape(self, shape):
        return shape


def failing_on_pictures(shape, labels):
    inputs = Input(shape)
    return Model(inputs, layers.Dense(labels)(layers.GlobalAveragePooling2D()(Failing()(inputs))))


def talking(shape, labels):
    print("what a picture is like:", shape)
    return tiny(shape, labels)


number = 3


class Net(Model):
    def __init__(self, labels):
        super().__init__()
        self.pool, self.last = layers.GlobalAveragePooling2D(), layers.Dense(labels, activation="softmax")

    def call(self, x):
        return self.last(self.pool(x))


def subclassed(shape, labels):
    return Net(labels)


class Mirrored(layers.Layer):
    def call(self, x):
        return x[:, :, ::-1]


def with_a_layer(shape, labels):
    inputs = Input(shape)
    return Model(inputs, tiny(shape, labels)(Mirrored()(inputs)))
"""


@pytest.fixture
def own_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "my_nets.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "my_nets"


def test_a_network_of_ones_own(run: Run, painted: Path, tmp_path: Path, own_networks: str) -> None:
    out = tmp_path / "m.keras"

    result = run("train", painted, "--out", out, "--arch", f"{own_networks}:tiny", "--size", 16, "--epochs", 1)

    assert result.code == 0, result.err
    assert ModelFile.open(out).manifest.provenance.configuration["arch"] == "my_nets:tiny"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my_nets:raw", "do not sum to 1"),
        ("my_nets:other", "wanted (None, 16, 16, 3)"),
        ("my_nets:broken", "returned str"),
        ("my_nets:subclassed", "returned a Net, a class whose code no file can hold"),
        ("my_nets:raising", "it raised ValueError: "),
        ("my_nets:without_arguments", "takes 0 positional arguments but 2 were given"),
        ("my_nets:leaving", "it raised SystemExit: enough ("),
        ("my_nets:without_an_input", "a Sequential without an input; begin it with keras.Input(shape)"),
        ("my_nets:of_no_numbers", "its scores are no numbers"),
        ("my_nets:failing_on_pictures", "Failing.call(). only of pictures"),
    ],
)
def test_a_function_that_is_no_network_is_one_line(
    run: Run, painted: Path, tmp_path: Path, own_networks: str, name: str, words: str
) -> None:
    result = run("train", painted, "--out", tmp_path / "m.keras", "--arch", name, "--size", 16, "--epochs", 1)

    assert words in result.one_line_error()


def test_an_error_in_the_function_names_its_place(run: Run, painted: Path, tmp_path: Path, own_networks: str) -> None:
    options = ["--arch", "my_nets:raising", "--size", 16]

    result = run("train", painted, "--out", tmp_path / "m.keras", *options)

    line = OWN.splitlines().index("    return layers.Dense(-1)") + 1
    assert f"my_nets.py, line {line})" in result.one_line_error()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my_nets:missing", "has no attribute 'missing'"),
        ("my_nets:number", "my_nets:number is 3; wanted a function"),
        ("my_nets:", "wanted package.module:function"),
        ("no_such_module:f", "No module named 'no_such_module'"),
        ("misspelt:f", "importing misspelt failed: SyntaxError: "),
        ("asking:f", "module 'math' has no attribute 'nope' ("),
        ("leaving:f", "importing leaving failed: SystemExit: enough ("),
    ],
)
def test_a_function_that_is_not_there_is_said_before_a_picture_is_read(
    run: Run, painted: Path, tmp_path: Path, own_networks: str, name: str, words: str
) -> None:
    (tmp_path / "misspelt.py").write_text("def f(:")
    (tmp_path / "asking.py").write_text("import math\n\nmath.nope\n")
    (tmp_path / "leaving.py").write_text("raise SystemExit('enough')")

    result = run("train", painted, "--out", tmp_path / "m.keras", "--arch", name, "--size", 16)

    assert words in result.one_line_error()
    assert "data:" not in result.err


def test_what_the_function_prints_is_no_part_of_the_answer(
    run: Run, painted: Path, tmp_path: Path, own_networks: str
) -> None:
    options = ["--arch", "my_nets:talking", "--size", 16, "--epochs", 1, "--json"]

    result = run("train", painted, "--out", tmp_path / "m.keras", *options)

    assert isinstance(result.json(), dict)
    assert "what a picture is like: (16, 16, 3)" in result.err


def test_code_that_the_file_will_not_hold_is_said(run: Run, painted: Path, tmp_path: Path, own_networks: str) -> None:
    options = ["--arch", "my_nets:with_a_layer", "--size", 16, "--epochs", 1]

    result = run("train", painted, "--out", tmp_path / "m.keras", *options)

    assert result.code == 0, result.err
    assert "is of class my_nets.Mirrored: the file will not hold that code" in result.err


@pytest.mark.slow
def test_alpha_is_read_from_the_weights_file(run: Run, painted: Path, tmp_path: Path, shared_data: Path) -> None:
    folder = shared_data / "mobilenet_v2"
    out, options = tmp_path / "m.keras", ["--arch", "mobilenet_v2", "--size", 32, "--epochs", 1]
    for name, alpha in (("0.35_224_no_top", "0.35"), ("0.50_96_no_top", "0.5"), ("1.0_224", "1.0")):
        weights = folder / f"mobilenet_v2_{name}.weights.h5"
        assert run("train", painted, "--out", out, *options, "--weights", weights, "--force").code == 0
        assert ModelFile.open(out).manifest.provenance.configuration["alpha"] == alpha

    mismatch = run(
        "train", painted, "--out", out, *options, "--force", "--weights", weights, "--alpha", 0.35
    ).one_line_error()
    assert "holds a MobileNetV2 of alpha 1; --alpha 0.35 was asked for" in mismatch


def test_a_file_that_holds_other_weights_says_so(run: Run, painted: Path, tmp_path: Path, shared_data: Path) -> None:
    options = ["--out", tmp_path / "m.keras", "--size", 32, "--epochs", 1]
    weights = shared_data / "mobilenet_v2/mobilenet_v2_0.35_224_no_top.weights.h5"
    (tmp_path / "text.h5").write_text("no weights")

    other = run("train", painted, *options, "--arch", "resnet50", "--weights", weights).one_line_error()
    text = run("train", painted, *options, "--arch", "mobilenet_v2", "--weights", tmp_path / "text.h5").one_line_error()

    assert "resnet50" in other
    assert "is no Keras weights file" in text


def test_a_damaged_weights_file_says_so(run: Run, painted: Path, tmp_path: Path, shared_data: Path) -> None:
    data = bytearray((shared_data / "mobilenet_v2/mobilenet_v2_0.35_224_no_top.weights.h5").read_bytes())
    for place in range(3_000, 200_000, 997):
        data[place] ^= 255
    (tmp_path / "damaged.weights.h5").write_bytes(data)
    options = ["--arch", "mobilenet_v2", "--weights", tmp_path / "damaged.weights.h5"]

    line = run("train", painted, "--out", tmp_path / "m.keras", *options).one_line_error()

    assert "damaged.weights.h5 is no Keras weights file (.weights.h5 or .h5), or a damaged one" in line


def test_a_file_of_another_network_is_one_line(
    run: Run, painted: Path, tmp_path: Path, shared_data: Path, recwarn: pytest.WarningsRecorder
) -> None:
    weights = shared_data / "mobilenet_v2/mobilenet_v2_0.35_224_no_top.weights.h5"
    options = ["--out", tmp_path / "m.keras", "--size", 32, "--arch", "efficientnet_v2_b0", "--weights", weights]

    assert "objects could not be loaded" in run("train", painted, *options).one_line_error()
    assert not [str(warning.message) for warning in recwarn if "Skipping" in str(warning.message)]


def test_without_a_network_it_says_where_the_weights_belong(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that refuses stands for the missing network."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    import keras

    monkeypatch.setattr(keras.src.utils.file_utils.config, "keras_home", lambda: str(tmp_path / "home"))
    options = ["--arch", "mobilenet_v2", "--size", 32, "--epochs", 1]

    result = run("train", painted, "--out", tmp_path / "m.keras", *options)

    line = result.one_line_error()
    assert result.out == ""  # where Keras would show its download
    assert "Downloading data" in result.err
    assert "fetch https://" in line
    assert f"put it into {tmp_path / 'home' / 'models'}" in line


@pytest.mark.slow
def test_fine_tuning_begins_at_the_chosen_block(run: Run, painted: Path, tmp_path: Path, shared_data: Path) -> None:
    import keras

    weights = shared_data / "mobilenet_v2/mobilenet_v2_0.35_224_no_top.weights.h5"
    out, options = tmp_path / "m.keras", ["--arch", "mobilenet_v2", "--size", 32, "--epochs", 3, "--weights", weights]
    before = build(TrainingConfig(arch="mobilenet_v2", weights=str(weights), alpha=0.35), (32, 32, 3), 3).model

    assert run("train", painted, "--out", out, *options, "--fine-tune-from", "block_16").code == 0

    after = keras.saving.load_model(out)
    changed = {
        layer.name
        for layer, own in ((layer, after.get_layer(layer.name)) for layer in before.layers if layer.weights)
        if any(not np.array_equal(a, b) for a, b in zip(layer.get_weights(), own.get_weights(), strict=True))
    }
    assert changed == {"block_16_expand", "block_16_depthwise", "block_16_project", "Conv_1", "logits"}


def test_of_a_pretrained_network_the_head_alone_can_be_trained(
    run: Run, painted: Path, tmp_path: Path, shared_data: Path
) -> None:
    import keras

    weights = shared_data / "mobilenet_v2/mobilenet_v2_0.35_224_no_top.weights.h5"
    out, options = tmp_path / "m.keras", ["--arch", "mobilenet_v2", "--size", 32, "--weights", weights]

    result = run("train", painted, "--out", out, *options, "--fine-tune-from", "none")

    assert result.code == 0, result.err
    assert "trained for 1 epoch" in result.err
    before = build(TrainingConfig(arch="mobilenet_v2", weights=str(weights), alpha=0.35), (32, 32, 3), 3).model
    layers = [(layer, before.get_layer(layer.name)) for layer in keras.saving.load_model(out).layers if layer.weights]
    kept = {one.name for one, other in layers if all(map(np.array_equal, one.get_weights(), other.get_weights()))}
    assert {one.name for one, _ in layers} - kept == {"logits"}


def test_a_block_that_is_not_there_is_said_before_the_head_is_trained(
    run: Run, painted: Path, tmp_path: Path, shared_data: Path
) -> None:
    weights = shared_data / "mobilenet_v2/mobilenet_v2_0.35_224_no_top.weights.h5"
    options = ["--arch", "mobilenet_v2", "--size", 32, "--weights", weights, "--fine-tune-from", "stage_4"]

    result = run("train", painted, "--out", tmp_path / "m.keras", *options)

    assert "no layer of mobilenet_v2 is called so" in result.one_line_error()
    assert "block_16" in result.err
    assert "head:" not in result.err


def test_the_second_network_is_built_before_the_first_is_trained(
    run: Run, painted: Path, tmp_path: Path, own_networks: str
) -> None:
    options = ["--archs", "conv3,my_nets:broken", "--size", 16]

    result = run("train", painted, "--out", tmp_path / "m.keras", *options)

    assert "returned str" in result.one_line_error()
    assert "epoch 1/" not in result.err
    assert not list(tmp_path.glob("*.keras"))


def test_networks_built_beforehand_are_the_same(run: Run, painted: Path, tmp_path: Path) -> None:
    """Dropout and names, too."""
    options = ["--size", 16, "--epochs", 2]
    assert run("train", painted, "--out", tmp_path / "m.keras", "--archs", "bn_cnn,micro", *options).code == 0

    for arch in ("bn_cnn", "micro"):
        assert run("train", painted, "--out", tmp_path / f"{arch}.keras", "--arch", arch, *options).code == 0
        one, other = (ModelFile.open(tmp_path / name).raw for name in (f"m.{arch}.keras", f"{arch}.keras"))
        assert one.model_sha256 == other.model_sha256


def test_mixed_precision_leaves_a_float32_model(run: Run, painted: Path, tmp_path: Path) -> None:
    """On a CPU, with bfloat16; the policy is the same code that a GPU runs with float16."""
    import keras

    out = tmp_path / "m.keras"
    options = ["--precision", "mixed_bfloat16", "--arch", "conv3", "--size", 16, "--epochs", 1]
    assert run("train", painted, "--out", out, *options).code == 0

    model = keras.saving.load_model(out)

    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    exported = run("export", out, "--format", "tflite", "--quantize", "int8", "--max-drop", 100)
    assert exported.code == 0, exported.err
