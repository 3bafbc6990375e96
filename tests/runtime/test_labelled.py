"""DATA means the same to every verb."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeship_runtime.data import open_data
from edgeship_runtime.errors import DataError
from edgeship_runtime.labelled import digest
from making import paint


def test_sub_folders_are_labels_in_natural_order(tmp_path: Path) -> None:
    paint(tmp_path / "data", {"class_10": 1, "class_2": 1, "Class_1": 1})

    data = open_data(str(tmp_path / "data"))

    assert data.labels == ("Class_1", "class_2", "class_10")
    assert data.for_measuring()[0] == "all"


@pytest.mark.parametrize("name", ["validation", "val", "valid"])
def test_parts_are_recognized_and_measuring_takes_test(tmp_path: Path, name: str) -> None:
    for part, count in (("train", 3), (name, 2), ("test", 1)):
        paint(tmp_path / "data" / part, {"a": count, "b": count})

    data = open_data(str(tmp_path / "data"))

    assert {part: len(pictures) for part, pictures in data.parts.items()} == {"train": 6, "validation": 4, "test": 2}
    part, pictures = data.for_measuring()
    assert (part, len(pictures)) == ("test", 2)


def test_labels_may_be_called_train_and_test(tmp_path: Path) -> None:
    """Pictures directly inside: then they are labels, not parts."""
    paint(tmp_path / "data", {"train": 2, "test": 2})

    assert open_data(str(tmp_path / "data")).labels == ("test", "train")


@pytest.mark.parametrize(
    ("others", "words"), [(["notes"], "notes/ beside it"), (["val", "validation"], "more than one")]
)
def test_what_may_be_parts_or_labels_is_refused(tmp_path: Path, others: list[str], words: str) -> None:
    """Instead of a classifier that tells train from test."""
    for part in ("train", "test", *others):
        paint(tmp_path / "data" / part, {"a": 1, "b": 1})

    with pytest.raises(DataError, match=words):
        open_data(str(tmp_path / "data"))


def test_what_macos_leaves_in_archives_is_passed_over(tmp_path: Path) -> None:
    for part in ("train", "test", "__MACOSX/train"):
        paint(tmp_path / "data" / part, {"a": 1, "b": 1})

    assert set(open_data(str(tmp_path / "data")).parts) == {"train", "test"}


def test_hidden_files_and_other_files_are_passed_over(tmp_path: Path) -> None:
    folder = paint(tmp_path / "data", {"a": 1, "b": 1})
    (folder / "a" / "notes.txt").write_text("no picture")
    (folder / "a" / ".hidden.png").write_bytes(b"")
    (folder / ".git").mkdir()

    assert [len(part) for part in open_data(str(folder)).parts.values()] == [2]


def test_a_folder_without_sub_folders_says_what_is_wanted(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "1.png")

    with pytest.raises(DataError, match=r"has no sub-folders; wanted one for each label"):
        open_data(str(tmp_path))


def test_a_folder_name_that_is_no_text_cannot_be_a_label(tmp_path: Path) -> None:
    paint(tmp_path / "data", {"a": 1, "b\nc": 1})

    with pytest.raises(DataError, match="cannot be a label"):
        open_data(str(tmp_path / "data"))


def test_a_missing_folder_names_the_sets_there_are() -> None:
    with pytest.raises(DataError, match="digits"):
        open_data("no/such/folder")


def test_the_digits_have_a_test_part_that_never_changes() -> None:
    first, second = open_data("digits"), open_data("digits")

    assert {name: len(part) for name, part in first.parts.items()} == {"train": 1438, "test": 359}
    assert [digest(picture.read()) for picture in first.parts["test"]] == [
        digest(picture.read()) for picture in second.parts["test"]
    ]


def test_a_digest_tells_shapes_apart() -> None:
    assert digest(np.zeros((2, 8), np.uint8)) != digest(np.zeros((4, 4), np.uint8))


def test_what_cannot_be_looked_at_below_a_label_is_told_not_left_out(painted: Path) -> None:
    (painted / "red" / "more.jpg").symlink_to("more.jpg")

    with pytest.raises(DataError, match=r"red/more\.jpg: too many levels of symbolic links"):
        open_data(str(painted))
