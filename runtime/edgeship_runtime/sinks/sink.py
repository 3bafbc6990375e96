"""Sink: what takes results; and the states of live sources, which sinks hear of too."""

from __future__ import annotations

from typing import Literal, Protocol

from edgeship_runtime.results import Result

State = Literal["connecting", "live", "stalled", "reconnecting"]


class Sink(Protocol):
    """Takes results, one after another, from one thread."""

    def write(self, result: Result) -> None:
        """Takes a result.

        Raises:
            OutputError: it cannot be kept; the run ends.
        """

    def state(self, source: str, state: State, detail: str) -> None:
        """Hears that a live source is in another state. Called from another thread."""

    def close(self) -> None:
        """Writes what is left, and lets go."""
