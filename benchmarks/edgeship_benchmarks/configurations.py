"""Configurations: every way to run the files that was asked for, and those that only answer, for the parity matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeship_benchmarks.measuring.plan import Configuration
from edgeship_runtime.engines import ENGINES, default_threads


@dataclass(frozen=True)
class Ways:
    """How each model is to be run; every combination."""

    engines: tuple[str, ...]
    threads: tuple[int, ...]
    batches: tuple[int, ...]

    @classmethod
    def asked(cls, engines: Sequence[str], threads: Sequence[int] | None, batches: Sequence[int]) -> Ways:
        """Threads default to 1 and as many as a classifier would use."""
        chosen = threads or sorted({1, default_threads()})
        return cls(tuple(dict.fromkeys(engines)), tuple(dict.fromkeys(chosen)), tuple(dict.fromkeys(batches)))


def timed(formats: Sequence[str], ways: Ways) -> list[Configuration]:
    """Configurations to time. Of several engines a model is given to those that run its format; if none does, to the first.

    Args:
        formats: of each model, in the order of the plan.
        ways: what was asked for.
    """
    return [
        Configuration(model, engine, threads, batch)
        for model, form in enumerate(formats)
        for engine in _able(ways.engines, form)
        for threads in ways.threads
        for batch in ways.batches
    ]


def answering(formats: Sequence[str], ways: Ways) -> list[Configuration]:
    """Configurations that matter for answers: every engine that runs the format, XNNPACK on and off among them."""
    return [
        Configuration(model, engine, threads)
        for model, form in enumerate(formats)
        for engine, runs in ENGINES.items()
        if form in runs
        for threads in ways.threads
    ]


def _able(engines: Sequence[str], form: str) -> Sequence[str]:
    able = [engine for engine in engines if engine == "auto" or form in ENGINES.get(engine, ())]
    return able or engines[:1]
