"""What tests are made of: models, pictures, and what a command gave."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edgeship_runtime.containers import container


@dataclass(frozen=True)
class Digits:
    """A model of the digits set and what was exported from it."""

    keras: Path
    int8: Path
    float32: Path
    onnx: Path
    pictures: Path


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


def file_of(digits: Digits, format_name: str) -> Path:
    return {"keras": digits.keras, "tflite": digits.int8, "onnx": digits.onnx}[format_name]


def bare(digits: Digits, format_name: str) -> bytes:
    """A model as its own tools wrote it."""
    data = file_of(digits, format_name).read_bytes()
    if format_name != "keras":
        return container(format_name).model_part(io.BytesIO(data))
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for entry in old.infolist():
            if not entry.filename.startswith("edgeship/"):
                new.writestr(entry, old.read(entry))
    return stream.getvalue()


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
