"""Terminal: answers on stdout, everything else on stderr, and nothing that native libraries print of their own accord."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TextIO, TypeVar

from edgeship_runtime.record import Json

T = TypeVar("T")


def have_streams() -> None:
    """Puts /dev/null where a stream is missing (`>&-`).

    Otherwise the next file that is opened gets its number, and whatever native libraries write there.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode))


def say(text: str) -> None:
    """A line for people, on stderr, above a bar that is there; where nobody can read it (any more), the work goes on."""
    with contextlib.suppress(OSError, ValueError):
        if "tqdm" in sys.modules and sys.stderr.isatty():
            from tqdm import tqdm

            tqdm.write(text, file=sys.stderr)
            sys.stderr.flush()
        else:
            print(text, file=sys.stderr, flush=True)  # noqa: T201


def answer(text: str) -> None:
    """A line of the answer, on stdout."""
    print(text, flush=True)  # noqa: T201


def answer_json(value: Json) -> None:
    """One JSON object on one line, on stdout."""
    answer(json.dumps(value, ensure_ascii=False, allow_nan=False))


def watched(items: Sequence[T], what: str, unit: str = " pictures") -> Sequence[T]:
    """The items, with a progress bar and the time left on stderr; none where stderr is no terminal."""
    from tqdm import tqdm

    bar: Sequence[T] = tqdm(items, desc=what, unit=unit, **_bar())
    return bar


def counted_off(items: Iterable[T], unit: str) -> Iterable[T]:
    """The items, with a count and a rate on stderr; none where stderr is no terminal, or where answers are seen to come."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        return items
    from tqdm import tqdm

    bar: Iterable[T] = tqdm(items, unit=unit, **_bar())
    return bar


@contextlib.contextmanager
def steps(count: int) -> Iterator[Callable[[str], None]]:
    """A progress bar over a known number of steps: call the result with what begins. Nothing where stderr is no terminal."""
    from tqdm import tqdm

    with tqdm(total=count, bar_format="{desc} {bar} {n_fmt}/{total_fmt} [{elapsed}<{remaining}]", **_bar()) as bar:
        begun = 0

        def begin(what: str) -> None:
            nonlocal begun
            bar.set_description_str(what)
            bar.update(begun - bar.n)  # what began before is done now
            begun += 1

        yield begin


def _bar() -> dict[str, bool]:
    return {"disable": not sys.stderr.isatty(), "leave": False, "dynamic_ncols": True}


def counted(count: int, what: str) -> str:
    """A number and what is counted: "1 picture", "2,000 pictures"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """For people: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Rows as aligned columns, the first row being the heading; columns in `right` are aligned to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join(line(row) for row in rows)


@contextlib.contextmanager
def native_output_hidden() -> Iterator[None]:
    """Sends what native code writes to descriptors 1 and 2 nowhere, while Python's own streams go on working.

    TensorFlow, its converter and LiteRT log to the process's descriptors, past sys.stdout and sys.stderr.
    """
    try:
        pairs = [(stream, stream.fileno()) for stream in (sys.stdout, sys.stderr)]
    except (AttributeError, OSError, ValueError):  # streams without a descriptor: nothing native reaches them
        yield
        return
    with contextlib.ExitStack() as stack:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        stack.callback(os.close, nowhere)
        for stream, descriptor in pairs:
            if descriptor not in (1, 2):  # pytest and others have already put a file in its place
                continue
            stream.flush()
            copy = os.dup(descriptor)
            own = os.fdopen(copy, "w", encoding=stream.encoding, errors=stream.errors, buffering=1)
            os.dup2(nowhere, descriptor)
            stack.callback(_restore, own, descriptor)
            stack.enter_context(contextlib.redirect_stdout(own) if descriptor == 1 else contextlib.redirect_stderr(own))
        yield


def _restore(own: TextIO, descriptor: int) -> None:
    lost = (OSError,) if descriptor == 2 else ()  # what nobody reads on stderr was no answer
    with contextlib.suppress(*lost), own:
        os.dup2(own.fileno(), descriptor)
