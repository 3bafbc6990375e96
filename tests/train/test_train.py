"""`train` makes a model file that stays an ordinary .keras, or says in one line why it cannot."""

import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeship_runtime import machine
from edgeship_runtime.data import open_data
from edgeship_runtime.digests import MEMBER, Digests
from edgeship_runtime.labelled import digest
from edgeship_runtime.model_file import ModelFile
from edgeship_train.dataset import read_dataset
from making import Digits, Run, paint


def test_the_file_carries_what_export_and_verify_need(digits: Digits) -> None:
    model = ModelFile.open(digits.keras)
    manifest = model.manifest

    assert manifest.labels == tuple(str(number) for number in range(10))
    assert manifest.preprocessing.shape == (8, 8, 1)
    assert len(manifest.calibration) == 200
    assert len(manifest.proof) == manifest.metrics["validation"].samples == 143
    assert manifest.metrics["test"].accuracy > 0.97
    assert len({sample.label for sample in manifest.golden}) == 4
    assert manifest.provenance.split is not None
    assert manifest.provenance.split.counts == {"train": 1295, "validation": 143, "test": 359}
    trained = Digests.from_bytes(model.raw.members[MEMBER])
    assert len(trained) == 1295
    assert not any(digest(picture.read()) in trained for picture in open_data("digits").parts["test"])


def test_the_file_says_nothing_of_the_machine_or_the_person(digits: Digits) -> None:
    text = ModelFile.open(digits.keras).raw.members["manifest.json"].decode()

    assert str(digits.keras.parent) not in text
    assert str(Path.home()) not in text


def test_keras_loads_the_file_as_any_other(digits: Digits) -> None:
    import keras

    network = keras.saving.load_model(digits.keras)

    assert network.input_shape == (None, 8, 8, 1)
    assert network.layers[1].name == "rescaling"


def test_reports_lie_beside_the_model(digits: Digits) -> None:
    folder = digits.keras.with_suffix(".report")

    evaluation = json.loads((folder / "evaluation.json").read_text())
    history = json.loads((folder / "history.json").read_text())
    page = (folder / "report.html").read_text()

    assert evaluation["samples"] == 359
    assert len(history["val_loss"]) == 8
    assert "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )
    assert 'src="' not in page.replace('src="data:', "")


