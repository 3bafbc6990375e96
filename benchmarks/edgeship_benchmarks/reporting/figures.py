"""Figures: the charts of a report. A number in a chart is that of the row in the table, and so is its colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeship_benchmarks.reporting.report import Report
from edgeship_benchmarks.reporting.rows import ProcessRun, Result
from edgeship_runtime.pages import INK, chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

COLORS = ("#0f9d76", "#3b82c4", "#c98a1b", "#8a63c9", "#d64e36", "#2aa5b8", "#8a94a3", "#b0558f")
_WIDTH = 5.6  # inches; two stand side by side, and one fills a phone


def color(number: int) -> str:
    """Of a row, by its number in the table, from 0."""
    return COLORS[number % len(COLORS)]


def pareto(rows: Sequence[Result], front: Sequence[bool]) -> str:
    """Accuracy against latency, with their intervals; those of the front are connected."""
    return chart(2 * _WIDTH, 4.4, lambda figure: _draw_pareto(figure, rows, front))


def distributions(rows: Sequence[Result]) -> str:
    """Latency of each row: 1 to 99 %, the middle half, the median, p95."""
    return chart(_WIDTH, 1.0 + 0.32 * len(rows), lambda figure: _draw_distributions(figure, rows))


def over_time(report: Report) -> str:
    """The median of each process, as it came, against its row's; the reference's beside it; temperature where it is known."""
    runs = [run for row in report.measured for run in row.runs]
    warm = any(run.temperature_c is not None for run in runs)
    return chart(_WIDTH, 4.6 if warm else 3.2, lambda figure: _draw_over_time(figure, report, runs, warm=warm))


def by_board(points: Sequence[tuple[str, int, Result]], boards: Sequence[str]) -> str:
    """Median latency with its interval, a line for each board.

    Args:
        points: board, number of the configuration for its colour, and what was measured.
        boards: from top to bottom.
    """
    return chart(2 * _WIDTH, 1.0 + 0.4 * len(boards), lambda figure: _draw_by_board(figure, points, boards))


def _draw_by_board(figure: Figure, points: Sequence[tuple[str, int, Result]], boards: Sequence[str]) -> None:
    axes = figure.subplots()
    for board, number, row in points:
        place, middle = len(boards) - boards.index(board), row.latency_ms.p50
        low, high = row.latency_ms.p50_interval or (middle, middle)
        axes.plot([low, high], [place, place], color=color(number), linewidth=5, alpha=0.4)
        axes.plot(middle, place, "o", color=color(number), markersize=7)
    latencies = [row.latency_ms.p50 for _, _, row in points]
    axes.set(xlabel="latency p50, ms", xscale="log", facecolor="none", ylim=(0.3, len(boards) + 0.7))
    axes.set_xlim(min(latencies) / 1.4, max(latencies) * 1.4)
    axes.set_yticks(range(1, len(boards) + 1), boards[::-1])
    _plain_numbers(axes.xaxis, min(latencies), max(latencies))
    axes.grid(alpha=0.25)


def _draw_pareto(figure: Figure, rows: Sequence[Result], front: Sequence[bool]) -> None:
    axes = figure.subplots()
    batches = any(row.batch > 1 for row in rows)
    axes.set(
        xlabel=f"latency p50{', for each picture' if batches else ''}, ms",
        ylabel="accuracy, %",
        xscale="log",
        facecolor="none",
    )
    latencies = [row.picture_ms for row in rows]
    # before anything is drawn: Matplotlib's own limits of a logarithmic axis with one point can have no width
    ends = [end / row.batch for row in rows for end in row.latency_ms.p50_interval or (row.latency_ms.p50,)]
    limits = min(*ends, *latencies) / 1.3, max(*ends, *latencies) * 1.3
    axes.set_xlim(limits)
    best = sorted(
        (row.picture_ms, 100 * (row.accuracy or 0)) for row, is_best in zip(rows, front, strict=True) if is_best
    )
    axes.plot(*zip(*best, strict=True), color=INK, linewidth=0.9, linestyle="--", zorder=0)
    for number, above in enumerate(_heights([(row.picture_ms, row.accuracy or 0.0) for row in rows], limits)):
        _draw_point(axes, rows[number], number, above)
    _plain_numbers(axes.xaxis, min(latencies), max(latencies))
    axes.margins(y=0.15)
    axes.grid(alpha=0.25)


def _heights(points: Sequence[tuple[float, float]], limits: tuple[float, float]) -> list[int]:
    """How far above each point its number stands, in points of type, so that no two numbers lie over each other."""
    width, height = 72 * 2 * _WIDTH * 0.9, 72 * 4.4 * 0.55  # what the axes about leave to the points themselves
    left, right = limits
    low, high = min(y for _, y in points), max(y for _, y in points)
    taken: list[tuple[float, float]] = []
    heights = []
    for x, y in points:
        across = width * math.log(x / left) / math.log(right / left)
        base = height * (y - low) / (high - low) if high > low else 0.0
        free = (
            above
            for above in range(12, 12 + 11 * len(points), 11)
            if all(abs(across - one) > 17 or abs(base + above - other) > 10 for one, other in taken)
        )
        heights.append(next(free, 12))
        taken.append((across, base + heights[-1]))
    return heights


def _draw_point(axes: Axes, row: Result, number: int, above: int) -> None:
    x, y = row.picture_ms, 100 * (row.accuracy or 0)
    left, right = (end / row.batch for end in row.latency_ms.p50_interval or (row.latency_ms.p50,) * 2)
    low, high = (100 * end for end in row.accuracy_interval or (y / 100, y / 100))
    spread = {
        "xerr": [[max(0.0, x - left)], [max(0.0, right - x)]],
        "yerr": [[max(0.0, y - low)], [max(0.0, high - y)]],
    }
    axes.errorbar(x, y, **spread, color=color(number), alpha=0.45, capsize=2, linewidth=1)  # type: ignore[arg-type]
    axes.scatter(x, y, s=70, color=color(number), zorder=3)
    axes.annotate(str(number + 1), (x, y), xytext=(0, above), textcoords="offset points", ha="center", weight="bold")


def _draw_distributions(figure: Figure, rows: Sequence[Result]) -> None:
    axes = figure.subplots()
    for number, row in enumerate(rows):
        at, latency = row.latency_ms.distribution, row.latency_ms
        place = len(rows) - number
        axes.plot([at[1], at[99]], [place, place], color=color(number), linewidth=1, alpha=0.8)
        axes.plot([at[25], at[75]], [place, place], color=color(number), linewidth=9, alpha=0.45, solid_capstyle="butt")
        axes.plot(latency.p50, place, "o", color=color(number), markersize=5)
        axes.plot(latency.p95, place, "|", color=color(number), markersize=11)
    lowest, highest = (pick(row.latency_ms.distribution[end] for row in rows) for pick, end in ((min, 1), (max, 99)))
    axes.set(xlabel="latency, ms", xscale="log", facecolor="none", ylim=(0.3, len(rows) + 0.7))
    axes.set_xlim(lowest / 1.05, highest * 1.05)
    axes.set_yticks(range(1, len(rows) + 1), [str(len(rows) - place) for place in range(len(rows))])
    _plain_numbers(axes.xaxis, lowest, highest)
    axes.grid(alpha=0.25, axis="x")


def _draw_over_time(figure: Figure, report: Report, runs: Sequence[ProcessRun], *, warm: bool) -> None:
    above, *below = figure.subplots(
        2 if warm else 1, sharex=True, squeeze=False, height_ratios=[2, 1] if warm else [1]
    ).flat
    ordered = sorted(runs, key=lambda run: run.at_s)
    speed_ms = report.reference.ms or 1.0
    drift = [100 * (run.reference_ms / speed_ms - 1) for run in ordered]
    above.plot([run.at_s for run in ordered], drift, color=INK, linewidth=0.9, label="reference")
    for number, row in enumerate(report.measured):
        for run in row.runs:
            fill = color(number) if not run.disturbed else "none"
            deviation = 100 * (run.p50_ms / row.latency_ms.p50 - 1)
            above.scatter(run.at_s, deviation, s=16, facecolors=fill, edgecolors=color(number), linewidths=1)
    above.set(ylabel="median, against the row's, %", facecolor="none")
    above.legend(frameon=False, loc="best")
    for axes in below:
        known = [run for run in ordered if run.temperature_c is not None]
        axes.plot([run.at_s for run in known], [run.temperature_c for run in known], color=COLORS[4], linewidth=1.2)
        axes.set(ylabel="°C", facecolor="none")
    for axes in (above, *below):
        axes.grid(alpha=0.25)
    (below or [above])[-1].set_xlabel("seconds since the first block")


def _plain_numbers(axis: Axis, low: float, high: float) -> None:
    """On a logarithmic axis: numbers without exponents, also between powers of ten where these are few."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    steps = (
        (1.0,) if high > 500 * low else (1.0, 2.0, 5.0) if high > 8 * low else (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
    )
    axis.set_major_locator(LogLocator(10, steps))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())
