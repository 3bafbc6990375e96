"""Watching a stream from a test: its results, its states, and an end that comes even if nothing else does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from edgeship_runtime import Classifier
from edgeship_runtime.results import Result

_MOST_S = 60


class Watched:
    """Results of a stream, and the states of its sources."""

    def __init__(self, classifier: Classifier, *sources: str, **options: Any) -> None:
        self.states: list[tuple[str, str, str]] = []
        self._stop = threading.Event()
        self._limit = threading.Timer(_MOST_S, self._stop.set)  # a test fails rather than hangs
        self._limit.start()
        self.results = classifier.stream(
            *sources, on_state=lambda *state: self.states.append(state), stop=self._stop, **options
        )

    def until(self, wanted: Callable[[Result], bool], most: int = 2000) -> Result:
        """The first result that is wanted."""
        for _, result in zip(range(most), self.results, strict=False):
            if wanted(result):
                return result
        raise AssertionError(f"none of {most} results; states: {self.states}")

    def names(self) -> list[str]:
        return [state for _, state, _ in self.states]

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self._limit.cancel()
        self.results.close()  # type: ignore[attr-defined]
