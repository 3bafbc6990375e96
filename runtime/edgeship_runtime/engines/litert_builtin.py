"""LiteRT's built-in kernels, without XNNPACK: slower, and what shows whether an answer hangs on the kernels that computed it."""

from __future__ import annotations

import functools

from edgeship_runtime.engines.interpreter import InterpreterEngine
from edgeship_runtime.engines.litert import imported
from edgeship_runtime.model_file import ModelFile

__all__ = ["imported", "load"]


def load(model: ModelFile, threads: int) -> InterpreterEngine:
    """Loads a .tflite file."""
    import ai_edge_litert

    library = imported()
    plain = library.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = functools.partial(library.Interpreter, experimental_op_resolver_type=plain)
    return InterpreterEngine("litert-builtin", str(ai_edge_litert.__version__), interpreter, model, threads)
