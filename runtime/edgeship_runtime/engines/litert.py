"""LiteRT (ai-edge-litert), the maintained successor of tflite-runtime: the default for .tflite files."""

from __future__ import annotations

from typing import Any

from edgeship_runtime.engines.interpreter import InterpreterEngine
from edgeship_runtime.model_file import ModelFile


def imported() -> Any:  # noqa: ANN401 - a module
    """The imported library; ImportError when it is not installed."""
    from ai_edge_litert import interpreter

    return interpreter


def load(model: ModelFile, threads: int) -> InterpreterEngine:
    """Loads a .tflite file."""
    import ai_edge_litert

    return InterpreterEngine("litert", str(ai_edge_litert.__version__), imported().Interpreter, model, threads)
