"""Classifier: a model file, its preprocessing and an engine, ready for pictures.

>>> classifier = Classifier.load("flowers.int8.tflite")
>>> classifier.classify("tulip.jpg").label
'tulip'
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from edgeship_runtime.engines import Engine, open_engine
from edgeship_runtime.engines.numbers import softmax
from edgeship_runtime.errors import PictureError
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.model_file import ModelFile
from edgeship_runtime.prediction import Latency, Prediction, Score
from edgeship_runtime.preprocessing import Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Classifier:
    """Answers for pictures. Not for several threads at once: engines hold one set of buffers."""

    def __init__(self, model: ModelFile, engine: Engine) -> None:
        self.model = model
        self.engine = engine

    @classmethod
    def load(cls, path: str | Path, engine: str = "auto", threads: int | None = None) -> Classifier:
        """Opens a model file and loads it into an engine.

        Args:
            path: a .tflite, .onnx or .keras file with a manifest.
            engine: "auto", or one of edgeship_runtime.engines.ENGINES.
            threads: for one inference; up to 4, as many as there are cores, when None.

        Raises:
            ModelFileError: the file is truncated, damaged, foreign or too new.
            EngineError: no engine here runs it.
        """
        model = ModelFile.open(path)
        return cls(model, open_engine(model, engine, threads))

    @property
    def manifest(self) -> Manifest:
        """What the file says about itself."""
        return self.model.manifest

    @property
    def labels(self) -> tuple[str, ...]:
        """In output order."""
        return self.manifest.labels

    @property
    def preprocessing(self) -> Preprocessing:
        """From a picture to the model's input."""
        return self.manifest.preprocessing

    def classify(
        self, picture: str | Path | NDArray[np.uint8] | Image.Image, *, top_k: int = 5, frame: int = 0
    ) -> Prediction:
        """Classifies one picture.

        Args:
            picture: a path; a Pillow image; or an array, uint8, H×W×3 in RGB order or H×W grey.
            top_k: how many labels to answer with.
            frame: its index, for the answer.

        Raises:
            PictureError: it cannot be decoded; the message names the file.
        """
        began = time.perf_counter()
        name = str(picture) if isinstance(picture, str | Path) else "array"
        if isinstance(picture, str):
            picture = Path(picture)
        try:
            image = picture if isinstance(picture, np.ndarray) else self.preprocessing.decode(picture)
            decoded = time.perf_counter()
            pixels = self.preprocessing.apply(image)
        except PictureError as error:
            raise PictureError(f"{name}: {error}") from None
        prepared = time.perf_counter()
        scores = self.scores(pixels[np.newaxis])[0]
        done = time.perf_counter()
        latency = Latency((decoded - began) * 1e3, (prepared - decoded) * 1e3, (done - prepared) * 1e3)
        return Prediction(name, self.top(scores, top_k), frame, (done - began) * 1e3, latency)

    def scores(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores N×labels of model inputs N×H×W×C, uint8."""
        scores = self.engine.scores(batch)
        return softmax(scores) if self.manifest.logits else scores

    def top(self, scores: NDArray[np.float32], count: int) -> tuple[Score, ...]:
        """The `count` highest scores of one picture, best first; equal scores in label order."""
        order = np.argsort(-scores, kind="stable")[: max(1, count)]
        return tuple(Score(self.labels[index], float(scores[index])) for index in order)
