"""A network of the user's own: `--arch package.module:function`, called with the shape of a picture and the number of labels."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from edgeship_runtime.engines.keras_code import code_of
from edgeship_runtime.errors import TrainingError
from edgeship_runtime.terminal import say

if TYPE_CHECKING:
    import keras

_FOREIGN = {"site-packages", "importlib"}  # in whose folders no code of the user's is
_LONGEST = 300  # characters of what the user's code says: Keras quotes whole layers
_COLOURS = re.compile(r"\x1b\[\d*m")  # which Keras' errors are in
_ANY = (Exception, SystemExit)  # what code of the user's may raise


def is_own(arch: str) -> bool:
    """Whether the name has the form package.module:function."""
    return ":" in arch


def found(arch: str) -> Callable[..., Any]:
    """The function, looked for in the current folder too.

    Raises:
        TrainingError: there is none, or its module fails.
    """
    module, _, name = arch.partition(":")
    if (
        str(Path.cwd()) not in sys.path
    ):  # a console script does not look in the current folder; people expect `--arch nets:tiny`
        sys.path.insert(0, str(Path.cwd()))
    wanted = f"wanted package.module:function, importable from here ({Path.cwd()})"
    if not module or not name:
        raise TrainingError(f"--arch {arch}: {wanted}")
    try:
        with _apart():
            function: Callable[..., Any] | None = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise TrainingError(f"--arch {arch}: {error}; {wanted}") from None
    except _ANY as error:  # whatever the module does when it is imported
        raise TrainingError(f"--arch {arch}: importing {module} failed: {_spelled(error)}") from None
    if function is None:
        raise TrainingError(f"--arch {arch}: module {module!r} has no attribute {name!r}; {wanted}")
    if not callable(function):
        raise TrainingError(
            f"--arch {arch} is {function!r}; wanted a function of a picture's shape and the number of labels"
        )
    return function


def build(arch: str, shape: tuple[int, int, int], labels: int) -> keras.Model:
    """Calls function((H, W, C), labels), which returns a Keras model from raw pixels 0–255 to scores that sum to 1.

    Raises:
        TrainingError: there is no such function, it fails, or what it returns is not such a model.
    """
    function = found(arch)
    try:
        with _apart():
            model = function(shape, labels)
    except _ANY as error:
        raise TrainingError(f"--arch {arch}: called with {shape} and {labels}, it raised {_spelled(error)}") from None
    _check(arch, model, shape, labels)
    _say_code(arch, model)
    return model


def _check(arch: str, model: keras.Model, shape: tuple[int, int, int], labels: int) -> None:
    import keras

    if not isinstance(model, keras.Model):
        raise TrainingError(f"--arch {arch} returned {type(model).__name__}; wanted a keras.Model")
    if isinstance(model, keras.Sequential) and not model.built:
        raise TrainingError(f"--arch {arch} returned a Sequential without an input; begin it with keras.Input(shape)")
    if not isinstance(getattr(model, "input_shape", None), tuple):  # neither of layers in a row nor of a graph
        raise TrainingError(
            f"--arch {arch} returned a {type(model).__name__}, a class whose code no file can hold; "
            "wanted keras.Model(inputs, outputs) or keras.Sequential"
        )
    if model.input_shape != (None, *shape) or model.output_shape != (None, labels):
        raise TrainingError(
            f"--arch {arch} takes {model.input_shape} and gives {model.output_shape}; "
            f"wanted {(None, *shape)} and {(None, labels)}"
        )
    levels = np.random.default_rng(0).uniform(0, 255, (2, *shape)).astype(np.float32)
    try:
        with _apart():
            scores = np.asarray(model.predict_on_batch(levels), np.float32)
    except _ANY as error:
        raise TrainingError(f"--arch {arch}: given two pictures, its network raised {_spelled(error)}") from None
    if not np.isfinite(scores).all():
        raise TrainingError(f"--arch {arch}: its scores are no numbers; it takes raw levels, 0 to 255")
    if not np.allclose(scores.sum(axis=1), 1, atol=1e-2) or (scores < 0).any():
        raise TrainingError(f"--arch {arch}: its scores do not sum to 1; end it with layers.Softmax()")


def _say_code(arch: str, model: keras.Model) -> None:
    """What the file will need besides itself."""
    import keras

    if code := code_of(keras.saving.serialize_keras_object(model)):
        say(
            f"warning: --arch {arch}: {code[0]}: the file will not hold that code, and of edgeship's verbs only "
            "export --allow-code loads it"
        )


def _apart() -> contextlib.redirect_stdout[TextIO]:
    """What the user's code prints is none of our answer: that is on stdout."""
    return contextlib.redirect_stdout(sys.stderr)


def _spelled(error: BaseException) -> str:
    """An error of the user's code in one line, with its place there: what a traceback is read for."""
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is ours
    users = [
        frame
        for frame in frames
        if not frame.filename.startswith("<") and not _FOREIGN & set(Path(frame.filename).parts)
    ]
    place = f" ({users[-1].filename}, line {users[-1].lineno})" if users else ""
    return f"{type(error).__name__}: {' '.join(_COLOURS.sub('', str(error)).split())[:_LONGEST]}{place}"
