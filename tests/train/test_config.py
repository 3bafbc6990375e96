"""Options: one list for flags, train.toml and manifest; flags override; what is resolved gives the same run again."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeship_runtime.data import open_data
from edgeship_runtime.errors import UsageError
from edgeship_runtime.model_file import ModelFile
from edgeship_train import config_file
from edgeship_train.architectures import default_cnn
from edgeship_train.config import TrainingConfig
from edgeship_train.resolving import resolve
from making import Run, paint


@given(
    st.builds(
        TrainingConfig,
        epochs=st.integers(1, 500),
        learning_rate=st.none() | st.floats(1e-12, 10),
        arch=st.sampled_from(["cnn", 'my "nets".é:f', "a\\b\n:c"]),
        label_smoothing=st.floats(0, 0.99),
        flip=st.sampled_from([None, "none", "both"]),
    )
)
def test_a_configuration_file_reads_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, config: TrainingConfig
) -> None:
    path = tmp_path_factory.mktemp("config") / "train.toml"
    path.write_text(config_file.text(config), "utf-8")

    assert TrainingConfig(**config_file.read(path)) == config  # type: ignore[arg-type]


def test_what_was_resolved_gives_the_same_run_again(run: Run, painted: Path, tmp_path: Path) -> None:
    options = ["--epochs", 2, "--size", 16, "--augmentation", "standard", "--dropout", 0.3, "--optimizer", "adamw"]
    assert run("train", painted, "--out", tmp_path / "a.keras", *options).code == 0

    toml = tmp_path / "a.report/train.toml"
    assert run("train", painted, "--out", tmp_path / "b.keras", "--config", toml).code == 0

    first, second = (ModelFile.open(tmp_path / f"{name}.keras") for name in "ab")
    assert first.raw.model_sha256 == second.raw.model_sha256
    assert first.manifest.provenance.configuration == second.manifest.provenance.configuration
    assert first.manifest.provenance.configuration["rotation"] == "10"


def test_a_flag_overrides_the_file(run: Run, painted: Path, tmp_path: Path) -> None:
    toml = tmp_path / "train.toml"
    toml.write_text('epochs = 3\nsize = 16\naugmentation = "none"\n')

    assert run("train", painted, "--out", tmp_path / "m.keras", "--config", toml, "--epochs", 1).code == 0

    options = ModelFile.open(tmp_path / "m.keras").manifest.provenance.configuration
    assert (options["epochs"], options["size"], options["augmentation"]) == ("1", "16", "none")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    """Windows' editors begin files with it."""
    (tmp_path / "train.toml").write_text("epochs = 3", "utf-8-sig")

    assert config_file.read(tmp_path / "train.toml") == {"epochs": 3}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch = 3", "did you mean epochs?"),
        ("epochs = [", "is no TOML file"),
        ("[run]\nseed = 1", "no option 'run'"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_one_line(
    run: Run, painted: Path, tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "train.toml").write_text(text)

    result = run("train", painted, "--out", tmp_path / "m.keras", "--config", tmp_path / "train.toml")

    assert words in result.one_line_error()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs = 0", "epochs is 0; wanted at least 1"),
        ("epochs = 10000000000000000000000", "wanted at least 1 and at most 1e+06"),
        (f"epochs = 1{'0' * 400}", "epochs is larger than any number"),
        (f"learning_rate = 1{'0' * 400}", "learning_rate is larger than any number"),
        ('epochs = "many"', "wanted a whole number"),
        ("epochs = true", "wanted a whole number"),
        ("dropout = 1.0", "wanted at least 0 and below 1"),
        ("learning_rate = 0", "wanted above 0"),
        ('optimizer = "lion"', "known: adam, adamw, sgd"),
        ('schedule = "step"\nwarmup_epochs = 2', "goes with the schedule cosine"),
        ("warmup_epochs = 30", "wanted fewer"),
    ],
)
def test_a_value_that_cannot_be_is_usage(run: Run, painted: Path, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "train.toml").write_text(text)

    result = run("train", painted, "--out", tmp_path / "m.keras", "--config", tmp_path / "train.toml")

    assert result.code == 2
    assert words in result.err
    assert f"--config {tmp_path / 'train.toml'}: " in result.err


def test_a_wrong_flag_is_not_blamed_on_the_file(run: Run, painted: Path, tmp_path: Path) -> None:
    (tmp_path / "train.toml").write_text("epochs = 3")

    result = run("train", painted, "--out", tmp_path / "m.keras", "--config", tmp_path / "train.toml", "--seed", -1)

    assert result.err.startswith("edgeship: seed is -1; ")


def test_digits_are_never_flipped(run: Run, tmp_path: Path) -> None:
    assert resolve(TrainingConfig(augmentation="strong"), open_data("digits")).flip == "none"

    refused = run("train", "digits", "--out", tmp_path / "m.keras", "--flip", "horizontal")

    assert refused.code == 2
    assert "mirrored" in refused.err


def test_photos_are_flipped_unless_told_otherwise(tmp_path: Path) -> None:
    data = open_data(str(paint(tmp_path / "data", {"cat": 2, "dog": 2})))

    assert resolve(TrainingConfig(), data).flip == "horizontal"
    assert resolve(TrainingConfig(flip="none"), data).flip == "none"


@pytest.mark.parametrize(
    ("pictures", "size", "color", "arch"),
    [
        (5_000, 28, "grey", "lenet"),
        (5_000, 32, "rgb", "bn_cnn"),
        (5_000, 96, "grey", "conv3"),
        (5_000, 96, "rgb", "conv3"),
        (40, 32, "rgb", "conv3"),
    ],
)
def test_cnn_is_what_suits_the_pictures(pictures: int, size: int, color: str, arch: str) -> None:
    assert default_cnn(size, color, pictures) == arch


def test_a_resolved_configuration_has_no_open_questions(tmp_path: Path) -> None:
    data = open_data(str(paint(tmp_path / "data", {"cat": 2, "dog": 2})))

    resolved = resolve(TrainingConfig(), data)

    open_fields = [item.name for item in dataclasses.fields(resolved) if getattr(resolved, item.name) is None]
    assert open_fields == ["alpha"]  # of mobilenet_v2 only
    assert resolve(resolved, data) == resolved


def test_an_unknown_architecture_names_the_known_ones(tmp_path: Path) -> None:
    data = open_data(str(paint(tmp_path / "data", {"cat": 2, "dog": 2})))

    with pytest.raises(UsageError, match="lenet, conv3, bn_cnn, micro"):
        resolve(TrainingConfig(arch="alexnet"), data)
