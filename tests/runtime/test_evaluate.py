"""`evaluate` counts what the model never saw, and says what it left out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeship_runtime.data import open_data
from edgeship_runtime.evaluation import Evaluation, wilson
from making import Digits, Run


def test_accuracy_is_measured_on_the_test_part(digits: Digits, run: Run) -> None:
    result = run("evaluate", digits.int8, "digits", "--json")

    answer = result.json()
    assert isinstance(answer, dict)
    assert answer["samples"] == 359
    assert answer["part"] == "test"
    assert answer["accuracy"] > 0.97
    assert answer["labels"] == [str(number) for number in range(10)]
    assert sum(map(sum, answer["confusion"])) == 359
    assert sum(row[index] for index, row in enumerate(answer["confusion"])) == round(answer["accuracy"] * 359)


def test_people_get_a_table(digits: Digits, run: Run) -> None:
    result = run("evaluate", digits.int8, digits.pictures)

    assert result.code == 0
    assert "precision" in result.out
    assert "accuracy" in result.out


def test_pictures_the_model_was_trained_on_are_left_out_and_counted(run: Run, painted: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.keras"
    assert run("train", painted, "--out", model, "--epochs", 1, "--size", 16).code == 0
    assert run("export", model, "--format", "tflite", "--force").code == 0

    answer = run("evaluate", tmp_path / "m.float32.tflite", painted, "--json").json()

    assert isinstance(answer, dict)
    assert answer["trained_on"] == 30  # 10 of each 12: one for validation, one for test
    assert answer["samples"] == 6


def test_unreadable_pictures_are_listed(digits: Digits, run: Run, tmp_path: Path) -> None:
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    picture = open_data("digits").parts["test"][0].read()
    Image.fromarray(np.asarray(picture)).save(tmp_path / "3" / "good.png")

    result = run("evaluate", digits.int8, tmp_path, "--json")

    answer = result.json()
    assert isinstance(answer, dict)
    assert [item["source"] for item in answer["unreadable"]] == ["3/bad.png"]
    assert "left out: 3/bad.png" in result.err


def test_a_label_the_model_does_not_know_is_one_line(digits: Digits, run: Run, painted: Path) -> None:
    assert "'blue'" in run("evaluate", digits.int8, painted).one_line_error()


def test_recall_and_precision_are_those_of_the_confusion() -> None:
    result = Evaluation("all", ("a", "b"), np.array([[3, 1], [0, 4]]), 0, ())

    first, second = result.per_label()

    assert (first["precision"], first["recall"]) == (1.0, 0.75)
    assert (second["precision"], second["recall"]) == (0.8, 1.0)
    assert result.accuracy == 7 / 8


@pytest.mark.parametrize(("right", "of", "low", "high"), [(372, 372, 0.9898, 1.0), (50, 100, 0.4038, 0.5962)])
def test_wilson_intervals_are_the_published_ones(right: int, of: int, low: float, high: float) -> None:
    assert wilson(right, of) == pytest.approx((low, high), abs=5e-5)
