"""Converting: what a format's module gives back for a Keras model. One module each: `tflite`, `onnx`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgeship_devices import Device
from edgeship_runtime.errors import ExportError
from edgeship_runtime.manifest import Quantization
from edgeship_runtime.preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras

# From model inputs, uint8 1×H×W×C, to scores 1×labels.
Scores: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Converted:
    """A model in another format.

    Attributes:
        model: the bytes.
        float_model: the same without quantization, for comparing speed; None where nothing was quantized.
        route: the converter, for people: "tensorflow", "keras" or "tf2onnx".
        cures: what was done otherwise than usual for the board it is for, and why; a sentence each.
    """

    model: bytes
    float_model: bytes | None
    route: str
    cures: tuple[str, ...] = ()


class Format(Protocol):
    """What a format's module provides."""

    def convert(
        self,
        network: keras.Model,
        quantization: Quantization,
        preprocessing: Preprocessing,
        calibration: NDArray[np.uint8] | None,
        device: Device | None = None,
    ) -> Converted:
        """Converts a model.

        Args:
            network: raw pixels N×H×W×C float32 in, scores N×labels out.
            quantization: what to make of it.
            preprocessing: for the format's own metadata.
            calibration: training pictures, uint8 N×H×W×C; needed for int8.
            device: the board it is for; its known cures are applied.

        Raises:
            ExportError: the format cannot express a layer, or not in this quantization.
        """


def needed(calibration: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """The calibration pictures, where int8 cannot do without."""
    if calibration is None:
        raise ExportError("int8 needs calibration pictures")
    return calibration
