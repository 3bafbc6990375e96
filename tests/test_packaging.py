"""What `pip install edgeship` brings to a device, and what it does there without TensorFlow."""

from __future__ import annotations

import json
import subprocess
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeship_runtime import Classifier
from edgeship_runtime.cli import VERBS
from environments import ROOT, build_environment, build_wheel, distributions, installed_bytes, run
from making import Digits

pytestmark = pytest.mark.environments

WORKSTATION = ("tensorflow", "keras", "opencv", "onnx", "scikit-learn", "matplotlib", "jinja2")
HEAVY = {"numpy", "PIL", "ai_edge_litert", "tflite_runtime", "onnxruntime", "tensorflow", "keras", "jax", "cv2"}

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """The Python of an environment with the wheel and what it requires, no extras."""
    return build_environment(tmp_path_factory.mktemp("bare") / "environment", wheel)


@pytest.fixture
def edgeship(bare: Path, tmp_path: Path) -> Command:
    """The installed console script, run in an empty folder."""
    return lambda *arguments: run(bare.with_name("edgeship"), *arguments, cwd=tmp_path)


def test_the_wheel_carries_every_module_template_and_type_marker(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    packages = [path for path in ROOT.glob("*/edgeship_*") if path.is_dir()]

    written = {
        str(path.relative_to(package.parent))
        for package in packages
        for path in package.rglob("*")
        if path.name == "py.typed" or path.suffix in (".py", ".html", ".toml")
    }

    assert packed >= written
    assert {name.partition("/")[0] for name in packed} == {package.name for package in packages}
    assert {f"{package.name}/py.typed" for package in packages} <= packed
    pages = {"edgeship_runtime": "page", "edgeship_train": "report", "edgeship_benchmarks": "report"}
    assert {f"{package}/templates/{page}.html" for package, page in pages.items()} <= packed


def test_a_bare_install_brings_no_tensorflow(bare: Path) -> None:
    names = distributions(bare)

    assert {"edgeship", "numpy", "pillow"} <= set(names)
    assert [name for name in names if name.startswith(WORKSTATION)] == []


def test_a_bare_install_is_hardly_larger_than_pillow_and_litert(bare: Path, tmp_path: Path) -> None:
    versions = distributions(bare)
    pins = [f"{name}=={versions[name]}" for name in ("pillow", "ai-edge-litert", "numpy")]

    plain = build_environment(tmp_path / "plain", *pins)

    ours, least = installed_bytes(bare), installed_bytes(plain)
    assert ours <= 1.1 * least, f"{ours / 1e6:.1f} MB against {least / 1e6:.1f} MB"


def test_the_command_says_the_version_of_the_distribution(edgeship: Command, bare: Path) -> None:
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    done = edgeship("--version")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"edgeship {stated}\n", "")
    assert distributions(bare)["edgeship"] == stated


def test_a_bare_install_classifies_a_picture(edgeship: Command, digits: Digits) -> None:
    picture, expected = _surest(digits)

    done = edgeship("run", digits.int8, picture)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == expected == picture.parent.name


def test_a_bare_install_prints_one_json_object_for_a_picture(edgeship: Command, digits: Digits) -> None:
    picture, expected = _surest(digits)

    done = edgeship("run", digits.int8, picture, "--json")

    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    answer = json.loads(line)
    assert (answer["label"], answer["source"]) == (expected, str(picture))
    assert answer["top"][0] == {"label": expected, "score": answer["score"]}


def test_a_bare_install_answers_as_the_workstation_does(edgeship: Command, digits: Digits) -> None:
    done = edgeship("run", digits.int8, digits.pictures, "--json")

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    classifier = Classifier.load(digits.int8)
    assert len(answers) == len(_pictures(digits)) > 10
    for answer in answers:
        own = classifier.classify(answer["source"])
        assert (answer["label"], answer["score"]) == (own.label, pytest.approx(own.score, abs=1e-6))


