"""MediaPipe opens our .tflite files as they are and gives the answers that edgeship gives."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeship_runtime import Classifier
from edgeship_runtime.cli import main
from environments import build_environment, run

pytestmark = pytest.mark.environments

# Weak colours under strong noise, so that scores are no round ones; a name outside ASCII, which labels.txt must carry.
COLOURS = {"brick red": (165, 110, 105), "grün": (105, 160, 115), "blue": (105, 115, 165)}
SIDE = 32
# Of a score: MediaPipe brings its own kernels, and other CPUs differ by more than this one. As in the manifest.
TOLERANCES = {"float32": 1e-3, "int8": 0.02}

_CLASSIFY = """
import json, sys
from mediapipe import Image
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import ImageClassifier, ImageClassifierOptions

model, *pictures = sys.argv[1:]
options = ImageClassifierOptions(base_options=BaseOptions(model_asset_path=model))
with ImageClassifier.create_from_options(options) as classifier:
    for picture in pictures:
        (head,) = classifier.classify(Image.create_from_file(picture)).classifications
        print(json.dumps({category.category_name: category.score for category in head.categories}))
"""


@dataclass(frozen=True)
class Colours:
    """An RGB model in two files, and pictures of exactly its size that it has not seen."""

    float32: Path
    int8: Path
    pictures: list[Path]


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Colours:
    folder = tmp_path_factory.mktemp("colours")
    _paint(folder / "train", each=40, seed=1)
    keras = folder / "colours.keras"
    train = ["train", str(folder / "train"), "--out", str(keras), "--size", str(SIDE), "--epochs", "6"]
    assert main(train) == 0
    for quantize in ("none", "int8"):
        assert main(["export", str(keras), "--format", "tflite", "--quantize", quantize]) == 0
    pictures = _paint(folder / "new", each=4, seed=2)
    return Colours(folder / "colours.float32.tflite", folder / "colours.int8.tflite", pictures)


@pytest.fixture(scope="session")
def mediapipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with MediaPipe and nothing of ours."""
    return build_environment(tmp_path_factory.mktemp("mediapipe") / "environment", "mediapipe==1.2.2")


@pytest.mark.parametrize("quantization", ["float32", "int8"])
def test_mediapipe_gives_the_same_answers(mediapipe: Path, colours: Colours, quantization: str, tmp_path: Path) -> None:
    model = getattr(colours, quantization)
    classifier = Classifier.load(model)

    done = run(mediapipe, "-c", _CLASSIFY, model, *colours.pictures, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    theirs = [json.loads(line) for line in done.stdout.splitlines()]
    ours = [{item.label: item.score for item in classifier.classify(picture).top} for picture in colours.pictures]
    assert {max(scores, key=scores.__getitem__) for scores in theirs} == set(COLOURS)  # else every answer is one
    for own, their in zip(ours, theirs, strict=True):
        assert max(their, key=their.__getitem__) == max(own, key=own.__getitem__)
        assert their == pytest.approx(own, abs=TOLERANCES[quantization])


def _paint(folder: Path, *, each: int, seed: int) -> list[Path]:
    random = np.random.default_rng(seed)
    paths = []
    for label, colour in COLOURS.items():
        (folder / label).mkdir(parents=True)
        for index in range(each):
            pixels = np.clip(random.normal(colour, 70, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
            paths.append(folder / label / f"{index:02}.png")
            Image.fromarray(pixels).save(paths[-1])
    return paths
