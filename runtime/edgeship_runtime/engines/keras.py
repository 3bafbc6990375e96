"""Keras, on the workstation: the reference that every exported file is compared with."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeship_runtime.engines.keras_code import classes, code_in
from edgeship_runtime.engines.numbers import Affine
from edgeship_runtime.engines.pixels import Pixels
from edgeship_runtime.errors import EngineError
from edgeship_runtime.model_file import ModelFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONGEST = 300  # characters of an error


def imported() -> Any:  # noqa: ANN401 - a module
    """The imported library; ImportError when it is not installed."""
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported, or it is too late
    import keras

    return keras


def load_model(model: ModelFile, *, allow_code: bool = False) -> Any:  # noqa: ANN401 - Keras ships no types
    """The keras.Model of a .keras file, uncompiled.

    Args:
        model: an opened .keras.
        allow_code: run the code that it brings (a Lambda) or names (a class, importable from the current folder).

    Raises:
        EngineError: Keras cannot load it, or would have to execute code and may not.
    """
    with model.raw.open_file() as file:
        code = code_in(file)
    if code and not allow_code:
        more = f", and {len(code) - 1} more" if len(code) > 1 else ""
        raise EngineError(
            f"{model.path}: {code[0]}{more}: loading it would run code that is not Keras'. If you trust where the file comes from, "
            "only edgeship export --allow-code does"
        )
    keras = imported()
    own = classes(code)
    try:
        return keras.saving.load_model(model.path, custom_objects=own, compile=False, safe_mode=not code)
    except Exception as error:  # Keras raises what the layer at fault happens to raise
        raise EngineError(f"{model.path}: Keras {keras.__version__} cannot load it: {_gist(error)}") from None


def _gist(error: Exception) -> str:
    """Keras wraps what went wrong in pages of configuration."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line.removeprefix("Exception encountered: ") for line in lines if line.startswith("Exception enc")]
    return (telling or lines or [repr(error)])[0][:_LONGEST]


def load(model: ModelFile, threads: int) -> KerasEngine:
    """Loads a .keras file; never executes code that the file brings."""
    return KerasEngine(model, threads)


class KerasEngine:
    """A .keras file in Keras, on whatever device its backend chose.

    Attributes:
        output_shape: what the network gave the last time, its batch as -1: its configuration need not tell.
    """

    name = "keras"

    def __init__(self, model: ModelFile, threads: int) -> None:
        self.version, self.threads = str(imported().__version__), threads
        self._model = load_model(model)
        self._pixels = Pixels(np.float32, Affine(0.0, 0), model.manifest.preprocessing)
        self.output_shape: tuple[int, ...] | None = None
        self._turn = threading.Lock()  # Keras does not say that several threads may predict at once

    def scores(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """N×labels of N×H×W×C raw pixels."""
        with self._turn:
            given = np.asarray(self._model.predict_on_batch(self._pixels.array(batch)), np.float32)
        self.output_shape = (-1, *given.shape[1:])
        return given.reshape(len(batch), -1)

    def sibling(self, threads: int) -> KerasEngine:
        """Itself: threads take turns, and TensorFlow uses the cores."""
        return self
