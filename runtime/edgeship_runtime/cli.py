"""The command line: one script, a table of verbs, each imported when it is called.

`edgeship --help` imports neither NumPy nor any verb. Exit codes: 0 done, 1 the answer is no or an error of ours, 2 usage, 130 Ctrl-C,
143 SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import NoReturn

from edgeship_runtime.errors import EdgeshipError, MissingExtraError, Terminated, UsageError


@dataclass(frozen=True)
class Verb:
    """One verb: the module with its `add_arguments(parser)` and `run(arguments) -> exit code`, and what it needs installed.

    The module's docstring is the verb's help: first line, then text that ends with an example.
    """

    module: str
    summary: str
    needs: tuple[str, ...] = ()
    extra: str = ""
    subcommands: bool = False


VERBS = {
    "train": Verb(
        "edgeship_train.commands.train",
        "train a classifier on labelled pictures",
        ("keras", "tensorflow"),
        "workstation",
    ),
    "tune": Verb(
        "edgeship_train.commands.tune",
        "search for the training options that give the best classifier",
        ("keras", "tensorflow", "optuna"),
        "workstation,tune",
    ),
    "export": Verb(
        "edgeship_export.commands.export",
        "turn a .keras into a .tflite or .onnx",
        ("keras", "tensorflow"),
        "workstation",
    ),
    "adopt": Verb("edgeship_export.commands.adopt", "a manifest for a model that another tool trained"),
    "inspect": Verb("edgeship_export.commands.inspect", "what is in a model file, and what it needs"),
    "verify": Verb("edgeship_runtime.commands.verify", "prove that a model file computes here what it did there"),
    "evaluate": Verb("edgeship_runtime.commands.evaluate", "accuracy and confusion on labelled pictures"),
    "run": Verb("edgeship_runtime.commands.run", "classify pictures"),
    "capture": Verb(
        "edgeship_runtime.commands.capture",
        "make a dataset folder with a camera or a video",
        ("cv2",),
        "camera",
    ),
    "benchmark": Verb("edgeship_benchmarks.commands.benchmark", "accuracy against latency against size, measured here"),
    "deploy": Verb(
        "edgeship_devices.commands.deploy", "bring a model file to a board over ssh, proven there before it runs"
    ),
    "rollback": Verb("edgeship_devices.commands.rollback", "go back, on a board, to the file that ran before"),
    "service": Verb("edgeship_devices.commands.service", "keep a deployed file running on a board", subcommands=True),
    "devices": Verb(
        "edgeship_devices.commands.devices", "the boards that are known, and what they run and lack", subcommands=True
    ),
    "recommend": Verb("edgeship_benchmarks.commands.recommend", "which measured configuration to ship, and why"),
    "compare": Verb("edgeship_benchmarks.commands.compare", "did a change make it worse? two benchmarks"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file name may hold bytes that are no text
    try:
        return _dispatch(arguments)
    except SystemExit as stop:  # argparse
        return int(stop.code or 0)
    except UsageError as error:
        _complain(_shown(f"{error}", arguments))
        return 2
    except EdgeshipError as error:
        _complain(_shown(f"{error}", arguments))
        return 1
    except KeyboardInterrupt as stop:
        _complain(f"interrupted: {stop}" if str(stop) else "interrupted")
        return 143 if isinstance(stop, Terminated) else 130
    except BrokenPipeError:
        # The reader left (`edgeship run … | head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def script() -> None:
    """The console script: main, then an end without the interpreter's own.

    Taking NumPy and an engine apart object by object costs a twentieth of `edgeship run one.jpg`; the system frees it all at once.
    """
    from edgeship_runtime.terminal import have_streams

    have_streams()
    code = main()
    try:
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            os.write(2, f"edgeship: the answer could not be written: {error.strerror}\n".encode())
        code = code or 1
    with contextlib.suppress(OSError, ValueError):  # what nobody reads was no answer
        sys.stderr.flush()
    os._exit(code)


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_overview())  # noqa: T201
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        print(f"edgeship {_version()}")  # noqa: T201
        return 0
    name = arguments[0]
    if name not in VERBS:
        raise UsageError(f"no verb {name!r}{_nearest(name)}; see edgeship --help")
    verb = VERBS[name]
    if not verb.needs:
        # Nothing here multiplies matrices; starting OpenBLAS's threads would be a fifth of `edgeship run one.jpg`.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    module = importlib.import_module(verb.module)
    parser = _parser(name, module)
    parser.arguments = arguments
    # Options may stand anywhere; argparse cannot do that for parsers that have others below them.
    parse = parser.parse_args if verb.subcommands else parser.parse_intermixed_args
    options = parse(arguments[1:])
    _require(name, verb)
    from edgeship_runtime.terminal import native_output_hidden

    if options.verbose:
        return int(module.run(options))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if verb.needs:
        import logging

        logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its warnings of retracing are none of the user's
    with native_output_hidden():
        return int(module.run(options))


class _Parser(argparse.ArgumentParser):
    """argparse, whose errors repeat what was typed, passwords left out."""

    arguments: Sequence[str] = ()

    def error(self, message: str) -> NoReturn:
        super().error(_shown(message, self.arguments))


def _parser(name: str, module: ModuleType) -> _Parser:
    parser = _Parser(
        prog=f"edgeship {name}",
        description=_wrapped(module.__doc__ or ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="let TensorFlow, its converter and the engines talk"
    )
    return parser


def _wrapped(text: str) -> str:
    """A verb's help at the width of the terminal; its examples stay as they are."""
    import shutil
    import textwrap

    width = min(shutil.get_terminal_size().columns, 100)
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(item if item.startswith("Example:") else textwrap.fill(item, width) for item in paragraphs)


def _require(name: str, verb: Verb) -> None:
    from importlib.util import find_spec

    missing = [package for package in verb.needs if find_spec(package) is None]
    if missing:
        raise MissingExtraError(
            f"edgeship {name} needs {missing[0]}, which is not installed: pip install 'edgeship[{verb.extra}]'"
        )


def _overview() -> str:
    width = max(map(len, VERBS))
    lines = [f"  {name.ljust(width)}  {verb.summary}" for name, verb in VERBS.items()]
    return "\n".join(
        [
            "usage: edgeship VERB …",
            "",
            "A folder of pictures in, a proven image classifier on the edge device out, every number measured.",
            "",
            *lines,
            "",
            "edgeship VERB --help shows its options and an example.",
            "  edgeship train flowers/ --out flowers.keras",
            "  edgeship export flowers.keras --format tflite --quantize int8",
            "  edgeship run flowers.int8.tflite garden.jpg",
        ]
    )


def _version() -> str:
    from importlib.metadata import version

    return version("edgeship")


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, VERBS, 1)
    return f"; did you mean {near[0]}?" if near else ""


def _shown(text: str, arguments: Sequence[str]) -> str:
    """A message as it may be shown: what was typed in the wrong place is a URL with its password, at times."""
    from edgeship_runtime.sources.addresses import without_passwords

    return without_passwords(text, arguments)


def _complain(text: str) -> None:
    print(f"edgeship: {text}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    script()
