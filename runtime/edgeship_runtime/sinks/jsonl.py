"""JSON lines: an object for each result, to a file or stdout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edgeship_runtime.sinks import Writing
from edgeship_runtime.sinks.output import Output

if TYPE_CHECKING:
    from edgeship_runtime.results import Result
    from edgeship_runtime.sinks.sink import State

_TOP_K = 5


class JsonLines:
    """Everything about each result."""

    def __init__(self, name: str, writing: Writing) -> None:
        self._output = Output(name, writing)
        self._output.mend(_is_json)
        self._top_k = writing.top_k or _TOP_K

    def write(self, result: Result) -> None:
        """Writes a line."""
        self._output.line(json.dumps(result.to_json(self._top_k), ensure_ascii=False, allow_nan=False))

    def state(self, source: str, state: State, detail: str) -> None:
        """Nothing: a line is a result."""

    def close(self) -> None:
        """Closes the file."""
        self._output.close()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
