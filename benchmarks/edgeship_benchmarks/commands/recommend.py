"""Which configuration to ship: the fastest that fits and is, as far as the pictures can tell, as accurate as the best that fits.

Prints every configuration, those of the Pareto set marked (none is better in accuracy, latency or size without being worse in
another), then the pick with its reasons. Exit code 1 when nothing fits; then with what comes nearest. With --page it also draws the
report's page: on a workstation, of a report.json that a board without the workstation extra made.

Example:
  edgeship recommend report/report.json --max-latency-ms 20 --min-accuracy 85% --max-size-kb 4000
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgeship_runtime.commands.options import add_force, add_json
from edgeship_runtime.terminal import answer, answer_json, say, table

if TYPE_CHECKING:
    from edgeship_benchmarks.reporting.recommending import Choice, Recommendation
    from edgeship_runtime.record import Json

_QUANTILES = ("p50", "p90", "p95", "p99")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("report", metavar="REPORT", help="report.json of edgeship benchmark, or its folder")
    parser.add_argument("--max-latency-ms", type=_above_zero, metavar="MS", help="of one inference")
    parser.add_argument(
        "--quantile",
        choices=_QUANTILES,
        default="p50",
        help="of the latency that --max-latency-ms is about (default p50)",
    )
    parser.add_argument("--min-accuracy", type=_share, metavar="A", help="as a fraction or in percent: 0.85 or 85%%")
    parser.add_argument("--max-size-kb", type=_above_zero, metavar="KB", help="of the file, 1,000 bytes each")
    parser.add_argument("--max-memory-mb", type=_above_zero, metavar="MB", help="peak memory, 1,000,000 bytes each")
    parser.add_argument("--page", metavar="FILE.html", help="also write the report's page, as benchmark does here")
    add_force(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Recommends. Exit code 1 when nothing fits."""
    from pathlib import Path

    from edgeship_benchmarks.reporting import text
    from edgeship_benchmarks.reporting.recommending import Wanted, recommend
    from edgeship_benchmarks.reporting.report import read_report
    from edgeship_runtime import files

    wanted = Wanted(
        options.max_latency_ms, options.quantile, options.min_accuracy, options.max_size_kb, options.max_memory_mb
    )
    if options.page:
        files.refuse_existing(Path(options.page), force=options.force)
    report = read_report(Path(options.report))
    if options.page:
        from edgeship_benchmarks.reporting.page import page

        files.write(Path(options.page), page(report).encode(errors="backslashreplace"), force=options.force)
    result = recommend(report, wanted)
    if options.json:
        answer_json(_json(result))
    else:
        _show(result)
        for line in (*text.for_device(report), *text.failures(report)):
            say(line)
    return 0 if result.pick else 1


def _show(result: Recommendation) -> None:
    from edgeship_benchmarks.reporting.text import number, percent

    batches = any(choice.row.batch > 1 for choice in result.choices)
    by_picture = ("ms a picture",) if batches else ()
    rows: list[tuple[str, ...]] = [
        ("", "configuration", "accuracy, %", "p50 ms", *by_picture, "size kB", "peak MB", "")
    ]
    for choice in result.choices:
        row = choice.row
        accuracy = "–" if row.accuracy is None else percent(row.accuracy)
        numbers = (
            accuracy,
            number(row.latency_ms.p50),
            *((number(row.picture_ms),) if batches else ()),
            f"{row.size_bytes / 1e3:,.0f}",
            f"{row.peak_rss_bytes / 1e6:,.0f}",
        )
        rows.append(("Pareto" if choice.on_front else "", choice.name, *numbers, "; ".join(choice.fails)))
    answer(table(rows, right=range(2, len(rows[0]) - 1)))
    if result.pick:
        answer(f"\nship {result.pick.name}")
        for reason in result.reasons:
            answer(f"- {reason}")
    elif result.nearest:
        answer(f"\nnothing fits; nearest is {result.nearest.name}: {'; '.join(result.nearest.fails)}")


def _json(result: Recommendation) -> Json:
    def brief(choice: Choice | None) -> Json:
        if choice is None:
            return None
        row = choice.row
        return {
            "model": row.model,
            "engine": row.engine,
            "threads": row.threads,
            "batch": row.batch,
            "accuracy": row.accuracy,
            "p50_ms": row.latency_ms.p50,
            "size_bytes": row.size_bytes,
            "peak_rss_bytes": row.peak_rss_bytes,
            "pareto": choice.on_front,
            "fails": list(choice.fails),
        }

    return {
        "pick": brief(result.pick),
        "reasons": list(result.reasons),
        "nearest": brief(result.nearest),
        "configurations": [brief(choice) for choice in result.choices],
    }


def _above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"wanted a number above 0, received {text!r}")
    return value


def _share(text: str) -> float:
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"wanted a fraction or a percentage, such as 0.85 or 85%, received {text!r}")
    return value
