"""edgeship_runtime: run a model file on any machine, without TensorFlow.

A model file (.tflite, .onnx, .keras) carries its labels, its preprocessing and samples that it must answer correctly, so nothing
has to be told twice:

    >>> from edgeship_runtime import Classifier
    >>> classifier = Classifier.load("digits.int8.tflite")
    >>> classifier.classify("seven.png").label
    '7'

Many pictures, videos, cameras and network streams are one loop:

    >>> for result in classifier.stream("camera:0", smooth_s=0.5, agree=3):
    ...     print(result.decision.label, result.age_ms)

`ModelFile` reads what a file says about itself, `Classifier` answers for pictures, `Preprocessing` is what happens to a picture
before the graph sees it; a `Result` holds a `Prediction`, which is the model's, and a `Decision`, which is to be acted on. The command
line, `edgeship`, is `cli`. docs/runtime.md has a longer example.

Importing this package imports nothing else: public names load on first use (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeship_runtime.classifier import Classifier
    from edgeship_runtime.decision import Decision
    from edgeship_runtime.errors import EdgeshipError
    from edgeship_runtime.frames import Frame
    from edgeship_runtime.manifest import Manifest
    from edgeship_runtime.model_file import ModelFile
    from edgeship_runtime.prediction import Prediction
    from edgeship_runtime.preprocessing import Preprocessing
    from edgeship_runtime.results import Result

__all__ = [
    "Classifier",
    "Decision",
    "EdgeshipError",
    "Frame",
    "Manifest",
    "ModelFile",
    "Prediction",
    "Preprocessing",
    "Result",
]

_HOMES = {
    "Classifier": "classifier",
    "Decision": "decision",
    "EdgeshipError": "errors",
    "Frame": "frames",
    "Manifest": "manifest",
    "ModelFile": "model_file",
    "Prediction": "prediction",
    "Preprocessing": "preprocessing",
    "Result": "results",
}


def __getattr__(name: str) -> object:
    """Loads a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