def test_the_same_seed_gives_the_same_weights(run: Run, painted: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run("train", painted, "--out", tmp_path / f"{name}.keras", "--epochs", 2, "--size", 16).code == 0

    first, second = (ModelFile.open(tmp_path / f"{name}.keras") for name in "ab")

    assert weights(first.path) == weights(second.path)
    assert first.raw.members["golden/0"] == second.raw.members["golden/0"]


def weights(path: Path) -> list[bytes]:
    import keras

    return [array.tobytes() for array in keras.saving.load_model(path).get_weights()]


def test_json_is_all_there_is_on_stdout(run: Run, painted: Path, tmp_path: Path) -> None:
    result = run("train", painted, "--out", tmp_path / "m.keras", "--epochs", 1, "--size", 16, "--json")

    answer = result.json()
    assert isinstance(answer, dict)
    assert answer["labels"] == ["blue", "green", "red"]
    assert "device: CPU" in result.err or "device: GPU" in result.err


def test_carry_none_takes_no_picture_along(run: Run, painted: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.keras"
    result = run("train", painted, "--out", out, "--epochs", 1, "--size", 16, "--carry", "none")

    assert "carried in the file: no pictures" in result.out
    names = zipfile.ZipFile(out).namelist()
    assert [name for name in names if name.startswith("edgeship/")] == [
        "edgeship/manifest.json",
        "edgeship/trained.bin",
    ]

    refused = run("export", out, "--format", "tflite", "--quantize", "int8").one_line_error()
    assert "--data" in refused
    assert (
        run("export", out, "--format", "tflite", "--quantize", "int8", "--data", painted, "--max-drop", 100).code == 0
    )


def test_grey_pictures_make_a_grey_model(run: Run, tmp_path: Path) -> None:
    folder = paint(tmp_path / "grey", {"dark": 4, "light": 4})
    for path in folder.rglob("*.png"):
        Image.open(path).convert("L").save(path)

    assert run("train", folder, "--out", tmp_path / "m.keras", "--epochs", 1, "--size", 16).code == 0
    assert ModelFile.open(tmp_path / "m.keras").manifest.preprocessing.color == "grey"


def test_one_colour_picture_among_grey_ones_makes_an_rgb_model(run: Run, tmp_path: Path) -> None:
    folder = paint(tmp_path / "mixed", {"dark": 4, "light": 4})
    for path in sorted(folder.rglob("*.png"))[1:]:
        Image.open(path).convert("L").save(path)

    assert run("train", folder, "--out", tmp_path / "m.keras", "--epochs", 1, "--size", 16).code == 0
    assert ModelFile.open(tmp_path / "m.keras").manifest.preprocessing.color == "rgb"


def test_duplicates_never_straddle_parts(tmp_path: Path) -> None:
    folder = paint(tmp_path / "data", {"a": 10, "b": 10})
    for path in list((folder / "a").iterdir()):
        shutil.copy(path, folder / "a" / f"copy_of_{path.name}")
    shutil.copy(folder / "a" / "00.png", folder / "b" / "also_a.png")
    from edgeship_runtime.preprocessing import Preprocessing

    dataset = read_dataset(open_data(str(folder)), Preprocessing(8, 8), seed=0)

    every = [name for part in dataset.parts.values() for name in part.digests]
    assert len(every) == len(set(every)) == 20
    assert dataset.duplicates == 11


def test_a_picture_that_is_in_the_test_part_too_is_not_trained_on(tmp_path: Path) -> None:
    for part, count in (("train", 8), ("test", 4)):
        paint(tmp_path / "data" / part, {"a": count, "b": count}, seed=len(part))
    shutil.copy(tmp_path / "data/test/a/00.png", tmp_path / "data/train/a/leak.png")
    from edgeship_runtime.preprocessing import Preprocessing

    dataset = read_dataset(open_data(str(tmp_path / "data")), Preprocessing(8, 8), seed=0)

    assert not {picture.name for part in ("train", "validation") for picture in dataset.parts[part].pictures} & {
        "train/a/leak.png"
    }
    assert len(dataset.parts["test"]) == 8


def test_training_goes_on_without_unreadable_pictures_and_lists_them(run: Run, painted: Path, tmp_path: Path) -> None:
    (painted / "red" / "torn.png").write_bytes((painted / "red" / "00.png").read_bytes()[:200])
    (painted / "blue" / "none.jpg").write_bytes(b"")

    result = run("train", painted, "--out", tmp_path / "m.keras", "--epochs", 1, "--size", 16)

    assert result.code == 0
    assert "left out: red/torn.png: " in result.err
    assert "left out: blue/none.jpg: the file is empty" in result.err
    assert "without them: 2 unreadable pictures" in result.err


def refused_folders(tmp_path: Path) -> dict[str, tuple[Path, str]]:
    flat = tmp_path / "flat"
    flat.mkdir()
    Image.new("RGB", (8, 8)).save(flat / "1.png")
    empty = paint(tmp_path / "empty", {"a": 3, "b": 3})
    (empty / "c").mkdir()
    single = paint(tmp_path / "single", {"only": 3})
    broken = paint(tmp_path / "broken", {"a": 3, "b": 3})
    for path in (broken / "b").iterdir():
        path.write_bytes(b"no picture")
    few = paint(tmp_path / "few", {"a": 1, "b": 1})
    same = paint(tmp_path / "same", {"a": 1, "b": 0})
    for name in ("1", "2", "3"):
        shutil.copy(same / "a/00.png", same / f"b/{name}.png")
    more = tmp_path / "more"
    paint(more / "train", {"a": 3, "b": 3})
    paint(more / "validation", {"a": 3, "b": 3, "c": 3})
    return {
        "same": (same, "all 4 pictures are identical"),
        "more": (more, "label 'c' has no pictures to train on"),
        "flat": (flat, "has no sub-folders"),
        "empty": (empty, "label 'c' has no pictures"),
        "single": (single, "one label, 'only'"),
        "broken": (broken, "label 'b' has no readable picture"),
        "few": (few, "no pictures are left for validation"),
        "missing": (tmp_path / "missing", "does not exist"),
    }


@pytest.mark.parametrize("kind", ["flat", "empty", "single", "broken", "few", "same", "more", "missing"])
def test_data_that_cannot_be_trained_on_is_one_line(run: Run, tmp_path: Path, kind: str) -> None:
    folder, words = refused_folders(tmp_path)[kind]

    line = run("train", folder, "--out", tmp_path / "m.keras").one_line_error()

    assert words in line
    assert folder.name in line
    assert not (tmp_path / "m.keras").exists()


def test_files_that_differ_of_one_picture_teach_nothing(run: Run, tmp_path: Path) -> None:
    """As screenshots, or exports of one picture, each with another date in it."""
    folder = paint(tmp_path / "same", {"a": 1, "b": 1})
    picture = Image.open(folder / "a/00.png")
    for number in range(12):
        picture.save(folder / "ab"[number % 2] / f"{number:02}.tiff", description=f"number {number}")
    for path in folder.rglob("*.png"):
        path.unlink()

    line = run("train", folder, "--out", tmp_path / "m.keras").one_line_error()

    assert "same: all 8 pictures to train on are identical at 32×32 rgb; there is nothing to learn from them" in line


@pytest.mark.parametrize("parent", ["data", "data/train"])
def test_a_report_is_not_put_among_the_labels(run: Run, tmp_path: Path, parent: str) -> None:
    """The next run would take its folder for one more."""
    for part in ("train", "validation"):
        paint(tmp_path / "data" / part, {"red": 2, "green": 2}, seed=len(part))

    line = run("train", tmp_path / "data", "--out", tmp_path / parent / "m.keras").one_line_error()

    assert "beside it comes the folder m.report, which would be one more label" in line
    assert sorted(path.name for path in (tmp_path / parent).iterdir()) in (["train", "validation"], ["green", "red"])


def test_a_loss_that_is_no_number_ends_training(run: Run, tmp_path: Path) -> None:
    options = ["--arch", "conv3", "--optimizer", "sgd", "--learning-rate", 1e10]

    line = run("train", "digits", "--out", tmp_path / "m.keras", *options).one_line_error()

    assert "the loss became nan in epoch 1" in line
    assert line.endswith("try --learning-rate 0.05")
    assert not list(tmp_path.iterdir())


def test_a_batch_larger_than_memory_names_one_that_fits(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "free_bytes", lambda: 100_000_000)
    command = ["train", painted, "--out", tmp_path / "m.keras", "--arch", "conv3", "--size", 96, "--epochs", 1]

    line = run(*command, "--batch-size", 1_000_000).one_line_error()

    assert "out of memory: a step with --batch-size 1000000 takes about 0.2" in line  # GB, of all 30 pictures
    assert "0.1 GB are free" in line
    assert run(*command, "--batch-size", line.rpartition("try --batch-size ")[2]).code == 0


def test_a_batch_larger_than_memory_is_refused_before_the_head_is_trained(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_data: Path
) -> None:
    weights = shared_data / "mobilenet_v2/mobilenet_v2_0.35_224_no_top.weights.h5"
    monkeypatch.setattr(machine, "free_bytes", lambda: 10_000_000)
    command = ["train", painted, "--out", tmp_path / "m.keras", "--arch", "mobilenet_v2", "--weights", weights]

    result = run(*command, "--size", 64)

    assert "out of memory" in result.one_line_error()
    assert "head:" not in result.err


def test_a_batch_of_more_than_all_pictures_is_of_all(run: Run, painted: Path, tmp_path: Path) -> None:
    options = ["--arch", "conv3", "--size", 96, "--batch-size", 1_000_000, "--epochs", 1]

    assert run("train", painted, "--out", tmp_path / "m.keras", *options).code == 0


def test_a_network_that_learnt_nothing_says_so(run: Run, tmp_path: Path) -> None:
    options = ["--epochs", 1, "--optimizer", "sgd", "--learning-rate", 1e9]

    result = run("train", "digits", "--out", tmp_path / "m.keras", *options)

    assert "warning: the network answers no better than always" in result.err
    assert "The network answers no better than always" in (tmp_path / "m.report/report.html").read_text()


def test_of_two_pictures_nothing_is_concluded(run: Run, tmp_path: Path) -> None:
    """Half of them right is what a sound network may give, too."""
    folder = paint(tmp_path / "few", {"red": 6, "green": 6})

    result = run("train", folder, "--out", tmp_path / "m.keras", "--epochs", 1, "--size", 16, "--learning-rate", 1e-12)

    assert result.code == 0
    assert "no better than" not in result.err


def test_an_existing_model_is_refused_before_any_work(run: Run, painted: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.keras"
    out.write_bytes(b"precious")

    assert "--force" in run("train", painted, "--out", out).one_line_error()
    assert out.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--out", "m.h5"], ".keras"),
        (["--out", "m.keras", "--arch", "vgg"], "known: cnn, lenet, conv3, bn_cnn, micro, mobilenet_v2"),
        (["--out", "m.keras", "--weights", "imagenet"], "no pretrained weights"),
        (["--out", "m.keras", "--seed", "-1"], "seed is -1"),
        (["--out", "m.keras", "--size", "99999"], "99999"),
    ],
)
def test_options_that_cannot_be_are_usage(run: Run, painted: Path, options: list[str], words: str) -> None:
    result = run("train", painted, *options)

    assert result.code == 2
    assert words in result.err


def test_a_wrong_architecture_is_said_at_once(painted: Path, tmp_path: Path) -> None:
    """Before TensorFlow is imported, and before the first of two networks is trained for hours."""
    code = "import sys; from edgeship_runtime.cli import main; print(main(sys.argv[1:]), 'tensorflow' in sys.modules)"
    command = ["train", str(painted), "--out", str(tmp_path / "m.keras"), "--archs", "conv3,mobilnet_v2"]

    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)

    assert done.stdout == "2 False\n"
    assert "--arch mobilnet_v2: no such architecture" in done.stderr


