"""One small benchmark that many tests look at, and reports made from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeship_runtime.cli import main
from making import Digits
from reports import Report

QUICK = ("--threads", "1", "--blocks", "2", "--most-blocks", "2", "--seconds", "0.05")


@pytest.fixture(scope="session")
def measured(digits: Digits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on three files and a broken one, on 20 pictures and one that is none."""
    folder = tmp_path_factory.mktemp("measured")
    pictures = shutil.copytree(digits.pictures, folder / "pictures")
    (pictures / "3" / "torn.png").write_bytes(b"\x89PNG\r\n")
    broken = folder / "broken.tflite"
    broken.write_bytes(digits.int8.read_bytes()[:5000])
    models = [str(path) for path in (digits.int8, digits.float32, digits.onnx, broken)]
    assert main(["benchmark", *models, "--data", str(pictures), "--out", str(folder / "out"), *QUICK, "--parity"]) == 0
    return folder / "out"


@pytest.fixture
def report(measured: Path) -> Report:
    """What its report.json holds, to be changed at will."""
    value: Report = json.loads((measured / "report.json").read_text())
    return value


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str, Report], Path]:
    """Writes a report under a name."""

    def save(name: str, value: Report) -> Path:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(value))
        return path

    return save
