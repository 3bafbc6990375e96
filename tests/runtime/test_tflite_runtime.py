"""tflite-runtime 2.14, the engine of boards that LiteRT has no wheel for, runs our files; with NumPy 2 it says what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgeship_runtime import Classifier
from environments import build_environment, build_wheel, distributions, find_interpreter, run
from making import Digits

pytestmark = [
    pytest.mark.environments,
    pytest.mark.skipif(sys.platform != "linux", reason="tflite-runtime 2.14 has wheels for Linux alone"),
]

TOLERANCES = {"float32": 1e-3, "int8": 0.02}  # of a score, between engines: as in the manifest


@pytest.fixture(scope="session")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """By NumPy's major version, the Python of an environment with tflite-runtime and the wheel, but without LiteRT."""
    interpreter = find_interpreter("3.11")  # the newest that tflite-runtime 2.14 has wheels for
    wheel = build_wheel(tmp_path_factory.mktemp("wheel"))
    folder = tmp_path_factory.mktemp("tflite-runtime")
    shared = ("tflite-runtime==2.14.0", "pillow", "tqdm")
    numpy = {1: "numpy<2", 2: "numpy>=2,<3"}
    return {
        major: build_environment(folder / f"numpy{major}", *shared, pin, alone=[wheel], interpreter=interpreter)
        for major, pin in numpy.items()
    }


@pytest.mark.parametrize("model", ["float32", "int8"])
@pytest.mark.parametrize("engine", ["tflite-runtime", "auto"])
def test_tflite_runtime_verifies_our_files(pythons: dict[int, Path], digits: Digits, model: str, engine: str) -> None:
    done = _edgeship(pythons[1], "verify", getattr(digits, model), "--engine", engine, "--json")

    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["passed"]
    assert (answer["engine"], answer["engine_version"]) == ("tflite-runtime", "2.14.0")


@pytest.mark.parametrize("model", ["float32", "int8"])
def test_tflite_runtime_answers_as_litert_does(pythons: dict[int, Path], digits: Digits, model: str) -> None:
    path = getattr(digits, model)

    done = _edgeship(pythons[1], "run", path, digits.pictures, "--engine", "tflite-runtime", "--json", "--top-k", "10")

    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(list(digits.pictures.rglob("*.png"))) > 10
    litert = Classifier.load(path, "litert")
    for answer in answers:
        expected = litert.classify(answer["source"], top_k=10)
        assert answer["label"] == expected.label
        scores = {item["label"]: item["score"] for item in answer["top"]}
        assert scores == pytest.approx({s.label: s.score for s in expected.top}, abs=TOLERANCES[model])


@pytest.mark.parametrize("verb", ["run", "verify"])
@pytest.mark.parametrize("engine", ["tflite-runtime", "auto"])
def test_tflite_runtime_beside_numpy_2_is_refused_in_one_line_that_says_what_to_do(
    pythons: dict[int, Path], digits: Digits, verb: str, engine: str
) -> None:
    picture = next(digits.pictures.rglob("*.png"))
    sources = [picture] if verb == "run" else []

    done = _edgeship(pythons[2], verb, digits.int8, *sources, "--engine", engine)

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"edgeship: {digits.int8}: tflite-runtime 2.14.0 needs numpy < 2")
    assert distributions(pythons[2])["numpy"] in line
    assert line.endswith("pip install 'numpy<2'")


def _edgeship(python: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run(python.with_name("edgeship"), *arguments, cwd=python.parent)
