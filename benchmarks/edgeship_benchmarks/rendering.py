"""Rendering: a report as one self-contained page, and as Markdown for a pull request. On the workstation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeship_runtime.pages import INK, chart, render
from edgeship_runtime.record import Json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLORS = {"float32": "#3b82c4", "float16": "#8a63c9", "dynamic": "#c98a1b", "int8": "#0f9d76"}
_COLUMNS = (
    "model",
    "engine",
    "threads",
    "accuracy",
    "p50 ms",
    "p95 ms",
    "first ms",
    "pictures/s",
    "size kB",
    "peak MB",
)


def markdown(report: Json) -> str:
    """The table and the machine."""
    lines = ["| " + " | ".join(_COLUMNS) + " |", "|---|---|" + "--:|" * (len(_COLUMNS) - 2)]
    for row in report["results"]:
        if "error" in row:
            lines.append(
                f"| {row['model']} | {row['engine']} | {row['threads']} | {_escaped(row['error'])} |"
                + " |" * (len(_COLUMNS) - 4)
            )
        else:
            lines.append("| " + " | ".join(cells(row)) + " |")
    return "\n".join([*lines, "", machine(report), ""])


def cells(row: Json) -> list[str]:
    """One measured result as the columns of the table."""
    latency = row["latency_ms"]
    name = row["model"] if row["batch"] == 1 else f"{row['model']} (batch {row['batch']})"
    return [
        name,
        f"{row['engine']} {row['engine_version']}",
        str(row["threads"]),
        f"{row['accuracy']:.4f}",
        f"{latency['p50']:.3g}",
        f"{latency['p95']:.3g}",
        f"{latency['first']:.3g}",
        f"{row['throughput_per_s']:,.0f}",
        f"{row['size_bytes'] / 1e3:,.0f}",
        f"{row['peak_rss_bytes'] / 1e6:,.0f}",
    ]


def machine(report: Json) -> str:
    """The machine and the data, in a line."""
    where, data = report["environment"], report["data"]
    counts = {row["samples"] for row in report["results"] if "samples" in row}
    pictures = f"{data['name']} ({data['part']}), {' / '.join(f'{count:,}' for count in sorted(counts))} pictures"
    board = f"{where['board']}, " if where["board"] else ""
    return f"{board}{where['cpu']}, {where['cores']} cores, {where['system']}, Python {where['python']}; {pictures}"


def page(report: Json) -> str:
    """The HTML page.

    Raises:
        MissingExtraError: the workstation extra is not installed.
    """
    measured = [row for row in report["results"] if "error" not in row]
    return render(
        "edgeship_benchmarks",
        "report.html",
        report=report,
        columns=_COLUMNS,
        measured=[(row, cells(row)) for row in measured],
        failed=[row for row in report["results"] if "error" in row],
        machine=machine(report),
        chart=chart(9, 4.6, lambda figure: _draw_pareto(figure, measured)) if measured else "",
    )


def _draw_pareto(figure: Figure, rows: list[Json]) -> None:
    """Accuracy against latency, the area of a point being the file's size and its number that of the row in the table."""
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    axes = figure.subplots()
    axes.set(xlabel="latency p50, ms", ylabel="accuracy, % (bars: 95 %)", xscale="log", facecolor="none")
    largest = max(row["size_bytes"] for row in rows)
    latencies = [row["latency_ms"]["p50"] for row in rows]
    # before anything is drawn: Matplotlib's own limits of a logarithmic axis with one point can have no width
    axes.set_xlim(min(latencies) / 1.4, max(latencies) * 1.4)
    by_latency = sorted(range(len(rows)), key=lambda index: float(rows[index]["latency_ms"]["p50"]))
    for place, index in enumerate(by_latency):
        row = rows[index]
        x, y = row["latency_ms"]["p50"], 100 * row["accuracy"]
        low, high = (100 * bound for bound in row["accuracy_interval"])
        color = _COLORS.get(row["quantization"], INK)
        axes.errorbar(x, y, yerr=[[y - low], [high - y]], color=color, alpha=0.3, capsize=3, linewidth=1)
        axes.scatter(x, y, s=40 + 360 * row["size_bytes"] / largest, color=color, alpha=0.75)
        above = 13 + 11 * (place % 3)  # neighbours at three heights: their numbers stay apart
        axes.annotate(str(index + 1), (x, y), xytext=(0, above), textcoords="offset points", ha="center", weight="bold")
    for scheme in dict.fromkeys(row["quantization"] for row in rows):
        axes.scatter([], [], s=60, color=_COLORS.get(scheme, INK), label=scheme)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=4)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    span = max(latencies) / min(latencies)
    axes.xaxis.set_minor_formatter(StrMethodFormatter("{x:g}") if span < 10 else NullFormatter())
    axes.margins(y=0.15)
    axes.grid(alpha=0.25)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
