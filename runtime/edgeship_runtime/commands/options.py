"""Options that several verbs share, so that they read the same everywhere."""

from __future__ import annotations

import argparse


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print JSON on stdout, and nothing else there")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """--engine and --threads."""
    parser.add_argument(
        "--engine",
        default="auto",
        help="auto (default), litert, tflite-runtime, litert-builtin, onnxruntime, openvino or keras",
    )
    parser.add_argument(
        "--threads",
        type=positive,
        metavar="N",
        help="cores: for one inference, or for as many pictures side by side (default: all, for one inference 4 at most)",
    )


def add_force(parser: argparse.ArgumentParser) -> None:
    """--force."""
    parser.add_argument("--force", action="store_true", help="overwrite what exists")


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"wanted a whole number of at least 1, received {text!r}")
    return value
