"""Did this change make it worse? Two reports of edgeship benchmark, configuration by configuration.

Accuracy is compared picture by picture (exact McNemar test), latency process by process (Yuen's test; the drift of the machine between
the two is taken out), and both are corrected for the number of configurations (Holm). Something is worse when it is significant and
above the limit: 2.5 % of the median latency, 0.5 points of accuracy. A file that no longer runs is worse, too, and so is one
that is not measured any more. Reports of different machines or pictures are refused.

Example:
  edgeship compare main/report.json branch/report.json
  edgeship compare main/report.json branch/report.json --fail-on latency:5%,accuracy:1 --format markdown
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_json
from edgeship_runtime.terminal import answer, answer_json

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIMITS = {"latency": 2.5, "accuracy": 0.5}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("old", metavar="OLD", help="report.json, or its folder, before the change")
    parser.add_argument("new", metavar="NEW", help="the same after it")
    parser.add_argument(
        "--fail-on",
        type=_limits,
        default=_LIMITS,
        metavar="WHAT:N,…",
        help="what is judged, and what is too much: latency in %%, accuracy in points (default latency:2.5%%,accuracy:0.5)",
    )
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="also of different machines (latency is not judged) or pictures (those in both), or where some are gone",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Compares. Exit code 1 when something became worse."""
    from pathlib import Path

    from edgeship_benchmarks.reporting import changes
    from edgeship_benchmarks.reporting.comparing import Limits, compare
    from edgeship_benchmarks.reporting.report import read_report
    from edgeship_runtime import record

    limits = Limits(*(None if (most := options.fail_on.get(name)) is None else most / 100 for name in _LIMITS))
    old, new = read_report(Path(options.old)), read_report(Path(options.new))
    comparison = compare(old, new, limits, anyway=options.anyway)
    if options.json or options.format == "json":
        answer_json({"regressed": comparison.regressed, **record.to_json(comparison)})
    else:
        answer(changes.markdown(comparison) if options.format == "markdown" else changes.text(comparison))
    return 1 if comparison.regressed else 0


def _limits(text: str) -> Mapping[str, float]:
    limits = {}
    for piece in text.split(","):
        name, _, value = piece.partition(":")
        try:
            number = float(value.removesuffix("%"))
        except ValueError:
            number = -1.0
        if name not in _LIMITS or not 0 <= number <= 1000:
            raise argparse.ArgumentTypeError(
                f"wanted latency:PERCENT or accuracy:POINTS, such as latency:5%, received {piece!r}"
            )
        limits[name] = number
    return limits
