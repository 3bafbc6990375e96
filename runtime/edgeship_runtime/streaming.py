"""Streaming: results from any sources. First what ends, in order, nothing left out; then what is live, always the newest frame."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from edgeship_runtime.answering import answers, items, paced
from edgeship_runtime.decision import Decider, Decision, Rules
from edgeship_runtime.errors import DataError
from edgeship_runtime.results import Result

if TYPE_CHECKING:
    from edgeship_runtime.classifier import Classifier
    from edgeship_runtime.sinks.sink import State
    from edgeship_runtime.sources import Ending, Source
    from edgeship_runtime.sources.addresses import Live

OnState = Callable[[str, "State", str], None]  # source, state, detail; called from another thread


class Options(NamedTuple):
    """How to go about it.

    Attributes:
        rules: from predictions to decisions.
        top_k: labels in a prediction.
        max_fps: answers a second at most, of each live source, and of all that ends; None as many as can be.
        max_age_ms: a live frame that was older when it was answered gets no decision; None for any age.
        stall_s: a live source that gives no frame for so long has stalled, and is opened anew.
        keep_trying: a live source that cannot be opened at the start is tried again, for ever, instead of being an error.
    """

    rules: Rules = Rules()
    top_k: int = 5
    max_fps: float | None = None
    max_age_ms: float | None = None
    stall_s: float = 5.0
    keep_trying: bool = False


def results(
    classifier: Classifier,
    sources: Sequence[Source],
    options: Options,
    *,
    workers: int,
    stop: threading.Event,
    on_state: OnState = lambda *_: None,
    on_turn: Callable[[], None] = lambda: None,
) -> Generator[Result, None, None]:
    """Yields results until all sources have ended, or `stop` is set; what was begun by then is still answered.

    Args:
        classifier: is not used by others meanwhile.
        sources: those that end come first, in their order; live ones then, all at the same time.
        options: see Options.
        workers: threads for sources that end, each with an engine on one core (see answering.answers).
        stop: may be set by any thread, or a signal's handler.
        on_state: hears of each state of a live source.
        on_turn: is called by the caller's thread whenever the loop turns, several times a second also while nothing comes.

    Raises:
        DataError: a live source cannot be opened at the start.
    """
    decider = Decider(classifier.labels, options.rules)
    ending = [source for source in sources if not source.is_live]
    live = [source for source in sources if source.is_live]
    if ending:
        yield from _in_order(classifier, ending, options, decider, workers, stop, on_turn)
    if live and not stop.is_set():
        from edgeship_runtime.live import newest

        yield from newest(classifier, _told_apart(live), options, decider, stop, on_state, on_turn)


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _told_apart(sources: Sequence[Live]) -> list[Live]:
    """The same, under names of their own: a password, which is not shown, can be all that differs.

    Raises:
        DataError: one is there twice; a camera would be busy, and nobody could tell by whom.
    """
    named: list[Live] = []
    for source in sources:
        if any(source == other for other in sources[: len(named)]):
            raise DataError(f"{source.name} is named twice")
        alike = sum(source.name == other.name for other in sources[: len(named)])
        named.append(dataclasses.replace(source, name=f"{source.name} ({alike + 1})") if alike else source)
    return named


def _in_order(
    classifier: Classifier,
    sources: Sequence[Ending],
    options: Options,
    decider: Decider,
    workers: int,
    stop: threading.Event,
    on_turn: Callable[[], None],
) -> Iterator[Result]:
    found = items(sources)
    if options.max_fps is not None:
        found = paced(found, options.max_fps, stop)
    for result in answers(classifier, found, workers=workers, top_k=options.top_k, stop=stop, on_turn=on_turn):
        if result.frame is not None and result.frame.index == 0:  # a video, perhaps one that came before
            decider.forget(result.source)
        yield dataclasses.replace(result, decision=_decided(result, decider))


def _decided(result: Result, decider: Decider) -> Decision | None:
    if result.prediction is None:
        return None
    position_s = None if result.frame is None else result.frame.position_s
    return decider.decide(result.prediction.scores, result.source, position_s)
