"""Figures: the charts of the training report. Names of labels are left to the page itself, which has a font for every script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgeship_runtime.pages import INK, chart
from edgeship_train.reporting.reliability import BINS, Bin, Reliability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    History = Mapping[str, Sequence[float]]

GREEN, GREY, RED, BLUE = "#0f9d76", "#8a94a3", "#d64e36", "#3b82c4"
SERIES = (GREEN, BLUE, "#c98a1b", "#8a63c9", RED, "#2aa5b8", GREY)
_WIDTH, _HEIGHT = 5.6, 3.3  # inches; two stand side by side, and one fills a phone
_MOST_DOTTED = 40  # epochs: beyond, dots merge
_STEEP = 30  # largest loss to smallest: beyond, only its logarithm shows both
_WIDE = 8  # largest side to smallest
_BELOW_ONE = 0.6  # where a logarithmic axis of pictures begins
_CELLS = 48  # of each axis, in which pictures of nearly one size share a dot


def curve(history: History, quantity: str, best_epoch: int, *, head_first: bool) -> str:
    """A quantity by epoch, training and validation, the best epoch marked."""
    return chart(_WIDTH, _HEIGHT, lambda figure: _draw_curve(figure, history, quantity, best_epoch, head_first))


def curves(histories: Mapping[str, History], quantity: str) -> str:
    """A quantity by epoch, a line for each run."""
    return chart(_WIDTH, _HEIGHT, lambda figure: _draw_curves(figure, histories, quantity))


def diagram(trust: Reliability) -> str:
    """Reliability diagram: accuracy, with its 95 % interval, by score."""
    return chart(_WIDTH, _HEIGHT, lambda figure: _draw_diagram(figure, trust))


def histogram(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> str:
    """How often each score was given, right and wrong answers."""
    return chart(_WIDTH, _HEIGHT, lambda figure: _draw_histogram(figure, confidence, right))


def sizes(found: NDArray[np.int64], width: int, height: int) -> str:
    """Width and height of pictures, N×2, and of the model's input."""
    return chart(_WIDTH, _HEIGHT, lambda figure: _draw_sizes(figure, found, width, height))


def counts(totals: NDArray[np.int64]) -> str:
    """Pictures of each label, the largest label first."""
    return chart(2 * _WIDTH, _HEIGHT, lambda figure: _draw_counts(figure, totals))


def _draw_curve(figure: Figure, history: History, quantity: str, best_epoch: int, head_first: bool) -> None:  # noqa: FBT001
    axes = figure.subplots()
    for name, color, label in ((quantity, GREY, "training"), (f"val_{quantity}", GREEN, "validation")):
        _line(axes, history[name], color, label)
    best = history[f"val_{quantity}"][best_epoch - 1]
    axes.axvline(best_epoch, color=GREEN, linewidth=0.8, linestyle=":")
    axes.plot(best_epoch, best, "o", color=GREEN, fillstyle="none", markersize=11, label=f"best epoch: {best_epoch}")
    if head_first:
        axes.axvspan(0.5, 1.5, color=BLUE, alpha=0.12, linewidth=0, label="new head only")
    _finish_by_epoch(axes, [history[quantity], history[f"val_{quantity}"]], quantity)


def _draw_curves(figure: Figure, histories: Mapping[str, History], quantity: str) -> None:
    axes = figure.subplots()
    for number, (name, history) in enumerate(histories.items()):
        _line(axes, history[quantity], SERIES[number % len(SERIES)], name)
    _finish_by_epoch(axes, [history[quantity] for history in histories.values()], quantity.removeprefix("val_"))


def _line(axes: Axes, values: Sequence[float], color: str, label: str) -> None:
    dots = "." if len(values) <= _MOST_DOTTED else ""
    axes.plot(range(1, len(values) + 1), values, linestyle="-", marker=dots, color=color, label=label)


def _finish_by_epoch(axes: Axes, lines: Sequence[Sequence[float]], quantity: str) -> None:
    from matplotlib.ticker import MaxNLocator

    longest = max(map(len, lines))
    margin = max(0.5, longest / 40)
    axes.set(xlabel="epoch", ylabel=quantity, xlim=(1 - margin, longest + margin), facecolor="none")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    every = [value for line in lines for value in line]
    if quantity == "loss" and min(every) > 0 and max(every) > _STEEP * min(every):
        axes.set(yscale="log", ylabel="loss (logarithmic)")
        _plain_numbers(axes.yaxis)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)