def test_a_network_that_cannot_be_built_is_said_before_pictures_are_decoded(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unbuildable.py").write_text("def network(shape, labels):\n    raise ValueError('no such layer')\n")
    monkeypatch.syspath_prepend(tmp_path)

    result = run("train", painted, "--out", tmp_path / "m.keras", "--arch", "unbuildable:network")

    assert "it raised ValueError: no such layer" in result.one_line_error()
    assert "data:" not in result.err


def test_a_report_that_cannot_be_written_is_said_before_the_work(run: Run, painted: Path, tmp_path: Path) -> None:
    (tmp_path / "m.report").write_text("of something else")

    line = run("train", painted, "--out", tmp_path / "m.keras").one_line_error()

    assert "m.report is a file" in line


@pytest.mark.parametrize(
    ("archs", "words"),
    [
        ("conv3,", "wanted at least two different ones"),
        ("conv3,a/b", "--arch a/b: no such architecture"),
        ("conv3,a/b:f", "No module named 'a/b'"),
        ("cnn,conv3", "with these pictures cnn and conv3 are both conv3"),
    ],
)
def test_archs_that_cannot_be_compared_are_said_at_once(
    run: Run, painted: Path, tmp_path: Path, archs: str, words: str
) -> None:
    result = run("train", painted, "--out", tmp_path / "m.keras", "--archs", archs, "--epochs", 1)

    assert result.code in (1, 2)
    assert words in result.err
    assert "data:" not in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["painted"]


def test_of_two_networks_each_takes_the_options_that_are_meant_for_it(
    run: Run, painted: Path, tmp_path: Path, shared_data: Path
) -> None:
    weights = shared_data / "mobilenet_v2/mobilenet_v2_0.35_224_no_top.weights.h5"
    command = ["train", painted, "--out", tmp_path / "m.keras", "--size", 32, "--epochs", 1, "--alpha", 0.35]

    result = run(*command, "--archs", "conv3,mobilenet_v2", "--weights", weights)

    assert result.code == 0, result.err
    cnn, transferred = (ModelFile.open(tmp_path / f"m.{name}.keras").manifest for name in ("conv3", "mobilenet_v2"))
    assert cnn.provenance.configuration["weights"] == "none"
    assert transferred.provenance.configuration["weights"] == weights.name
    assert "not of conv3" in run(*command, "--archs", "conv3,micro", "--force").err


def test_a_comparison_that_cannot_be_written_is_said_before_the_work(run: Run, painted: Path, tmp_path: Path) -> None:
    command = ["train", painted, "--out", tmp_path / "m.keras", "--archs", "conv3,micro"]
    (tmp_path / "m.report").write_text("of something else")

    assert "m.report is a file" in run(*command).one_line_error()

    (tmp_path / "m.report").unlink()
    (tmp_path / "m.report").mkdir()
    (tmp_path / "m.report/comparison.html").write_text("of two others")

    assert "comparison.html exists; --force overwrites it" in run(*command).one_line_error()


def test_missing_weights_say_what_is_wanted(run: Run, painted: Path, tmp_path: Path) -> None:
    line = run(
        "train", painted, "--out", tmp_path / "m.keras", "--arch", "mobilenet_v2", "--size", 32, "--weights", "no.h5"
    ).one_line_error()

    assert "no such file" in line


def test_mobilenet_v2_trains_from_pretrained_weights(
    run: Run, painted: Path, tmp_path: Path, shared_data: Path
) -> None:
    weights_file = shared_data / "mobilenet_v2/mobilenet_v2_0.35_224_no_top.weights.h5"
    options = ["--arch", "mobilenet_v2", "--alpha", 0.35, "--weights", weights_file, "--size", 32, "--epochs", 3]

    result = run("train", painted, "--out", tmp_path / "m.keras", *options, "--json")

    assert result.code == 0, result.err
    manifest = ModelFile.open(tmp_path / "m.keras").manifest
    assert manifest.provenance.configuration["weights"] == weights_file.name


def test_a_full_disk_is_one_line_and_leaves_nothing(painted: Path, tmp_path: Path) -> None:
    """On a real file system of 300 kB."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("mounting a small file system takes root and unshare")
    small = tmp_path / "small"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=300k tmpfs {small}"
    train = f"edgeship train {painted} --out {small}/m.keras --epochs 1 --size 16"
    command = f"{mount} && {train}; code=$?; ls -A {small}; exit $code"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command],
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": path},
        check=False,
    )

    if "mount" in done.stderr and "permission" in done.stderr.lower():
        pytest.skip("this system does not allow mounting")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"edgeship: {small}/m.checkpoint: the disk is full")
    assert done.stdout == ""


def test_pictures_in_another_order_make_the_same_dataset(tmp_path: Path) -> None:
    from edgeship_runtime.preprocessing import Preprocessing

    first = paint(tmp_path / "first", {"a": 10, "b": 10})
    second = tmp_path / "second"
    for path in first.rglob("*.png"):
        target = second / path.parent.name / f"{1000 - int(path.stem)}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)

    one, other = (read_dataset(open_data(str(folder)), Preprocessing(8, 8), seed=3) for folder in (first, second))

    assert one.sha256 == other.sha256
    for name in one.parts:
        assert one.parts[name].digests == other.parts[name].digests
        assert np.array_equal(one.parts[name].pixels, other.parts[name].pixels)


def test_a_file_name_that_is_no_text_is_told_as_text(run: Run, painted: Path, tmp_path: Path) -> None:
    """As archives from systems with another encoding leave them; the report is written after all of the training."""
    odd = os.fsdecode(bytes(painted / "red") + b"/caf\xe9\nx.png")
    (painted / "red" / "00.png").rename(odd)
    Path(os.fsdecode(bytes(painted / "red") + b"/torn\xe9\nx.png")).write_bytes(b"")

    result = run("train", painted, "--out", tmp_path / "m.keras", "--epochs", 1, "--size", 16)

    assert result.code == 0, result.err
    assert "left out: red/torn\\udce9\\nx.png: the file is empty" in result.err
    assert (tmp_path / "m.report/report.html").exists()


def test_a_named_set_that_lacks_a_label_speaks_of_no_folder(run: Run, tmp_path: Path) -> None:
    for prefix in ("train", "t10k"):
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(
            struct.pack(">4B3i", 0, 0, 8, 3, 2, 4, 4) + bytes(range(32))
        )
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">4Bi", 0, 0, 8, 1, 2) + bytes([0, 2]))

    line = run("train", f"mnist:{tmp_path}", "--out", tmp_path / "m.keras").one_line_error()

    assert "label '1' has no pictures to train on; the set is not whole" in line
