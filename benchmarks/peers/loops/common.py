"""What every loop here does around its tool: read the arguments, time each picture, print JSON. Standard library only."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

Classify = Callable[
    [str], tuple[str, float]
]  # a picture's path → label, and milliseconds of the inference alone (-1: not told)


def arguments() -> tuple[str, list[str], list[str]]:
    """MODEL, labels and pictures: the command line names the model, a file of labels and a file of paths."""
    model, labels, pictures = sys.argv[1:]
    return model, Path(labels).read_text().splitlines(), Path(pictures).read_text().splitlines()


def loop(classify: Classify, pictures: list[str], version: str) -> None:
    """Classifies each picture; the first, which warms everything up, is done again at the end."""
    first, _ = classify(pictures[0])
    done = time.clock_gettime(time.CLOCK_MONOTONIC)
    answers, whole, invoke = [], [], []
    for picture in [*pictures[1:], pictures[0]]:
        began = time.perf_counter()
        label, invoke_ms = classify(picture)
        whole.append((time.perf_counter() - began) * 1e3)
        answers.append(label)
        invoke.append(invoke_ms)
    answers = [answers[-1], *answers[:-1]]
    assert answers[0] == first
    print(
        json.dumps({"version": version, "answers": answers, "whole_ms": whole, "invoke_ms": invoke, "first_at": done})
    )
