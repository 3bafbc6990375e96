"""Prove that a model file computes here what it computed where it was made.

The file carries a few pictures and the answers they must give. Each stage between them (file, preprocessing, inference, answer) is
compared on its own. Exit code 1, and the stage that differs, when one does.

Example:
  edgeship verify flowers.int8.tflite
"""

from __future__ import annotations

import argparse

from edgeship_runtime.commands.options import add_engine, add_json
from edgeship_runtime.terminal import answer, answer_json, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("model", help="a .tflite, .onnx or .keras file")
    add_engine(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Verifies."""
    from edgeship_runtime.classifier import Classifier
    from edgeship_runtime.engines import open_engine
    from edgeship_runtime.golden import verify
    from edgeship_runtime.model_file import ModelFile

    model = ModelFile.open(options.model)
    classifier = Classifier(model, open_engine(model, options.engine, options.threads))
    result = verify(classifier)
    if options.json:
        answer_json({**result.to_json(), "engine": classifier.engine.name, "engine_version": classifier.engine.version})
    else:
        answer(table([(stage.name, "ok" if stage.passed else "FAILED", stage.detail) for stage in result.stages]))
        word = "verified" if result.passed else "NOT verified"
        answer(
            f"{word}: {options.model}, {result.samples} samples, {classifier.engine.name} {classifier.engine.version}"
        )
    return 0 if result.passed else 1
