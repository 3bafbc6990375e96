"""A trained model goes on with new pictures and labels; what it forgets is measured."""

import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from edgeship_runtime.digests import MEMBER, Digests
from edgeship_runtime.model_file import ModelFile
from making import Digits, Run, paint


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Knows red, green and blue."""
    from edgeship_runtime.cli import main

    folder = tmp_path_factory.mktemp("colours")
    paint(folder / "data", {"red": 30, "green": 30, "blue": 30})
    out = folder / "colours.keras"
    assert (
        main(["train", str(folder / "data"), "--out", str(out), "--epochs", "6", "--size", "16", "--arch", "conv3"])
        == 0
    )
    return out


def yellow(folder: Path) -> Path:
    """A folder with one label, which the model does not know."""
    paint(folder / "all", {"a": 0, "b": 0, "c": 0, "yellow": 30}, seed=5)
    (folder / "new").mkdir()
    (folder / "all" / "yellow").rename(folder / "new" / "yellow")
    return folder / "new"


def test_a_new_label_is_learnt_and_the_old_ones_are_measured(run: Run, colours: Path, tmp_path: Path) -> None:
    out = tmp_path / "more.keras"

    result = run("train", yellow(tmp_path), "--out", out, "--from", colours, "--epochs", 8, "--json")

    assert result.code == 0, result.err
    manifest = ModelFile.open(out).manifest
    assert manifest.labels == ("blue", "green", "red", "yellow")
    metrics = manifest.metrics
    assert metrics["old_labels_before"].samples == metrics["old_labels"].samples == 9
    assert metrics["new_labels"].samples == 6
    assert metrics["old_labels_before"].accuracy >= 0.8
    assert metrics["old_labels"].accuracy >= 0.8
    assert metrics["new_labels"].accuracy >= 0.8
    assert manifest.provenance.parent_sha256 == ModelFile.open(colours).raw.sha256


def test_what_the_old_model_was_trained_on_stays_known(run: Run, colours: Path, tmp_path: Path) -> None:
    out = tmp_path / "more.keras"
    assert run("train", yellow(tmp_path), "--out", out, "--from", colours, "--epochs", 2).code == 0

    old, new = (Digests.from_bytes(ModelFile.open(path).raw.members[MEMBER]) for path in (colours, out))

    assert old.prefixes < new.prefixes
    evaluated = run("evaluate", out, colours.parent / "data", "--json").json()
    assert isinstance(evaluated, dict)
    assert evaluated["trained_on"] == 72


def test_outputs_keep_their_place_and_their_weights(colours: Path) -> None:
    from edgeship_runtime.engines.keras import load_model
    from edgeship_train.continuing import Parent

    parent = Parent.open(colours)
    before = load_model(parent.model).get_layer("logits").get_weights()
    after = parent.network(5, seed=0).model.get_layer("logits").get_weights()

    assert after[0].shape[1] == after[1].shape[0] == 5
    assert np.array_equal(after[0][:, :3], before[0])
    assert np.array_equal(after[1][:3], before[1])


def test_the_same_seed_gives_the_same_file(run: Run, colours: Path, tmp_path: Path) -> None:
    """Though what is random in it begins before training does: the columns of new labels."""
    import keras

    more = yellow(tmp_path)
    for number, name in enumerate("ab"):
        keras.utils.set_random_seed(number)  # as another process begins otherwise
        assert run("train", more, "--out", tmp_path / f"{name}.keras", "--from", colours, "--epochs", 1).code == 0

    first, second = (ModelFile.open(tmp_path / f"{name}.keras") for name in "ab")

    assert first.raw.model_sha256 == second.raw.model_sha256


def strike_after_the_head(patched: pytest.MonkeyPatch) -> None:
    """Ctrl-C in a run of three epochs."""
    from edgeship_train.watching import Epochs

    draw = Epochs.on_epoch_begin

    def striking(self: Epochs, epoch: int, logs: object = None) -> None:
        if self._config.epochs == 3:  # not those of the head itself
            signal.raise_signal(signal.SIGINT)
        draw(self, epoch, logs)

    patched.setattr(Epochs, "on_epoch_begin", striking)


def test_interrupted_after_the_head_it_goes_on_with_it(
    run: Run, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large pretrained network the features of all pictures take hours."""
    command = ["train", yellow(tmp_path), "--from", colours, "--epochs", 3, "--out"]
    assert run(*command, tmp_path / "whole.keras").code == 0

    with monkeypatch.context() as patched:
        strike_after_the_head(patched)
        stopped = run(*command, tmp_path / "m.keras")
    resumed = run(*command, tmp_path / "m.keras", "--resume")

    assert "interrupted: 1 of 3 epochs are done" in stopped.err
    assert resumed.code == 0, resumed.err
    assert "head: features" not in resumed.err
    one, other = (ModelFile.open(tmp_path / name) for name in ("whole.keras", "m.keras"))
    assert one.raw.model_sha256 == other.raw.model_sha256


