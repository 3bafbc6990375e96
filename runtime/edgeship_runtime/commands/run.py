"""Classify pictures.

SOURCE is a picture, a folder (with everything below it) or a quoted glob; several may be given. A picture that cannot be read is
reported and the rest go on; the exit code is then 1.

Example:
  edgeship run flowers.int8.tflite garden.jpg
  edgeship run flowers.int8.tflite photos/ --json > answers.jsonl
"""

from __future__ import annotations

import argparse

from edgeship_runtime.commands.options import add_engine, add_json, positive
from edgeship_runtime.terminal import answer, answer_json, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("model", help="a .tflite, .onnx or .keras file")
    parser.add_argument("sources", metavar="SOURCE", nargs="+", help="pictures, folders or globs")
    add_engine(parser)
    parser.add_argument("--top-k", type=positive, metavar="K", help="labels in an answer (default 1; in JSON 5)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Classifies, one line for each picture."""
    from edgeship_runtime.classifier import Classifier
    from edgeship_runtime.errors import PictureError
    from edgeship_runtime.sources import pictures

    paths = [path for source in options.sources for path in pictures(source)]
    classifier = Classifier.load(options.model, options.engine, options.threads)
    count = options.top_k or (5 if options.json else 1)
    failed = 0
    for frame, path in enumerate(paths):
        try:
            prediction = classifier.classify(path, top_k=count, frame=frame)
        except PictureError as error:
            failed += 1
            if options.json:
                answer_json({"source": str(path), "error": str(error).removeprefix(f"{path}: ")})
            else:
                say(f"edgeship: {error}")
            continue
        if options.json:
            answer_json(prediction.to_json())
        else:
            latency = prediction.latency_ms
            cost = latency.decode + latency.preprocess + latency.invoke
            answers = "  ".join(f"{item.label}  {item.score:.3f}" for item in prediction.top)
            answer(f"{answers}  {path}  {cost:.1f} ms")
    if failed and len(paths) > 1:
        say(f"edgeship: {failed} of {len(paths)} pictures could not be read")
    return 1 if failed else 0
