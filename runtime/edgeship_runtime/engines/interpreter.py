"""The TFLite Interpreter, as LiteRT and tflite-runtime both provide it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeship_runtime.engines.numbers import Affine, real
from edgeship_runtime.engines.pixels import Pixels
from edgeship_runtime.errors import EngineError
from edgeship_runtime.model_file import ModelFile

if TYPE_CHECKING:
    from numpy.typing import NDArray


class InterpreterEngine:
    """A .tflite file in one of the two runtimes."""

    def __init__(self, name: str, version: str, interpreter_class: Any, model: ModelFile, threads: int) -> None:  # noqa: ANN401
        self.name, self.version, self.threads = name, version, threads
        self._class, self._model = interpreter_class, model
        try:
            # The checked bytes, not the path: what was verified is what runs.
            self._interpreter = interpreter_class(model_content=model.raw.model, num_threads=threads)
            (taken,) = self._interpreter.get_input_details()
            self._pixels = Pixels(taken["dtype"], Affine(*taken["quantization"]), model.manifest.preprocessing)
            if -1 in taken["shape_signature"][1:]:  # width and height are open in the graph; the manifest says them
                self._interpreter.resize_tensor_input(taken["index"], (1, *self._pixels.shape), strict=True)
            self._allocate()
        except (ValueError, RuntimeError, SystemError) as error:
            raise EngineError(f"{model.path}: {name} {version} cannot load it: {_first_line(error)}") from None
        shape = tuple(int(side) for side in self._input["shape"][1:])
        if shape != self._pixels.shape:
            wanted = self._pixels.shape
            raise EngineError(f"{model.path}: its graph takes {shape}, its manifest says {wanted}")
        self._output_affine = Affine(*self._output["quantization"])
        self._resizable = int(self._input["shape_signature"][0]) == -1

    def scores(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """N×labels of N×H×W×C raw pixels; a graph with a fixed batch takes them one by one."""
        if len(batch) != self._input["shape"][0]:
            if not self._resizable:
                return np.concatenate([self.scores(batch[index : index + 1]) for index in range(len(batch))])
            self._interpreter.resize_tensor_input(self._input["index"], (len(batch), *self._pixels.shape), strict=True)
            self._allocate()
        # Straight into the tensor's own memory; the view must be gone before invoke.
        view = self._interpreter.tensor(self._input["index"])()
        self._pixels.write(batch, view)
        del view
        self._interpreter.invoke()
        return real(self._interpreter.get_tensor(self._output["index"]), self._output_affine).reshape(len(batch), -1)

    def sibling(self, threads: int) -> InterpreterEngine:
        """Another interpreter of the same bytes, with buffers of its own."""
        return InterpreterEngine(self.name, self.version, self._class, self._model, threads)

    def _allocate(self) -> None:
        self._interpreter.allocate_tensors()
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
