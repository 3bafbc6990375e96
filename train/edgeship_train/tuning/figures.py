"""Figures: the charts of a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from edgeship_runtime.pages import INK, chart
from edgeship_train.reporting.figures import BLUE, GREEN, GREY, RED
from edgeship_train.tuning.space import Choice, Range
from edgeship_train.tuning.trials import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 5.6, 3.3  # inches; two stand side by side, and one fills a phone
_DECADE = 10  # highest to lowest: where it is less, powers of ten alone would be too few numbers
_BAR = 0.38  # inches of height for each option


def history(found: Sequence[Trial], best: Trial, objective: str) -> str:
    """The objective by trial, and the best so far."""
    return chart(_WIDTH, _HEIGHT, lambda figure: _draw_history(figure, found, best, objective))


def courses(found: Sequence[Trial], best: Trial, objective: str) -> str:
    """The objective by epoch, a line for each trial."""
    return chart(_WIDTH, _HEIGHT, lambda figure: _draw_courses(figure, found, best, objective))


def importances(shares: Mapping[str, float]) -> str:
    """How much of the objective's variance each option explains, as bars."""
    return chart(_WIDTH, 0.9 + _BAR * len(shares), lambda figure: _draw_importances(figure, shares))


def slices(name: str, option: Choice | Range, found: Sequence[Trial], best: Trial, objective: str) -> str:
    """The objective by an option's value."""
    return chart(_WIDTH, _HEIGHT, lambda figure: _draw_slice(figure, name, option, found, best, objective))


def _draw_history(figure: Figure, found: Sequence[Trial], best: Trial, objective: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes = figure.subplots()
    _points(axes, found, lambda trial: trial.number)
    complete = _with_value(found, "complete")
    leaders = accumulate((trial.value or 0.0 for trial in complete), max if objective == "accuracy" else min)
    axes.step([trial.number for trial in complete], list(leaders), where="post", color=GREEN, linewidth=1)
    failed = [trial.number for trial in found if trial.state == "failed"]
    if failed:
        low = min(trial.value or 0.0 for trial in found if trial.value is not None)
        axes.plot(failed, [low] * len(failed), "x", color=RED, label="failed")
    _ring(axes, best.number, best)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _finish(axes, "trial", objective)


def _draw_courses(figure: Figure, found: Sequence[Trial], best: Trial, objective: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes = figure.subplots()
    for trial in found:
        dots = "." if trial.epochs == 1 else ""
        color, width, style = (
            (GREEN, 2.2, "-") if trial is best else (GREY, 0.8, ":" if trial.state == "pruned" else "-")
        )
        axes.plot(list(trial.history), list(trial.history.values()), style, marker=dots, color=color, linewidth=width)
    axes.plot([], [], color=GREEN, linewidth=2.2, label=f"trial {best.number}, the best")
    if any(trial.state == "pruned" for trial in found):
        axes.plot([], [], ":", color=GREY, linewidth=0.8, label="pruned")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _finish(axes, "epoch", objective)


def _draw_importances(figure: Figure, shares: Mapping[str, float]) -> None:
    axes = figure.subplots()
    names = list(shares)[::-1]  # barh begins at the bottom
    axes.barh(names, [100 * shares[name] for name in names], color=GREEN, alpha=0.6, height=0.6)
    axes.set(xlabel="share of the variance, %", xlim=(0, 100), facecolor="none")
    axes.grid(axis="x", alpha=0.25)


def _draw_slice(
    figure: Figure, name: str, option: Choice | Range, found: Sequence[Trial], best: Trial, objective: str
) -> None:
    axes = figure.subplots()
    if isinstance(option, Choice):
        places = {value: place for place, value in enumerate(option.values)}
        _points(axes, found, lambda trial: places[trial.options[name]])
        _ring(axes, places[best.options[name]], best)
        axes.set_xticks(range(len(places)), [str(value) for value in places])
        axes.set_xlim(-0.5, len(places) - 0.5)
    else:
        _points(axes, found, lambda trial: float(trial.options[name]))
        _ring(axes, float(best.options[name]), best)
        if option.log:
            _logarithmic(axes, narrow=option.high < _DECADE * option.low)
    _finish(axes, name, objective)


def _logarithmic(axes: Axes, *, narrow: bool) -> None:
    """With numbers as they are typed: 0.001."""
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    axes.set(xscale="log")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(StrMethodFormatter("{x:g}") if narrow else NullFormatter())


def _points(axes: Axes, found: Sequence[Trial], place: Callable[[Trial], float]) -> None:
    """Complete trials as dots, pruned ones, by their last epoch, as circles."""
    for state, face, color in (("complete", BLUE, BLUE), ("pruned", "none", GREY)):
        some = _with_value(found, state)
        if some:
            values = [trial.value or 0.0 for trial in some]
            axes.scatter([place(trial) for trial in some], values, s=26, facecolor=face, edgecolor=color, label=state)


def _ring(axes: Axes, place: float, best: Trial) -> None:
    axes.plot(
        place, best.value or 0.0, "o", color=GREEN, fillstyle="none", markersize=11, label=f"best: trial {best.number}"
    )


def _with_value(found: Sequence[Trial], state: str) -> list[Trial]:
    return [trial for trial in found if trial.state == state and trial.value is not None]


def _finish(axes: Axes, what: str, objective: str) -> None:
    axes.set(xlabel=what, ylabel=f"validation {objective}", facecolor="none")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, labelcolor=INK)