@pytest.mark.parametrize("model", ["int8", "float32"])
def test_a_bare_install_verifies_a_model_file(edgeship: Command, digits: Digits, model: str) -> None:
    done = edgeship("verify", getattr(digits, model), "--json")

    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["passed"]
    assert answer["samples"] > 0
    assert answer["engine"] == "litert"


def test_a_bare_install_evaluates_labelled_pictures(edgeship: Command, digits: Digits) -> None:
    done = edgeship("evaluate", digits.int8, digits.pictures, "--json")

    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["samples"] == len(_pictures(digits))
    assert answer["accuracy"] > 0.7


@pytest.mark.parametrize(
    ("model", "quantization"), [("int8", "int8"), ("float32", "float32"), ("onnx", "float32"), ("keras", "float32")]
)
def test_a_bare_install_inspects_every_format(edgeship: Command, digits: Digits, model: str, quantization: str) -> None:
    done = edgeship("inspect", getattr(digits, model), "--json")

    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["quantization"] == quantization
    assert answer["labels"] == [str(number) for number in range(10)]
    assert answer["findings"] == []


def test_training_on_a_bare_install_names_the_extra_it_needs(edgeship: Command, digits: Digits, tmp_path: Path) -> None:
    done = edgeship("train", digits.pictures, "--out", "digits.keras")

    assert _only_line(done).endswith("pip install 'edgeship[workstation]'")
    assert list(tmp_path.iterdir()) == []


def test_exporting_on_a_bare_install_names_the_extra_it_needs(
    edgeship: Command, digits: Digits, tmp_path: Path
) -> None:
    done = edgeship("export", digits.keras, "--format", "tflite", "--out", "digits.tflite")

    assert _only_line(done).endswith("pip install 'edgeship[workstation]'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("model", "extra"), [("onnx", "onnx"), ("keras", "workstation")])
def test_a_bare_install_names_the_extra_that_runs_a_file(
    edgeship: Command, digits: Digits, model: str, extra: str
) -> None:
    picture, _ = _surest(digits)

    done = edgeship("run", getattr(digits, model), picture)

    assert f"pip install 'edgeship[{extra}]'" in _only_line(done)


def test_importing_the_runtime_imports_no_array_picture_or_engine_library(bare: Path, tmp_path: Path) -> None:
    done = run(bare, "-X", "importtime", "-c", "import edgeship_runtime", cwd=tmp_path)

    assert done.returncode == 0
    assert "edgeship_runtime" in _imported(done)
    assert _imported(done) & HEAVY == set()


@pytest.mark.parametrize("verb", [None, *VERBS])
def test_help_is_printed_without_array_picture_or_engine_library(bare: Path, tmp_path: Path, verb: str | None) -> None:
    script, arguments = bare.with_name("edgeship"), [*([verb] if verb else []), "--help"]

    done = run(bare, "-X", "importtime", script, *arguments, cwd=tmp_path)

    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: edgeship {verb or 'VERB'} ")
    assert "edgeship_runtime" in _imported(done)
    assert _imported(done) & HEAVY == set()


def _surest(digits: Digits) -> tuple[Path, str]:
    """The picture that this machine is surest of, and its label."""
    classifier = Classifier.load(digits.int8)
    picture = max(_pictures(digits), key=lambda path: classifier.classify(path).score)
    return picture, classifier.classify(picture).label


def _pictures(digits: Digits) -> list[Path]:
    return sorted(digits.pictures.rglob("*.png"))


def _only_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of an error of ours."""
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("edgeship: ")
    return line


def _imported(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Top-level names of the modules that `-X importtime` lists."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip().partition(".")[0] for line in lines}


def test_a_bare_install_measures_and_reports_without_a_page(edgeship: Command, digits: Digits, tmp_path: Path) -> None:
    options = ["--data", digits.pictures, "--out", "report", "--seconds", "0.1", "--threads", "1", "--most-blocks", "5"]

    done = edgeship("benchmark", digits.int8, *options)

    assert done.returncode == 0, done.stderr
    assert "pip install 'edgeship[workstation]'" in done.stderr
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"report.json", "report.md"}
