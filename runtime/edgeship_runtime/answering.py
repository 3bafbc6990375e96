"""Answering: many pictures, or the frames of videos, on all cores, in order, with bounded memory.

Each thread takes a picture from its first byte to its scores, with an engine of its own on one core: nothing is handed over between
stages, and no core waits for another within an inference. Pillow and the engines let go of the interpreter lock.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from edgeship_runtime.classifier import Classifier, name_of
from edgeship_runtime.errors import PictureError
from edgeship_runtime.prediction import Latency, Prediction
from edgeship_runtime.results import Result
from edgeship_runtime.sources.listing import Problem

if TYPE_CHECKING:
    from edgeship_runtime.frames import Frame
    from edgeship_runtime.preprocessing import Picture
    from edgeship_runtime.sources import Ending

_AHEAD = 8  # pictures in flight for each worker: while one decodes a panorama the others go on
_HEAVY = 4  # for so many counts what is in memory already: a frame of full HD is 6 MB, a path is nothing

Numbered: TypeAlias = "tuple[int, Picture | str]"  # a picture, and its number in this run
Item: TypeAlias = "Numbered | Frame | Problem"


def items(sources: Iterable[Ending]) -> Generator[Item, None, None]:
    """All pictures and frames of sources, one after another; what cannot be read is said in its place."""
    numbers = itertools.count()
    for source in sources:
        for found in source:
            yield (next(numbers), found) if isinstance(found, Path) else found


def paced(found: Iterator[Item], max_fps: float, stop: threading.Event) -> Generator[Item, None, None]:
    """The same, so many a second at most."""
    due = monotonic()
    for item in found:
        if stop.wait(max(0.0, due - monotonic())):
            return
        due = monotonic() + 1 / max_fps
        yield item


def answers(
    classifier: Classifier,
    found: Generator[Item, None, None],
    *,
    workers: int,
    top_k: int,
    stop: threading.Event | None = None,
    on_turn: Callable[[], None] = lambda: None,
) -> Iterator[Result]:
    """Predictions without decisions, in order.

    Args:
        classifier: is not used by others meanwhile.
        found: as `items` gives them.
        workers: threads, each with an engine on one core; 0 computes in the caller's with all of the classifier's, which suits one
            picture.
        top_k: labels in a prediction.
        stop: once it is set nothing further is begun.
        on_turn: see streaming.results.
    """
    if not workers:
        yield from map(_Worker(classifier, top_k, classifier), found)
        return
    from edgeship_runtime.ordered import in_order

    own = classifier if classifier.engine.threads == 1 else None
    crew = [_Worker(classifier, top_k, own if number == 0 else None) for number in range(workers)]
    try:
        yield from in_order(found, crew, ahead=workers * _AHEAD, weight=_weight, stop=stop, on_turn=on_turn)
    finally:
        with contextlib.suppress(ValueError):  # a thread is in it still: it waits for stdin
            found.close()


def _weight(item: Item) -> int:
    is_path = isinstance(item, tuple) and isinstance(item[1], Path | str)
    return 1 if is_path or isinstance(item, Problem) else _HEAVY


class _Worker:
    """Answers with a classifier of its own, which is made by the thread that needs it, when it does."""

    def __init__(self, original: Classifier, top_k: int, own: Classifier | None) -> None:
        self._original, self._top_k, self._own = original, top_k, own

    def __call__(self, item: Item) -> Result:
        if isinstance(item, Problem):
            return Result(item.source, 0, error=item.error)
        if self._own is None:
            self._own = self._original.sibling(threads=1)
        return answer(self._own, item, self._top_k)


def answer(classifier: Classifier, item: Numbered | Frame, top_k: int) -> Result:
    """What a classifier says of a picture or a frame, or why it says nothing."""
    if isinstance(item, tuple):
        (index, picture), frame, source = item, None, name_of(item[1])
    else:
        index, picture, frame, source = item.index, item.picture, item, item.source
    try:
        prediction = classifier.classify(picture, top_k=top_k, frame=index)
    except PictureError as error:
        return Result(source, index, error=str(error).removeprefix(f"{name_of(picture)}: "), frame=frame)
    if frame is not None:
        prediction = _of(frame, prediction)
    return Result(source, index, prediction, age_ms=prediction.age_ms, frame=frame)


def _of(frame: Frame, said: Prediction) -> Prediction:
    """The same, with what is known of the frame: its source, what decoding it cost before, how old it is."""
    cost = Latency(frame.decode_ms + said.latency_ms.decode, said.latency_ms.preprocess, said.latency_ms.invoke)
    age_ms = said.age_ms if frame.age_ms is None else frame.age_ms
    return Prediction(frame.source, said.top, frame.index, age_ms, cost, said.scores)
