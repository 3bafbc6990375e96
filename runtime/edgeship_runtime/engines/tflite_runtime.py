"""tflite-runtime 2.14, the last: for boards that LiteRT has no wheel for (armv7l)."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeship_runtime.engines.interpreter import InterpreterEngine
from edgeship_runtime.errors import EngineError
from edgeship_runtime.model_file import ModelFile


def imported() -> Any:  # noqa: ANN401 - a module
    """The imported library; ImportError when it is not installed."""
    from tflite_runtime import interpreter

    return interpreter


def load(model: ModelFile, threads: int) -> InterpreterEngine:
    """Loads a .tflite file."""
    import tflite_runtime

    release = str(tflite_runtime.__version__)
    if int(np.__version__.split(".")[0]) >= 2:
        # It imports, and then raises SystemError when an Interpreter is built: said here in words.
        raise EngineError(
            f"{model.path}: tflite-runtime {release} needs numpy < 2, here is {np.__version__}: pip install 'numpy<2'"
        )
    return InterpreterEngine("tflite-runtime", release, imported().Interpreter, model, threads)
