"""Engines: the same answers from each, and `auto` takes only one that gives the answers the file says it must."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeship_runtime import Classifier
from edgeship_runtime.engines import ENGINES, Engine, open_engine
from edgeship_runtime.engines import litert as litert_module
from edgeship_runtime.engines import litert_builtin as builtin_module
from edgeship_runtime.engines import openvino as openvino_module
from edgeship_runtime.errors import EngineError
from edgeship_runtime.files import cache_home
from edgeship_runtime.model_file import MANIFEST, ModelFile, assemble
from making import Digits, Run

EACH = [(name, kind) for name, kind in [
    ("litert", "int8"), ("litert", "float32"), ("onnxruntime", "onnx"),
    ("openvino", "int8"), ("openvino", "float32"), ("openvino", "onnx"), ("keras", "keras"),
]]  # fmt: skip


@pytest.fixture
def opened(digits: Digits, name: str, kind: str) -> Engine:
    if name == "openvino":
        pytest.importorskip("openvino", reason="OpenVINO is not installed here")
    return open_engine(ModelFile.open(getattr(digits, kind)), name, 1)


@pytest.fixture
def pixels(digits: Digits) -> np.ndarray:
    preprocessing = ModelFile.open(digits.int8).manifest.preprocessing
    return np.stack([preprocessing(path) for path in sorted(digits.pictures.rglob("*.png"))])


@pytest.mark.parametrize(("name", "kind"), EACH)
def test_a_batch_is_its_pictures(opened: Engine, pixels: np.ndarray, name: str, kind: str) -> None:
    alone = np.concatenate([opened.scores(pixels[index : index + 1]) for index in range(len(pixels))])

    assert np.abs(opened.scores(pixels) - alone).max() < 1e-5
    assert alone.dtype == np.float32


@pytest.mark.parametrize(("name", "kind"), EACH)
def test_siblings_answer_alike_at_the_same_time(opened: Engine, pixels: np.ndarray, name: str, kind: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    alone = [opened.scores(picture[None])[0] for picture in pixels]
    engines = [opened, opened.sibling(1), opened.sibling(1)]

    def work(number: int) -> float:
        engine = engines[number % 3]
        return max(
            float(np.abs(engine.scores(picture[None])[0] - one).max())
            for picture, one in zip(pixels, alone, strict=True)
        )

    with ThreadPoolExecutor(3) as pool:
        assert max(pool.map(work, range(3))) < 1e-6


@pytest.mark.parametrize(("name", "kind"), EACH)
def test_each_engine_verifies(digits: Digits, run: Run, opened: Engine, name: str, kind: str) -> None:
    result = run("verify", getattr(digits, kind), "--engine", name)

    assert result.code == 0
    assert result.out.splitlines()[-1].endswith(f"{name} {opened.version}")


def test_openvino_does_not_report_on_its_use() -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed here")
    code = (
        "import sys; from edgeship_runtime.engines.openvino import imported; imported().Core(); "
        "assert not [name for name in sys.modules if 'openvino_telemetry' in name]; import openvino_telemetry"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


# auto


def doubting(digits: Digits, folder: Path) -> Path:
    """The float32 file with golden scores that no engine gives."""
    model = ModelFile.open(digits.float32)
    members = {name: data for name, data in model.raw.members.items() if name != MANIFEST}
    first, *rest = model.manifest.golden
    lower = dataclasses.replace(first, scores={label: score * 0.5 for label, score in first.scores.items()})
    path = folder / "doubting.tflite"
    changed = dataclasses.replace(model.manifest, golden=(lower, *rest))
    path.write_bytes(assemble("tflite", model.raw.model, changed, members))
    return path


def without_golden(file: Path, folder: Path) -> Path:
    """The same file, which proves nothing."""
    model = ModelFile.open(file)
    members = {name: data for name, data in model.raw.members.items() if name != MANIFEST}
    path = folder / "unproven.tflite"
    path.write_bytes(assemble("tflite", model.raw.model, dataclasses.replace(model.manifest, golden=()), members))
    return path


class Wrong:
    """An engine that computes something else."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.version, self.threads = engine.name, engine.version, engine.threads

    def scores(self, batch: np.ndarray) -> np.ndarray:
        return np.asarray(1 - self._engine.scores(batch), np.float32)

    def sibling(self, threads: int) -> Wrong:
        return self


def test_auto_takes_no_engine_that_fails_verify(digits: Digits, run: Run, tmp_path: Path) -> None:
    path = doubting(digits, tmp_path)

    line = run("run", path, digits.pictures).one_line_error()

    assert "litert" in line
    assert "does not pass verify here: invoke: scores differ by up to" in line
    assert run("run", path, digits.pictures, "--engine", "litert").code == 0
    assert "FAILED" in run("verify", path).out


