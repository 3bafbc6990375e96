"""A run that was killed goes on as if it was not; what changed in between is refused."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgeship_runtime.model_file import ModelFile
from edgeship_train.course import Checkpoint, Course, stands_at
from making import Run, paint

EPOCHS = 6
OPTIONS = [
    "--size",
    "16",
    "--arch",
    "bn_cnn",
    "--augmentation",
    "strong",
    "--optimizer",
    "adamw",
    "--epochs",
    str(EPOCHS),
]


def interrupt(run: Run, data: Path | str, out: Path, monkeypatch: pytest.MonkeyPatch, *options: object) -> None:
    """As Ctrl-C does after the third epoch: tests/train/test_interrupts.py has the signals themselves."""
    from edgeship_train import fitting

    save = fitting.Checkpoint.save

    def stopping(self: fitting.Checkpoint, course: fitting.Course, variables: list[object]) -> None:
        save(self, course, variables)  # type: ignore[arg-type]
        if course.epochs == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(fitting.Checkpoint, "save", stopping)
        result = run("train", data, "--out", out, *(options or OPTIONS))
    assert result.code == 130
    assert (
        f"edgeship: interrupted: 3 of {EPOCHS} epochs are done; --resume --out {out} goes on from there" in result.err
    )
    assert not out.exists()


def test_a_resumed_run_gives_the_file_of_an_uninterrupted_one(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BatchNorm, dropout, augmentation, a decaying rate and the optimizer's moments all have to be where they were."""
    assert run("train", painted, "--out", tmp_path / "whole.keras", *OPTIONS).code == 0
    interrupt(run, painted, tmp_path / "m.keras", monkeypatch)

    resumed = run("train", painted, "--out", tmp_path / "m.keras", "--resume")

    assert resumed.code == 0, resumed.err
    assert "epoch 3/6" not in resumed.err
    assert "epoch 4/6" in resumed.err
    one, other = (ModelFile.open(tmp_path / name) for name in ("whole.keras", "m.keras"))
    assert one.raw.model_sha256 == other.raw.model_sha256
    history = "history.json"
    assert (tmp_path / "whole.report" / history).read_text() == (tmp_path / "m.report" / history).read_text()
    assert not (tmp_path / "m.checkpoint").exists()


def test_a_killed_process_leaves_a_checkpoint_that_goes_on(run: Run, tmp_path: Path) -> None:
    """SIGKILL, at whatever moment it strikes."""
    out = tmp_path / "m.keras"
    options = ["--epochs", "8"]
    command = [sys.executable, "-m", "edgeship_runtime.cli", "train", "digits", "--out", str(out), *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as child:
        while not out.with_suffix(".checkpoint").exists() and child.poll() is None:
            time.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
    assert run("train", "digits", "--out", tmp_path / "whole.keras", *options).code == 0

    assert run("train", "digits", "--out", out, "--resume").code == 0

    one, other = (ModelFile.open(path) for path in (tmp_path / "whole.keras", out))
    assert one.raw.model_sha256 == other.raw.model_sha256
    assert one.manifest.provenance.configuration == other.manifest.provenance.configuration


def test_an_interrupted_run_is_not_overwritten_by_accident(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "m.keras"
    interrupt(run, painted, out, monkeypatch)

    line = run("train", painted, "--out", out, *OPTIONS).one_line_error()

    assert "--resume goes on" in line
    assert "--force begins anew" in line
    assert run("train", painted, "--out", out, *OPTIONS, "--force").code == 0
    assert not out.with_suffix(".checkpoint").exists()


def test_what_changed_since_is_refused(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "m.keras"
    interrupt(run, painted, out, monkeypatch)

    other = run("train", painted, "--out", out, "--resume", "--dropout", 0.5).one_line_error()
    assert "--dropout is 0.5 now and was 0.2" in other

    paint(painted, {"red": 14}, seed=9)
    changed = run("train", painted, "--out", out, "--resume").one_line_error()
    assert "the pictures, or the parts they are in, are not those" in changed
    assert "then train 30" in changed
    assert out.with_suffix(".checkpoint").exists()


def test_a_picture_that_changed_its_part_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content and labels are all the same; but what was tested would be trained on."""
    out = tmp_path / "m.keras"
    for part, seed in (("train", 1), ("validation", 2), ("test", 3)):
        paint(tmp_path / "parted" / part, {"red": 6, "green": 6}, seed=seed)
    interrupt(run, tmp_path / "parted", out, monkeypatch)

    one, other = (tmp_path / "parted" / part / "red/00.png" for part in ("train", "test"))
    between = one.rename(tmp_path / "between.png")
    other.rename(one)
    between.rename(other)

    assert "the parts they are in" in run("train", tmp_path / "parted", "--out", out, "--resume").one_line_error()


def test_a_label_that_was_renamed_is_refused(
    run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it keeps its place among the others: the model would carry a name that half of the training did not know."""
    out = tmp_path / "m.keras"
    interrupt(run, painted, out, monkeypatch)

    (painted / "green").rename(painted / "lawn")

    assert "are not those" in run("train", painted, "--out", out, "--resume").one_line_error()


def test_the_same_command_goes_on(run: Run, painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it left to us which network "cnn" is."""
    out, options = tmp_path / "m.keras", ["--size", "16", "--arch", "cnn", "--epochs", str(EPOCHS)]
    interrupt(run, painted, out, monkeypatch, *options)

    assert run("train", painted, "--out", out, *options, "--resume").code == 0
    assert ModelFile.open(out).manifest.provenance.configuration["arch"] == "conv3"


def test_there_must_be_something_to_resume(run: Run, painted: Path, tmp_path: Path) -> None:
    command = ("train", painted, "--out", tmp_path / "m.keras", "--resume")

    assert "there is no checkpoint" in run(*command).one_line_error()

    (tmp_path / "m.keras").write_bytes(b"")

    assert "m.keras is there, and no m.checkpoint: the run came to its end" in run(*command).one_line_error()


def test_a_damaged_checkpoint_is_one_line(run: Run, painted: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.checkpoint"
    Checkpoint(path, {"options": {"epochs": 2}, "from": None}).save(Course(1), [np.zeros(3)])
    whole = path.read_bytes()
    entry = whole.index(
        b"PK\x01\x02"
    )  # of the archive's directory; what it says of flags and compression is no use then

    def changed(offset: int, value: int) -> bytes:
        return whole[: entry + offset] + bytes([value]) + whole[entry + offset + 1 :]

    assert stands_at(path) == "1 of 2 epochs"
    for data in (
        b"",
        b"no archive",
        whole[: len(whole) // 2],
        changed(8, 1),
        changed(8, 32),
        changed(10, 1),
        changed(10, 8),
    ):
        path.write_bytes(data)
        assert stands_at(path) == ""
        assert "cannot be read" in run("train", painted, "--out", tmp_path / "m.keras", "--resume").one_line_error()
