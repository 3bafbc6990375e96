"""Fixtures that every part shares: one small trained model, its exports, and picture files, all made by the command line itself."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeship_runtime.cli import main
from edgeship_runtime.labelled import open_data

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("EDGESHIP_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pictures and models that are kept beside the repository."""
    if not DATA.is_dir():
        pytest.skip("no folder of real pictures here; name one with EDGESHIP_DATA")
    return DATA


@dataclass(frozen=True)
class Digits:
    """A model of the digits set and what was exported from it."""

    keras: Path
    int8: Path
    float32: Path
    onnx: Path
    pictures: Path


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    """Trained for a few epochs, exported three times; and two test pictures of each digit as PNG files."""
    folder = tmp_path_factory.mktemp("digits")
    keras = folder / "digits.keras"
    assert main(["train", "digits", "--out", str(keras), "--epochs", "8"]) == 0
    assert main(["export", str(keras), "--format", "tflite", "--quantize", "int8"]) == 0
    assert main(["export", str(keras), "--format", "tflite"]) == 0
    assert main(["export", str(keras), "--format", "onnx"]) == 0
    pictures = folder / "pictures"
    for picture in open_data("digits").parts["test"]:
        target = pictures / picture.label / f"{Path(picture.name).name}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        if len(list(target.parent.iterdir())) < 2:
            Image.fromarray(picture.read()).save(target)
    exported = [folder / f"digits.{name}" for name in ("int8.tflite", "float32.tflite", "float32.onnx")]
    return Digits(keras, *exported, pictures)


def paint(folder: Path, labels: dict[str, int], size: tuple[int, int] = (40, 30), seed: int = 0) -> Path:
    """A folder of noisy pictures, each label in a colour of its own: `labels` gives how many."""
    random = np.random.default_rng(seed)
    for number, (label, count) in enumerate(labels.items()):
        (folder / label).mkdir(parents=True, exist_ok=True)
        colour = np.array([(220, 40, 40), (40, 200, 60), (50, 60, 220), (200, 200, 40)][number % 4])
        for index in range(count):
            noise = random.integers(-35, 36, (size[1], size[0], 3))
            pixels = np.clip(colour + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{index:02}.png")
    return folder


@pytest.fixture
def painted(tmp_path: Path) -> Path:
    """Three labels, twelve pictures each."""
    return paint(tmp_path / "painted", {"red": 12, "green": 12, "blue": 12})


Run = Callable[..., "Result"]


@dataclass(frozen=True)
class Result:
    """What a command gave."""

    code: int
    out: str
    err: str

    def json(self) -> object:
        """The one JSON object on stdout."""
        return json.loads(self.out)

    def lines(self) -> list[object]:
        """A JSON object from each line of stdout."""
        return [json.loads(line) for line in self.out.splitlines()]

    def one_line_error(self) -> str:
        """The single line that a refused command prints, after a check that it is one, and exit code 1."""
        assert self.code == 1, (self.code, self.out, self.err)
        (line,) = [line for line in self.err.splitlines() if line.startswith("edgeship: ")]
        assert self.err.splitlines()[-1] == line
        assert "Traceback" not in self.err
        return line


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in this process."""

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call