def test_auto_goes_on_to_the_next_engine(digits: Digits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed here")
    monkeypatch.setenv("EDGESHIP_CACHE", str(tmp_path))
    real = litert_module.load
    monkeypatch.setattr(litert_module, "load", lambda model, threads: Wrong(real(model, threads)))

    assert Classifier.load(digits.float32).engine.name == "openvino"
    assert Classifier.load(digits.float32, engine="litert").engine.name == "litert"


class Failing(Wrong):
    """An engine that loads, and then cannot run: of another processor, or a driver that is missing."""

    def scores(self, batch: np.ndarray) -> np.ndarray:
        raise OSError("illegal instruction")


@pytest.mark.parametrize("golden", [True, False])
def test_auto_passes_over_what_loads_and_cannot_run(
    digits: Digits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: Run, golden: bool
) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed here")
    monkeypatch.setenv("EDGESHIP_CACHE", str(tmp_path))
    real = litert_module.load
    monkeypatch.setattr(litert_module, "load", lambda model, threads: Failing(real(model, threads)))
    path = digits.float32 if golden else without_golden(digits.float32, tmp_path)

    assert Classifier.load(path).engine.name == "openvino"

    monkeypatch.setattr(openvino_module, "load", lambda model, threads: Failing(real(model, threads)))
    monkeypatch.setattr(builtin_module, "load", lambda model, threads: Failing(real(model, threads)))
    line = run("run", path, digits.pictures).one_line_error()
    assert "litert" in line
    assert "does not pass verify here: it fails: OSError: illegal instruction" in line


@pytest.mark.parametrize("where", ["imported", "load"])
def test_auto_passes_over_what_cannot_be_imported_or_loaded(
    digits: Digits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: Run, where: str
) -> None:
    """A library built for another NumPy raises what it likes."""
    pytest.importorskip("openvino", reason="OpenVINO is not installed here")
    monkeypatch.setenv("EDGESHIP_CACHE", str(tmp_path))

    def broken(*_: object) -> None:
        raise AttributeError("_ARRAY_API not found")

    monkeypatch.setattr(litert_module, where, broken)

    assert Classifier.load(digits.float32).engine.name == "openvino"
    if where == "imported":
        line = run("run", digits.float32, digits.pictures, "--engine", "litert").one_line_error()
        assert "engine litert cannot be imported (AttributeError: _ARRAY_API not found)" in line


def test_an_engine_that_nothing_vouches_for_is_told(digits: Digits, run: Run, tmp_path: Path) -> None:
    path = without_golden(digits.int8, tmp_path)

    warned = run("run", path, digits.pictures)

    assert warned.code == 0
    assert f"{path} carries no golden samples: that litert answers rightly is not verified" in warned.err
    assert run("run", path, digits.pictures, "--engine", "litert").err == ""


class Unsure(Wrong):
    """An engine whose scores are no numbers."""

    def scores(self, batch: np.ndarray) -> np.ndarray:
        return np.full_like(self._engine.scores(batch), np.nan)


def test_scores_that_are_no_numbers_are_an_error_of_their_picture(
    digits: Digits, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = litert_module.load
    monkeypatch.setattr(litert_module, "load", lambda model, threads: Unsure(real(model, threads)))
    picture = next(digits.pictures.rglob("*.png"))

    said = run("run", digits.int8, picture, "--engine", "litert", "--json")

    assert said.code == 1
    (line,) = said.lines()
    assert line == {
        "source": str(picture),
        "error": "the model's scores for it are no finite numbers (NaN or infinite)",
    }


def test_what_passed_is_remembered(digits: Digits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By model, engine and machine; what failed is tried again."""
    monkeypatch.setenv("EDGESHIP_CACHE", str(tmp_path / "cache"))
    Classifier.load(digits.float32)
    Classifier.load(digits.int8)
    assert len(list((cache_home() / "verified").iterdir())) == 2

    path, real = doubting(digits, tmp_path), litert_module.load
    with pytest.raises(EngineError):
        Classifier.load(path)
    assert len(list((cache_home() / "verified").iterdir())) == 2

    monkeypatch.setattr(litert_module, "load", lambda model, threads: Wrong(real(model, threads)))
    assert Classifier.load(digits.int8).engine.name == "litert"  # it is not asked again


def test_where_nothing_can_be_remembered_it_is_found_out_each_time(
    digits: Digits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EDGESHIP_CACHE", str(tmp_path / "file"))

    assert Classifier.load(digits.int8).classify(next(digits.pictures.rglob("*.png"))).label


def test_every_engine_is_named_in_the_help_with_its_install_line(run: Run) -> None:
    from edgeship_runtime.engines import INSTALL

    text = " ".join(run("run", "--help").out.split())

    assert set(INSTALL) == set(ENGINES)
    assert all(name in text for name in ENGINES)
    assert os.environ["EDGESHIP_CACHE"]  # of the tests, not the user's
