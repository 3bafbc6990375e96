"""ONNX Runtime, on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeship_runtime.engines.numbers import Affine, real
from edgeship_runtime.engines.pixels import Pixels
from edgeship_runtime.errors import EngineError
from edgeship_runtime.model_file import ModelFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
}
_ONLY_FATAL = 4


def imported() -> Any:  # noqa: ANN401 - a module
    """The imported library; ImportError when it is not installed."""
    import onnxruntime

    return onnxruntime


def load(model: ModelFile, threads: int) -> OnnxRuntimeEngine:
    """Loads an .onnx file."""
    return OnnxRuntimeEngine(model, threads)


class OnnxRuntimeEngine:
    """An .onnx file in ONNX Runtime's CPU provider.

    Args:
        model: an opened .onnx.
        threads: for one inference.
        optimized: False computes one operator after the other, by other kernels than usual.
    """

    name = "onnxruntime"

    def __init__(self, model: ModelFile, threads: int, *, optimized: bool = True) -> None:
        runtime = imported()
        self.version, self.threads = str(runtime.__version__), threads
        self._model, self._optimized = model, optimized
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ONLY_FATAL
        if not optimized:
            options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session = runtime.InferenceSession(model.raw.model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions share no base class but Exception
            line = str(error).splitlines()[0]
            raise EngineError(f"{model.path}: onnxruntime {self.version} cannot load it: {line}") from None
        (self._input,) = self._session.get_inputs()
        self._output = self._session.get_outputs()[0].name
        if self._input.type not in _DTYPES:
            raise EngineError(f"{model.path}: its graph takes {self._input.type}; wanted one of {', '.join(_DTYPES)}")
        # ONNX Runtime tells no scale of an integer input: where there is one, adopting put it into graph_input.
        self._pixels = Pixels(_DTYPES[self._input.type], Affine(0.0, 0), model.manifest.preprocessing)
        shape, wanted = tuple(self._input.shape[1:]), self._pixels.shape
        if len(shape) != 3 or any(isinstance(a, int) and a != b for a, b in zip(shape, wanted, strict=True)):
            raise EngineError(f"{model.path}: its graph takes {shape}, its manifest says {wanted}")

    def scores(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """N×labels of N×H×W×C raw pixels."""
        values = self._pixels.array(batch)
        fixed = isinstance(self._input.shape[0], int) and len(batch) != self._input.shape[0]
        parts = np.split(values, len(values)) if fixed else [values]
        outputs = [self._session.run([self._output], {self._input.name: part})[0] for part in parts]
        return real(np.concatenate(outputs), Affine(0.0, 0)).reshape(len(batch), -1)

    def sibling(self, threads: int) -> OnnxRuntimeEngine:
        """Itself: a session may be run by several threads at the same time."""
        same = threads == self.threads
        return self if same else OnnxRuntimeEngine(self._model, threads, optimized=self._optimized)
