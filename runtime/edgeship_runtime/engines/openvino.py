"""OpenVINO, for x86-64 boxes: reads .tflite and .onnx."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeship_runtime.engines.numbers import Affine, real
from edgeship_runtime.engines.pixels import Pixels
from edgeship_runtime.errors import EngineError
from edgeship_runtime.model_file import ModelFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TELEMETRY = "openvino_telemetry"
_INT8 = Affine(1.0, -128)  # what an int8 input of ours stands for; OpenVINO does not say


def imported() -> Any:  # noqa: ANN401 - a module
    """The imported library; ImportError when it is not installed."""
    if "openvino" not in sys.modules:
        # Its converter, which comes along unasked, brings a module that reports on its use. Without that one it goes without.
        sys.modules.setdefault(_TELEMETRY, None)  # type: ignore[arg-type]  # "cannot be imported", to the import system
        try:
            import openvino
        finally:
            if sys.modules.get(_TELEMETRY, ...) is None:
                del sys.modules[_TELEMETRY]
    import openvino

    return openvino


def load(model: ModelFile, threads: int) -> OpenVinoEngine:
    """Loads a .tflite or .onnx file."""
    return OpenVinoEngine(model, threads)


class OpenVinoEngine:
    """A model compiled for this CPU, and a request of its own to run it with."""

    name = "openvino"

    def __init__(self, model: ModelFile, threads: int, compiled: Any = None) -> None:  # noqa: ANN401
        self.version, self.threads = str(imported().__version__).partition("-")[0], threads
        self._model = model
        try:
            self._compiled = _compiled(model, threads) if compiled is None else compiled
        except RuntimeError as error:
            lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("Exception from")]
            raise EngineError(
                f"{model.path}: openvino {self.version} cannot load it: {lines[0] if lines else error}"
            ) from None
        self._request = self._compiled.create_infer_request()
        dtype = np.dtype(self._compiled.input(0).get_element_type().to_dtype())
        if dtype.kind in "iu" and model.manifest.preprocessing.graph_input is not None:
            raise EngineError(
                f"{model.path}: openvino does not tell by which scale a {dtype} input is quantized; use --engine litert"
            )
        affine = _INT8 if dtype == np.int8 else Affine(0.0, 0)
        self._pixels = Pixels(dtype, affine, model.manifest.preprocessing)

    def scores(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """N×labels of N×H×W×C raw pixels, one by one: the graph is compiled for one."""
        return np.concatenate([self._scores(batch[index : index + 1]) for index in range(len(batch))])

    def sibling(self, threads: int) -> OpenVinoEngine:
        """Another request to the same compiled model, which runs as many at once as there are cores."""
        return OpenVinoEngine(self._model, threads, self._compiled if threads == self.threads else None)

    def _scores(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        self._request.infer([np.ascontiguousarray(self._pixels.array(picture))], share_inputs=True)
        return real(np.array(self._request.get_output_tensor(0).data), Affine(0.0, 0)).reshape(1, -1)


def _compiled(model: ModelFile, threads: int) -> Any:  # noqa: ANN401 - OpenVINO's
    openvino = imported()
    core = openvino.Core()
    if model.format == "onnx":
        graph = core.read_model(model.raw.model)
    else:
        with tempfile.TemporaryDirectory() as folder:  # .tflite is read from a file only; these are the checked bytes
            path = Path(folder) / "model.tflite"
            path.write_bytes(model.raw.model)
            graph = core.read_model(path)
    shape = graph.input(0).get_partial_shape()
    wanted = Pixels(np.float32, Affine(0.0, 0), model.manifest.preprocessing).shape
    sides = [str(side) for side in shape][1:]
    if len(sides) != len(wanted) or any(a not in (str(b), "?") for a, b in zip(sides, wanted, strict=True)):
        raise EngineError(f"{model.path}: its graph takes {shape}, its manifest says {wanted}")
    graph.reshape([1, *wanted])  # far faster than with a batch left open
    # On one thread each, as many inferences at once as somebody asks for; on several, one after another.
    streams = (os.cpu_count() or 1) if threads == 1 else 1
    options = {"INFERENCE_NUM_THREADS": max(threads, streams), "NUM_STREAMS": streams, "PERFORMANCE_HINT": "LATENCY"}
    return core.compile_model(graph, "CPU", options)
