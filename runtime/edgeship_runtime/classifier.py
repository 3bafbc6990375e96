"""Classifier: a model file, its preprocessing and an engine, ready for pictures.

>>> classifier = Classifier.load("flowers.int8.tflite")
>>> classifier.classify("tulip.jpg").label
'tulip'
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeship_runtime.engines import Engine, open_engine
from edgeship_runtime.engines.numbers import softmax
from edgeship_runtime.errors import PictureError
from edgeship_runtime.manifest import Manifest
from edgeship_runtime.model_file import ModelFile
from edgeship_runtime.prediction import Latency, Prediction, Score
from edgeship_runtime.preprocessing import Picture, Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeship_runtime.results import Result
    from edgeship_runtime.sinks.sink import State


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
            engine: one of edgeship_runtime.engines.ENGINES; "auto" takes the first one here that answers the file's golden samples
                as it should.
            threads: for one inference; up to 4, as many as there are cores, when None.

        Raises:
            ModelFileError: the file is truncated, damaged, foreign or too new.
            EngineError: no engine here runs it, or none rightly.
        """
        model = ModelFile.open(path)
        if engine != "auto":
            return cls(model, open_engine(model, engine, threads))
        from edgeship_runtime.choosing import choose

        return cls(model, choose(model, threads))

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

    def classify(self, picture: Picture | str, *, top_k: int = 5, frame: int = 0) -> Prediction:
        """Classifies one picture.

        Args:
            picture: a path; a picture file's bytes; a Pillow image; or an array, uint8, H×W×3 in RGB order or H×W grey.
            top_k: how many labels to answer with.
            frame: its index, for the answer.

        Raises:
            PictureError: it cannot be decoded, or the model computes no numbers for it; the message names it.
        """
        began = time.perf_counter()
        content = Path(picture) if isinstance(picture, str) else picture
        try:
            image = content if isinstance(content, np.ndarray) else self.preprocessing.decode(content)
            decoded = time.perf_counter()
            pixels = self.preprocessing.apply(image)
        except PictureError as error:
            raise PictureError(f"{name_of(picture)}: {error}") from None
        prepared = time.perf_counter()
        scores = self.scores(pixels[np.newaxis])[0]
        done = time.perf_counter()
        if not np.isfinite(scores).all():  # nothing follows from them, and JSON has no word for them
            raise PictureError(f"{name_of(picture)}: the model's scores for it are no finite numbers (NaN or infinite)")
        latency = Latency((decoded - began) * 1e3, (prepared - decoded) * 1e3, (done - prepared) * 1e3)
        return Prediction(name_of(picture), self.top(scores, top_k), frame, (done - began) * 1e3, latency, scores)

    def classify_many(self, pictures: Iterable[Picture | str], *, top_k: int = 5) -> Iterator[Result]:
        """Classifies pictures side by side, on all cores, and yields results in their order.

        A picture that cannot be decoded is a result with `error`; the rest go on.

        Args:
            pictures: any number, drawn as they are needed, from a thread.
            top_k: how many labels to answer with.
        """
        from edgeship_runtime.answering import answers
        from edgeship_runtime.streaming import cores

        return answers(self._for_threads(), (item for item in enumerate(pictures)), workers=cores(), top_k=top_k)

    def stream(
        self,
        *sources: str | Path,
        smooth_s: float = 0.0,
        agree: int = 1,
        threshold: float | None = None,
        max_fps: float | None = None,
        max_age_ms: float | None = None,
        stall_s: float = 5.0,
        keep_trying: bool = False,
        on_state: Callable[[str, State, str], None] = lambda *_: None,
        stop: threading.Event | None = None,
    ) -> Iterator[Result]:
        """Results from anything that `edgeship run` takes: pictures, folders, videos, cameras, streams.

        Pictures and videos are answered completely and in order; of cameras and streams the newest frame is, for ever: leave the loop,
        or set `stop`, to end.

        Args:
            sources: as on the command line; see edgeship_runtime.sources.
            smooth_s: seconds over which a source's scores are averaged; 0 takes each frame as it is.
            agree: frames in a row that must agree before there is a decision.
            threshold: the score that a decision needs; the file's own when None.
            max_fps: answers a second at most; None as many as can be.
            max_age_ms: a live frame that is older by then gets no decision; None for any age.
            stall_s: a live source without a frame for so long is opened anew.
            keep_trying: wait for a live source that cannot be opened at the start.
            on_state: hears of a live source's states ("connecting", "live", "stalled", "reconnecting"): source, state, detail.
                Called from other threads.
            stop: ends it from elsewhere; what was begun is still answered.

        Raises:
            DataError: a source does not exist, or a live one cannot be opened at the start.
            ValueError: an option has a value that nothing could satisfy.
        """
        from edgeship_runtime.decision import Rules
        from edgeship_runtime.sources import parse
        from edgeship_runtime.streaming import Options, cores, results

        for name, value in (("max_fps", max_fps), ("max_age_ms", max_age_ms), ("stall_s", stall_s)):
            if value is not None and not value > 0:
                raise ValueError(f"{name} is {value}; wanted a number above 0")
        own = self.manifest.threshold or 0.0
        rules = Rules(smooth_s, agree, own if threshold is None else threshold)
        options = Options(rules, 5, max_fps, max_age_ms, stall_s, keep_trying)
        parsed = [parse(str(source)) for source in sources]
        mine = self if all(source.is_live for source in parsed) else self._for_threads()
        return results(mine, parsed, options, workers=cores(), stop=stop or threading.Event(), on_state=on_state)

    def scores(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores N×labels of model inputs N×H×W×C, uint8."""
        scores = self.engine.scores(batch)
        return softmax(scores) if self.manifest.logits else scores

    def top(self, scores: NDArray[np.float32], count: int) -> tuple[Score, ...]:
        """The `count` highest scores of one picture, best first; equal scores in label order."""
        order = np.argsort(-scores, kind="stable")[: max(1, count)]
        return tuple(Score(self.labels[index], float(scores[index])) for index in order)

    def _for_threads(self) -> Classifier:
        """One that threads may have for themselves, while the caller goes on classifying with this one."""
        return self.sibling() if self.engine.threads == 1 else self  # on several threads none of them takes it

    def sibling(self, threads: int = 1) -> Classifier:
        """The same model for another thread, with an engine of its own."""
        return Classifier(self.model, self.engine.sibling(threads))


def name_of(picture: Picture | str) -> str:
    """How to speak of a picture."""
    if isinstance(picture, str | Path):
        return str(picture)
    return {bytes: "bytes", np.ndarray: "array"}.get(type(picture), "image")