def test_new_pictures_of_known_labels(run: Run, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeship_runtime.engines import keras

    more = paint(tmp_path / "more", {"red": 12, "green": 12, "blue": 12}, seed=8)
    load, loaded = keras.load_model, []
    monkeypatch.setattr(keras, "load_model", lambda model: loaded.append(model.path) or load(model))

    result = run("train", more, "--out", tmp_path / "m.keras", "--from", colours, "--epochs", 2)

    assert result.code == 0, result.err
    assert "old labels, before: accuracy" in result.out
    assert "new labels" not in result.out
    assert loaded == [colours]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--arch", "micro"], "--arch cannot be chosen with --from"),
        (["--size", "32"], "--size cannot be chosen with --from"),
        (["--dropout", "0.5"], "--dropout cannot be chosen with --from"),
        (["--precision", "mixed_float16"], "--precision cannot be chosen with --from"),
        (["--arch", "cnn"], "--arch cannot be chosen with --from"),  # the default, and not what it is
        (["--archs", "lenet,micro"], "--archs goes with neither"),
    ],
)
def test_the_network_stays_as_it_is(
    run: Run, colours: Path, painted: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    result = run("train", painted, "--out", tmp_path / "m.keras", "--from", colours, *options)

    assert result.code == 2
    assert words in result.err


def test_an_exported_file_cannot_go_on(run: Run, digits: Digits, painted: Path, tmp_path: Path) -> None:
    line = run("train", painted, "--out", tmp_path / "m.keras", "--from", digits.int8).one_line_error()

    assert "goes on from the .keras it was exported from" in line


def test_what_the_old_model_was_trained_on_is_trained_on_again_and_measures_nothing(
    run: Run, colours: Path, tmp_path: Path
) -> None:
    """The same folder under another seed: another split, in which the old one's training pictures must not be tested."""
    data, out = colours.parent / "data", tmp_path / "more.keras"

    result = run("train", data, "--out", out, "--from", colours, "--seed", 5, "--epochs", 2)

    assert result.code == 0, result.err
    split = ModelFile.open(out).manifest.provenance.split
    assert split is not None
    assert split.counts == {
        "train": 72,
        "validation": 9,
        "test": 9,
    }  # carried pictures are in the data: none is there twice
    evaluated = run("evaluate", out, data, "--json").json()
    assert isinstance(evaluated, dict)
    assert (evaluated["trained_on"], evaluated["samples"]) == (72, 18)


def test_a_test_part_that_the_old_model_was_trained_on_is_said_not_to_be_one(
    run: Run, colours: Path, tmp_path: Path
) -> None:
    paint(tmp_path / "new/train", {"red": 4, "green": 4, "blue": 4}, seed=6)
    paint(tmp_path / "new/validation", {"red": 3, "green": 3, "blue": 3}, seed=7)
    shutil.copytree(colours.parent / "data", tmp_path / "new/test")

    result = run("train", tmp_path / "new", "--out", tmp_path / "m.keras", "--from", colours, "--epochs", 1)

    assert result.code == 0, result.err
    assert (
        "the earlier model was trained on 72 pictures of validation or test: trained on again, not measured"
        in result.err
    )
    assert ModelFile.open(tmp_path / "m.keras").manifest.metrics["test"].samples == 18


def test_labels_that_are_new_are_named_and_a_slip_in_case_too(run: Run, colours: Path, tmp_path: Path) -> None:
    data = paint(tmp_path / "new", {"Red": 6, "blue": 6})

    result = run("train", data, "--out", tmp_path / "m.keras", "--from", colours, "--epochs", 1)

    assert "warning: label 'Red' is new; colours.keras knows 'red'" in result.err
    assert "goes on from colours.keras, which knows 3 labels; new: Red" in result.err


def test_a_file_without_pictures_says_which_label_needs_some(run: Run, painted: Path, tmp_path: Path) -> None:
    options = ("--size", 8, "--arch", "conv3", "--epochs", 1, "--carry", "none")
    assert run("train", painted, "--out", tmp_path / "bare.keras", *options).code == 0

    line = run(
        "train", yellow(tmp_path), "--out", tmp_path / "m.keras", "--from", tmp_path / "bare.keras"
    ).one_line_error()

    assert "no pictures of 'blue', which the earlier model knows, and its file carries none" in line


ENDINGS = """
from keras import Sequential, layers

def network(shape, labels, *end):
    return Sequential([layers.Input(shape), layers.Rescaling(1 / 255), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), *end])

def activation(shape, labels):
    return network(shape, labels, layers.Dense(labels, activation="softmax"))

def biasless(shape, labels):
    return network(shape, labels, layers.Dense(labels, use_bias=False), layers.Activation("softmax"))

def squashed(shape, labels):
    return network(shape, labels, layers.Dense(labels, activation="relu"), layers.Softmax())
"""


@pytest.fixture
def endings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of one's own, as tutorials end them."""
    (tmp_path / "endings.py").write_text(ENDINGS)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("endings")
@pytest.mark.parametrize("end", ["activation", "biasless"])
def test_a_network_of_ones_own_goes_on(run: Run, painted: Path, tmp_path: Path, end: str) -> None:
    from edgeship_runtime.engines.keras import load_model
    from edgeship_train.continuing import Parent

    old, out = tmp_path / "old.keras", tmp_path / "new.keras"
    assert run("train", painted, "--out", old, "--arch", f"endings:{end}", "--size", 8, "--epochs", 2).code == 0

    parent = Parent.open(old)
    pictures = np.random.default_rng(0).uniform(0, 255, (4, 8, 8, 3)).astype(np.float32)
    before = load_model(parent.model).predict_on_batch(pictures)
    after = parent.network(5, seed=0).model.predict_on_batch(pictures)[:, :3]
    went_on = run("train", yellow(tmp_path), "--out", out, "--from", old, "--epochs", 2)

    assert np.allclose(after / after.sum(axis=1, keepdims=True), before, atol=1e-6)
    assert went_on.code == 0, went_on.err
    assert ModelFile.open(out).manifest.labels == ("blue", "green", "red", "yellow")


@pytest.mark.usefixtures("endings")
def test_a_last_layer_that_cannot_be_widened_is_refused(run: Run, painted: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.keras"
    assert run("train", painted, "--out", old, "--arch", "endings:squashed", "--size", 8, "--epochs", 1).code == 0

    result = run("train", yellow(tmp_path), "--out", tmp_path / "m.keras", "--from", old)

    assert "does not end with a Dense layer of 3 units and a softmax" in result.one_line_error()
    assert "data:" not in result.err


def test_the_new_head_alone_may_go_on(run: Run, colours: Path, tmp_path: Path) -> None:
    out, options = tmp_path / "m.keras", ("--fine-tune-from", "none", "--epochs", 3)

    result = run("train", yellow(tmp_path), "--out", out, "--from", colours, *options)

    assert result.code == 0, result.err
    assert "trained for 1 epoch" in result.err


def test_a_block_that_is_not_there_is_said_before_pictures_are_decoded(run: Run, colours: Path, tmp_path: Path) -> None:
    options = ("--fine-tune-from", "block_99", "--epochs", 3)

    result = run("train", yellow(tmp_path), "--out", tmp_path / "m.keras", "--from", colours, *options)

    assert "no layer of conv3 is called so" in result.one_line_error()
    assert "data:" not in result.err


def test_another_parent_is_told_from_the_one_that_was_interrupted(
    run: Run, colours: Path, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its network takes another size, which nobody gave."""
    other, out = tmp_path / "other.keras", tmp_path / "m.keras"
    assert run("train", painted, "--out", other, "--size", 8, "--arch", "conv3", "--epochs", 1).code == 0
    command = ("train", yellow(tmp_path), "--out", out)
    with monkeypatch.context() as patched:
        strike_after_the_head(patched)
        run(*command, "--from", colours, "--epochs", 3)
    assert out.with_suffix(".checkpoint").exists()

    for wrong in (("--from", other), ()):
        line = run(*command, "--resume", *wrong).one_line_error()
        assert "is of a run with another --from; give the same one again" in line
