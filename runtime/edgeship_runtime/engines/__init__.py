"""Engines: what computes scores from pixels. One file each; adding an engine adds a file and a line here."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edgeship_runtime.errors import EngineError, NotInstalledError
from edgeship_runtime.model_file import ModelFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

# name → formats it runs. In this order `auto` tries them.
ENGINES: dict[str, tuple[str, ...]] = {
    "litert": ("tflite",),
    "tflite-runtime": ("tflite",),
    "onnxruntime": ("onnx",),
    "openvino": ("tflite", "onnx"),
    "litert-builtin": ("tflite",),
    "keras": ("keras",),
}
INSTALL = {
    "litert": "pip install ai-edge-litert",
    "tflite-runtime": "pip install tflite-runtime 'numpy<2'",
    "litert-builtin": "pip install ai-edge-litert",
    "onnxruntime": "pip install 'edgeship[onnx]'",
    "openvino": "pip install 'edgeship[openvino]'",
    "keras": "pip install 'edgeship[workstation]'",
}
MOST_THREADS = 4  # classifiers of this size stop gaining beyond; `--threads` says otherwise


class Engine(Protocol):
    """A model loaded for inference.

    Attributes:
        name: as in ENGINES.
        version: of the library.
        threads: it computes with.
    """

    name: str
    version: str
    threads: int

    def scores(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores N×labels of a batch of model inputs N×H×W×C, raw pixels.

        The file's own scale and zero point turn pixels into what the graph takes, and its output into scores.
        """

    def sibling(self, threads: int) -> Engine:
        """An engine of the same model that another thread may use at the same time; itself, where it is made for several."""


def default_threads() -> int:
    """As many as this process may use, up to MOST_THREADS."""
    return max(
        1, min(MOST_THREADS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    )


def open_engine(model: ModelFile, name: str = "auto", threads: int | None = None) -> Engine:
    """Loads a model file.

    Args:
        model: an opened model file.
        name: one of ENGINES, or "auto": the first that is installed and runs this format, right or wrong (`choosing.choose` sees to
            that).
        threads: for one inference; default_threads() when None.

    Raises:
        NotInstalledError: it is not installed.
        EngineError: it is unknown, runs other formats, or refuses the file.
    """
    return engine_loader(model, name)(model, threads or default_threads())


def engine_loader(model: ModelFile, name: str = "auto") -> Callable[[ModelFile, int], Engine]:
    """What loads this model file with so many threads: the engine's library is imported, the file not touched yet.

    Raises:
        NotInstalledError: it is not installed.
        EngineError: it is unknown, or runs other formats.
    """
    if name == "auto":
        return _first(model)
    if name not in ENGINES:
        raise EngineError(f"unknown engine {name!r}; known: auto, {', '.join(ENGINES)}")
    if model.format not in ENGINES[name]:
        able = " or ".join(engine for engine, formats in ENGINES.items() if model.format in formats)
        raise EngineError(f"{model.path}: {name} does not run .{model.format} files; use --engine {able}")
    try:
        return _load(name)
    except ImportError as error:
        raise NotInstalledError(f"{model.path}: engine {name} is not installed ({error}): {INSTALL[name]}") from None
    except Exception as error:  # it is installed, and its parts do not fit: another NumPy, a missing instruction
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        raise EngineError(f"{model.path}: engine {name} cannot be imported ({why}): {INSTALL[name]}") from None


def _first(model: ModelFile) -> Callable[[ModelFile, int], Engine]:
    able = [engine for engine, formats in ENGINES.items() if model.format in formats]
    for engine in able:
        try:
            return _load(engine)
        except Exception:  # noqa: S112 - see engine_loader; by its name one is told why
            continue
    raise NotInstalledError(f"{model.path}: no engine here runs .{model.format} files: {INSTALL[able[0]]}")


def _load(name: str) -> Callable[[ModelFile, int], Engine]:
    """The engine's `load`, its library imported."""
    module = importlib.import_module(f"edgeship_runtime.engines.{name.replace('-', '_')}")
    module.imported()
    load: Callable[[ModelFile, int], Engine] = module.load
    return load
