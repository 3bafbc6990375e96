"""Live: cameras and streams. The newest frame is answered; what came meanwhile is counted, not kept.

Stream (one connection)  ─  Attempt (the thread that reads it)  ─  Feed (slot, states, opened again)  ─  Hub (several)  ─  newest
"""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from edgeship_runtime.answering import answer
from edgeship_runtime.classifier import Classifier
from edgeship_runtime.decision import Decider, Decision
from edgeship_runtime.live.hub import Hub, Taken
from edgeship_runtime.results import Result
from edgeship_runtime.sources.addresses import Live

if TYPE_CHECKING:
    from edgeship_runtime.sinks.sink import State
    from edgeship_runtime.streaming import Options

_TICK_S = 0.2  # how often, without a frame, it is looked whether to stop


def newest(
    classifier: Classifier,
    sources: Sequence[Live],
    options: Options,
    decider: Decider,
    stop: threading.Event,
    on_state: Callable[[str, State, str], None],
    on_turn: Callable[[], None],
) -> Iterator[Result]:
    """Yields results, until `stop` is set: of each source the newest frame, in turns.

    Raises:
        DataError: a source cannot be opened at the start.
    """
    hub = Hub(sources, on_state, stall_s=options.stall_s, keep_trying=options.keep_trying, max_fps=options.max_fps)
    try:
        while not stop.is_set():
            on_turn()
            taken = hub.take(_TICK_S)
            if taken is not None:
                yield _result(classifier, taken, options, decider)
            del taken  # a frame is not kept while the next one is awaited, nor let go of while that one is answered
    finally:
        hub.close()


def _result(classifier: Classifier, taken: Taken, options: Options, decider: Decider) -> Result:
    frame = taken.frame
    allowed_ms = math.inf if options.max_age_ms is None else options.max_age_ms
    if taken.is_first:
        decider.forget(frame.source)
    if (frame.age_ms or 0.0) > allowed_ms:
        result = Result(frame.source, frame.index, frame=frame)
    else:
        result = answer(classifier, frame, options.top_k)
    age_ms, prediction, decision = frame.age_ms or 0.0, result.prediction, None
    if age_ms > allowed_ms and result.error is None:
        prediction, decision = None, Decision(None, None, f"{age_ms:.0f} ms old, {allowed_ms:.0f} are allowed")
    elif prediction is not None:
        decision = decider.decide(prediction.scores, frame.source, frame.arrived_s)
    return dataclasses.replace(result, prediction=prediction, decision=decision, age_ms=age_ms, dropped=taken.dropped)
