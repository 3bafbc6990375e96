"""Text: a report's rows as words, for the terminal, Markdown and the page alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from edgeship_benchmarks.reporting.report import Report
from edgeship_benchmarks.reporting.rows import Failure, Result
from edgeship_runtime.terminal import counted, table

COLUMNS = (
    "model",
    "engine",
    "threads",
    "accuracy, %",
    "p50 ms",
    "p95 ms",
    "first ms",
    "end to end ms",
    "pictures/s",
    "size kB",
    "peak MB",
)
_CHANGED = 1.5  # times what an interval is without the machine's changes of speed
_NARROW = (0, 1, 2, 3, 4, 5, 9)  # of these, on a terminal
RIGHT = range(2, len(COLUMNS))


def cells(row: Result) -> list[str]:
    """One measured result as the columns of the table."""
    latency, whole = row.latency_ms, row.end_to_end_ms
    return [
        row.model if row.batch == 1 else f"{row.model} (batch {row.batch})",
        row.engine,
        str(row.threads),
        _accuracy(row),
        number(latency.p50) + _spread(row),
        number(latency.p95),
        number(latency.first),
        "" if whole is None else number(whole.p50),
        f"{row.throughput_per_s:,.0f}",
        f"{row.size_bytes / 1e3:,.0f}",
        f"{row.peak_rss_bytes / 1e6:,.0f}",
    ]


def results(report: Report) -> str:
    """The measured rows as a table for the terminal."""
    rows = [COLUMNS, *(cells(row) for row in report.measured)]
    narrow = [[row[column] for column in _NARROW] for row in rows]
    if not report.data.labels:
        narrow = [row[:3] + row[4:] for row in narrow]
    return table(narrow, right=range(2, len(narrow[0])))


def notes(report: Report) -> list[str]:
    """What a reader of the table has to know: precision that was not reached, runs that were disturbed, pictures left out."""
    rows = report.measured
    said = for_device(report)
    coarse = [row for row in rows if not row.precision.reached]
    said += [_not_reached(coarse, len(rows))] if coarse else []
    said += [
        f"{row.model} ({row.engine}, {_way(row)}): {len(row.crashed)} of "
        f"{len(row.crashed) + len(row.runs)} processes gave nothing: {row.crashed[0]}"
        for row in rows
        if row.crashed
    ]
    runs = [run for row in rows for run in row.runs]
    disturbed = [run for run in runs if run.disturbed]
    if disturbed:
        used = sum(run.counted for run in disturbed)
        kept = f"{used} of these are counted, for want of quieter ones" if used else "not counted"
        said.append(f"disturbed runs: {len(disturbed)} of {len(runs)}, {kept}")
    said += left_out(report)
    return said


def failures(report: Report, but: Collection[str] = ()) -> list[str]:
    """What did not run, each reason once; in which ways, where a file ran in others.

    Args:
        report: with it.
        but: reasons that were said before.
    """
    ran = {row.model for row in report.measured}
    ways: dict[tuple[str, str], list[Failure]] = {}
    for row in report.failed:
        if row.error not in but:
            ways.setdefault((row.model, row.error), []).append(row)
    several = Counter(model for model, _ in ways)
    return [
        f"{model}{_ways(rows) if model in ran or several[model] > 1 else ''}: not measured: {_without_name(error, model)}"
        for (model, error), rows in ways.items()
    ]


def _ways(rows: Sequence[Failure]) -> str:
    return f" ({'; '.join(f'{row.engine}, {_way(row)}' for row in rows)})"


def _way(row: Result | Failure) -> str:
    batch = "" if row.batch == 1 else f", batch {row.batch}"
    return f"{counted(row.threads, 'thread')}{batch}"


def _without_name(error: str, model: str) -> str:
    """Most errors begin with the file's name, which stands before them already; a library's may have several lines."""
    return " ".join(error.removeprefix(f"{model}: ").split())


def for_device(report: Report) -> list[str]:
    """Where what was measured is not what the board does that the files are for."""
    device = report.device
    if device is None:
        return []
    said = []
    if not device.here and report.measured:
        said.append(
            f"latency and memory are this machine's, not those of {device.name}: measure there with --on ssh://…"
        )
    lost = {row.engine for row in report.failed} & set(device.engines)
    said += [f"{device.name} runs files in {engine}; --engine names another to measure" for engine in sorted(lost)]
    measured = {(row.engine, row.engine_version) for row in report.measured}
    for engine, version in sorted(measured):
        there = device.engines.get(engine.removesuffix("-builtin"))
        if there is None:
            said.append(f"{device.name} has no {engine}; it has {', '.join(device.engines)}")
        elif there != version:
            said.append(f"measured with {engine} {version}; {device.name} has {there}")
    return said


def _not_reached(coarse: Sequence[Result], of: int) -> str:
    asked = f"{100 * coarse[0].precision.asked:g} %"
    said = f"precision {asked} not reached in {len(coarse)} of {counted(of, 'configuration')}"
    known = [(one.half_width, one.relative) for row in coarse if (one := row.precision).half_width and one.relative]
    if not known:
        return f"{said}: fewer than 5 processes give no interval"
    in_ms, relative = (max(widths) for widths in zip(*known, strict=True))
    if relative > in_ms:
        return f"{said}; against the reference the widest is ± {100 * relative:.1f} %"
    said += f"; the widest is ± {100 * in_ms:.1f} %"
    if in_ms < _CHANGED * relative:
        return said
    return (
        f"{said}, because the machine changed its speed; against each other they are known to ± {100 * relative:.1f} %"
    )


def left_out(report: Report) -> list[str]:
    """Pictures that were not measured on, and why."""
    data, said = report.data, []
    if data.trained_on:
        said.append(f"left out {counted(data.trained_on, 'picture')} that a model was trained on")
    if data.unreadable:
        first = data.unreadable[0]
        more = f", and {len(data.unreadable) - 1} more" if len(data.unreadable) > 1 else ""
        said.append(f"left out, unreadable: {first.name} ({first.error}){more}")
    return said


def machine(report: Report) -> str:
    """The machine and the data, in a line."""
    where, data = report.environment, report.data
    board = f"{where.board}, " if where.board else ""
    pictures = f"{data.name} ({data.part}), {counted(data.samples, 'picture')}"
    meant = f"for {report.device.title}, measured on " if report.device else ""
    return (
        f"{meant}{board}{where.cpu}, {counted(where.cores, 'core')}, {where.system}, Python {where.python}; {pictures}"
    )


def at_least(least: int, most: int) -> str:
    """Two counts in words: 5, or 5 to 15."""
    return str(least) if least == most else f"{least} to {most}"


def number(value: float) -> str:
    """Milliseconds with three significant digits, never as an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def percent(value: float, digits: int = 1) -> str:
    """A fraction as percent."""
    return f"{100 * value:.{digits}f}"


def _accuracy(row: Result) -> str:
    if row.accuracy is None or row.accuracy_interval is None:
        return "–"
    low, high = row.accuracy_interval
    return f"{percent(row.accuracy)} ({percent(low)}–{percent(high)})"


def _spread(row: Result) -> str:
    width = row.precision.half_width
    return "" if width is None else f" ± {100 * width:.1f} %"
