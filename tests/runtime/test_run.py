"""`run` answers every picture it can read, and says which it cannot."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeship_runtime import Classifier
from edgeship_runtime.errors import EngineError
from making import Digits, Run


@pytest.mark.parametrize("kind", ["int8", "float32", "onnx"])
def test_pictures_get_their_labels(digits: Digits, run: Run, kind: str) -> None:
    result = run("run", getattr(digits, kind), digits.pictures, "--json", "--top-k", 3)

    answers = result.lines()
    assert result.code == 0
    assert result.err == ""
    assert len(answers) == 20
    right = [answer["label"] == Path(answer["source"]).parent.name for answer in answers]  # type: ignore[index]
    assert sum(right) >= 18
    first = answers[0]
    assert isinstance(first, dict)
    assert set(first) == {"source", "label", "score", "top", "decision", "frame", "age_ms", "latency_ms"}
    assert first["decision"] == {"label": first["label"], "score": first["score"], "reason": None}
    assert set(first["latency_ms"]) == {"decode", "preprocess", "invoke"}
    assert first["top"][0] == {"label": first["label"], "score": first["score"]}
    assert len(first["top"]) == 3
    assert [answer["frame"] for answer in answers] == list(range(20))  # type: ignore[index]


def test_an_unreadable_picture_is_reported_and_the_rest_go_on(digits: Digits, run: Run, tmp_path: Path) -> None:
    pictures = tmp_path / "p"
    shutil.copytree(digits.pictures / "3", pictures)
    (pictures / "0broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (pictures / "1empty.jpg").write_bytes(b"")

    result = run("run", digits.int8, pictures, "--json")

    answers = result.lines()
    assert result.code == 1
    assert [set(answer) == {"source", "error"} for answer in answers].count(True) == 2  # type: ignore[call-overload]
    assert len(answers) == 4
    assert "2 of 4 pictures" in result.err
    assert "empty" in json.dumps(answers)


def test_a_glob_and_a_picture_may_be_mixed(digits: Digits, run: Run) -> None:
    one = next((digits.pictures / "5").glob("*.png"))

    result = run("run", digits.int8, f"{digits.pictures}/4/*.png", one, "--json")

    assert len(result.lines()) == 3


def test_people_see_as_many_labels_as_they_ask_for(digits: Digits, run: Run) -> None:
    picture = next((digits.pictures / "4").glob("*.png"))

    assert len(run("run", digits.int8, picture).out.split("  ")) == 4
    assert len(run("run", digits.int8, picture, "--top-k", 3).out.split("  ")) == 8


def test_a_file_name_that_is_no_text_is_answered_too(digits: Digits, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    shutil.copy(next((digits.pictures / "4").glob("*.png")), name)
    command = [sys.executable, "-m", "edgeship_runtime.cli", "run", str(digits.int8), str(tmp_path), "--json"]

    done = subprocess.run(command, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["label"] == "4"


@pytest.mark.parametrize(("source", "words"), [("nothing.png", "does not exist"), ("*.nothing", "no picture matches")])
def test_a_source_that_is_not_there_is_one_line(digits: Digits, run: Run, source: str, words: str) -> None:
    assert words in run("run", digits.int8, source).one_line_error()


def test_a_folder_without_pictures_is_one_line(digits: Digits, run: Run, tmp_path: Path) -> None:
    assert "no pictures in this folder" in run("run", digits.int8, tmp_path).one_line_error()


def test_an_engine_of_another_format_names_the_right_one(digits: Digits, run: Run) -> None:
    line = run("run", digits.onnx, digits.pictures, "--engine", "litert").one_line_error()

    assert "--engine onnxruntime" in line


def test_an_engine_that_is_not_installed_is_named_with_its_install_line(digits: Digits, run: Run) -> None:
    line = run("run", digits.int8, digits.pictures, "--engine", "tflite-runtime").one_line_error()

    assert "pip install tflite-runtime" in line


def test_one_picture_has_one_answer_on_every_engine(digits: Digits) -> None:
    classifiers = [Classifier.load(path, threads=1) for path in (digits.float32, digits.onnx, digits.keras)]
    for path in sorted(digits.pictures.rglob("*.png")):
        scores = [{s.label: s.score for s in c.classify(path, top_k=10).top} for c in classifiers]
        for other in scores[1:]:
            assert max(abs(scores[0][label] - other[label]) for label in other) < 1e-4


def test_a_batch_answers_as_single_pictures_do(digits: Digits) -> None:
    for path in (digits.int8, digits.float32, digits.onnx):
        classifier = Classifier.load(path)
        pixels = [classifier.preprocessing(item) for item in sorted(digits.pictures.rglob("*.png"))]
        together = classifier.scores(np.stack(pixels))
        alone = np.concatenate([classifier.scores(item[None]) for item in pixels])
        assert np.abs(together - alone).max() < 1e-5


def test_arrays_images_and_paths_are_classified_alike(digits: Digits) -> None:
    classifier = Classifier.load(digits.int8)
    path = next((digits.pictures / "7").glob("*.png"))
    image = Image.open(path)

    answers = [classifier.classify(item) for item in (path, str(path), image, np.asarray(image))]

    assert len({(answer.label, answer.score) for answer in answers}) == 1
    assert answers[0].source == str(path)
    assert answers[3].source == "array"


def test_an_unknown_engine_is_refused(digits: Digits) -> None:
    with pytest.raises(EngineError, match="known: auto, litert"):
        Classifier.load(digits.int8, engine="magic")