def _draw_diagram(figure: Figure, trust: Reliability) -> None:
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle="--", label="score = accuracy")
    most = max(one.samples for one in trust.bins)
    for one in trust.bins:
        if one.interval is not None:
            _draw_bin(axes, one, 0.1 + 0.6 * (one.samples / most) ** 0.5)
    axes.errorbar([], [], [], fmt="o", markersize=4, capsize=2, color=GREEN, label="accuracy, 95 % interval")
    axes.set(xlabel="score", ylabel="fraction of right answers", xlim=(0, 1), ylim=(0, 1.03), facecolor="none")
    axes.grid(alpha=0.25)
    figure.legend(frameon=False, loc="outside upper left", ncols=2)


def _draw_bin(axes: Axes, one: Bin, alpha: float) -> None:
    x, y = one.confidence or 0.0, one.accuracy or 0.0
    low, high = one.interval or (y, y)
    axes.bar(one.low, y, one.high - one.low, align="edge", color=GREEN, alpha=alpha, linewidth=0)
    spread = [[max(0.0, y - low)], [max(0.0, high - y)]]
    axes.errorbar(x, y, yerr=spread, fmt="o", markersize=4, capsize=2, linewidth=1, color=GREEN)


def _draw_histogram(figure: Figure, confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> None:
    axes = figure.subplots()
    edges = np.linspace(0, 1, 2 * BINS + 1)
    hits, misses = (np.histogram(confidence[chosen], edges)[0] for chosen in (right, ~right))
    axes.stairs(hits, edges, baseline=_BELOW_ONE, fill=True, color=GREEN, alpha=0.45, label="right answers")
    axes.stairs(misses, edges, baseline=_BELOW_ONE, color=RED, linewidth=1.8, label="wrong answers")
    axes.set(xlabel="score", ylabel="pictures (logarithmic)", xlim=(0, 1), yscale="log", facecolor="none")
    axes.set_ylim(bottom=_BELOW_ONE)
    _plain_numbers(axes.yaxis)
    axes.grid(alpha=0.25)
    figure.legend(frameon=False, loc="outside upper left", ncols=2)


def _draw_sizes(figure: Figure, found: NDArray[np.int64], width: int, height: int) -> None:
    axes = figure.subplots()
    cells, members = _gathered(found)
    areas = 8 + 160 * members / len(found)
    axes.scatter(cells[:, 0], cells[:, 1], areas, color=BLUE, alpha=0.55, linewidth=0, label="pictures")
    axes.plot(width, height, "s", color=GREEN, markersize=7, label=f"model input, {width}×{height}")
    axes.set(xlabel="width, pixels", ylabel="height, pixels", facecolor="none")
    axes.margins(0.08)
    if found.max() > _WIDE * min(found.min(), width, height):
        _logarithmic(axes)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)


def _gathered(found: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """One point for pictures of about one size, M×2, and how many there are at each; even so on a logarithmic axis."""
    rounded = np.round(np.log(found) * _CELLS / np.log(2 * found.max()))
    _, index, members = np.unique(rounded, axis=0, return_inverse=True, return_counts=True)
    sums = np.zeros((len(members), 2))
    np.add.at(sums, index.reshape(-1), found)
    return sums / members[:, np.newaxis], members


def _logarithmic(axes: Axes) -> None:
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        _plain_numbers(axis)


def _plain_numbers(axis: Axis) -> None:
    """On a logarithmic axis: 1, 2, 5, 10 … or, where it is long, powers of ten, and no exponents."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(10, (1, 2, 5) if high < 500 * low else (1,)))
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_formatter(NullFormatter())


def _draw_counts(figure: Figure, totals: NDArray[np.int64]) -> None:
    axes = figure.subplots()
    ordered = np.sort(totals)[::-1]
    axes.stairs(ordered, np.arange(len(ordered) + 1), fill=True, color=GREEN, alpha=0.6)
    axes.set(xlabel="labels, the largest first", ylabel="training pictures", xlim=(0, len(ordered)), facecolor="none")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
