"""Measure a model's accuracy on labelled pictures.

DATA is a folder with a sub-folder for each label, or train/, validation/, test/ above that (then test is used), or the set
"digits". Pictures that the model was trained on are recognized by their content, left out and counted.

Example:
  edgeship evaluate flowers.int8.tflite flowers/
"""

from __future__ import annotations

import argparse

from edgeship_runtime.commands.options import add_engine, add_json
from edgeship_runtime.terminal import answer, answer_json, say, table, watched

_LISTED = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("model", help="a .tflite, .onnx or .keras file")
    parser.add_argument("data", metavar="DATA", help="labelled pictures: a folder, or digits")
    add_engine(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Evaluates. Exit code 0 also when single pictures are unreadable: they are listed."""
    from edgeship_runtime.classifier import Classifier
    from edgeship_runtime.data import open_data
    from edgeship_runtime.digests import MEMBER
    from edgeship_runtime.evaluation import evaluate

    data = open_data(options.data)
    classifier = Classifier.load(options.model, options.engine, options.threads)
    result = evaluate(classifier, data, lambda pictures: watched(pictures, "evaluate"))
    if result.part != "test" and MEMBER not in classifier.model.raw.members:
        say("note: this file does not list the pictures it was trained on; any of them among these were counted")
    for item in result.unreadable[:_LISTED]:
        say(f"left out: {item.name}: {item.error}")
    if len(result.unreadable) > _LISTED:
        say(f"left out: {len(result.unreadable) - _LISTED} more unreadable pictures")
    summary = result.to_json()
    if options.json:
        answer_json(summary)
        return 0
    rows = [("label", "precision", "recall", "F1", "pictures")]
    rows += [
        (r["label"], f"{r['precision']:.3f}", f"{r['recall']:.3f}", f"{r['f1']:.3f}", f"{r['samples']:,}")
        for r in summary["per_label"]
    ]
    answer(table(rows, right=(1, 2, 3, 4)))
    low, high = summary["interval"]
    answer(
        f"\naccuracy {result.accuracy:.4f} (95 %: {low:.4f}–{high:.4f}) on {result.samples:,} pictures ({result.part})"
    )
    if result.trained_on:
        answer(f"left out {result.trained_on:,} pictures that the model was trained on")
    worst = _worst(result.labels, summary["confusion"])
    if worst:
        answer(f"most confused: {worst}")
    return 0


def _worst(labels: tuple[str, ...], confusion: list[list[int]]) -> str:
    pairs = [(n, labels[t], labels[a]) for t, row in enumerate(confusion) for a, n in enumerate(row) if t != a and n]
    pairs.sort(key=lambda pair: -pair[0])
    return ", ".join(f"{true} taken for {answered} ({n}×)" for n, true, answered in pairs[:3])
