"""In order: a function applied to many items by several threads, results in the items' order, with bounded memory.

Three kinds of thread: one draws items, one for each function computes, and the caller's takes the results. A result is handed out as
soon as those before it are, even while the next item is still awaited: items may come from a pipe that somebody types into. (An
executor of concurrent.futures would do, but for its price: 8 ms of imports, and 40 µs an item where an inference may take 100.)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_TICK_S = 0.2  # how often the caller, waiting, looks whether it should stop
_PATIENCE_S = 0.5


def in_order(
    items: Iterable[T],
    functions: Sequence[Callable[[T], R]],
    *,
    ahead: int,
    weight: Callable[[T], int] = lambda _: 1,
    stop: threading.Event | None = None,
    on_turn: Callable[[], None] = lambda: None,
) -> Iterator[R]:
    """Yields a result for each item, in order.

    Args:
        items: any number, drawn by a thread as there is room for them.
        functions: what is applied, a thread for each; all must give the same. An item goes to whichever is free.
        ahead: items that are drawn, and whose results have not been taken yet, at most.
        weight: for how many an item counts in this, at most `ahead`.
        stop: once it is set no further item is drawn; those that were are still answered.
        on_turn: is called by the caller's thread before each result, and several times a second while there is none to come.

    Raises:
        Exception: what drawing or a function raised, at its place in the order; nothing comes after it.
    """
    crew = _Crew(items, functions, max(1, ahead), weight, stop or threading.Event())
    try:
        yield from crew.results(on_turn)
    finally:
        crew.dismiss()


class _Place(Generic[T, R]):
    """An item's place in the order. `done` is held until its result, or its error, is there."""

    __slots__ = ("done", "error", "item", "result", "weight")

    def __init__(self, item: T, weight: int) -> None:
        self.item, self.weight = item, weight
        self.result: R
        self.error: BaseException | None = None
        self.done = threading.Lock()  # a fifth of an Event's price
        self.done.acquire()


class _Crew(Generic[T, R]):
    def __init__(
        self,
        items: Iterable[T],
        functions: Sequence[Callable[[T], R]],
        ahead: int,
        weight: Callable[[T], int],
        stop: threading.Event,
    ) -> None:
        self._items, self._stop, self._dismissed = items, stop, False
        self._ahead, self._weight = ahead, weight
        self._room = threading.Semaphore(ahead)
        self._order: SimpleQueue[_Place[T, R] | None] = SimpleQueue()
        self._todo: SimpleQueue[_Place[T, R] | None] = SimpleQueue()
        self._drawer = threading.Thread(target=self._draw, name="draw", daemon=True)
        self._workers = [
            threading.Thread(target=self._work, args=(function,), name=f"work-{number}", daemon=True)
            for number, function in enumerate(functions)
        ]
        for thread in (self._drawer, *self._workers):
            thread.start()

    def results(self, on_turn: Callable[[], None]) -> Iterator[R]:
        while True:
            on_turn()
            try:
                place = self._order.get(timeout=_TICK_S)
            except Empty:
                if self._stop.is_set():  # the drawer may wait for an item that never comes
                    return
                continue
            if place is None:
                return
            place.done.acquire()
            if place.error is not None:
                raise place.error
            yield place.result
            self._room.release(place.weight)

    def dismiss(self) -> None:
        """Ends all threads; only the drawer may outlive this, where it waits for an item that does not come."""
        self._dismissed = True
        self._room.release(self._ahead)  # whatever the drawer waits for
        for _ in self._workers:
            self._todo.put(None)
        for worker in self._workers:
            worker.join()
        self._drawer.join(_PATIENCE_S)

    def _draw(self) -> None:
        items = iter(self._items)
        try:
            while self._room.acquire() and not (self._dismissed or self._stop.is_set()):
                place = self._place(next(items))
                self._order.put(place)
                self._todo.put(place)
        except StopIteration:
            pass
        except BaseException as error:
            self._fail(error)
        finally:
            self._order.put(None)

    def _place(self, item: T) -> _Place[T, R]:
        """For an item that was drawn, once there is room for all of its weight."""
        weight = self._weight(item)
        for _ in range(weight - 1):
            self._room.acquire()
        return _Place(item, weight)

    def _fail(self, error: BaseException) -> None:
        """Puts an error in the place of an item that could not be drawn."""
        place: _Place[T, R] = _Place(None, 1)  # type: ignore[arg-type]
        place.error = error
        place.done.release()
        self._order.put(place)

    def _work(self, function: Callable[[T], R]) -> None:
        while (place := self._todo.get()) is not None:
            if not self._dismissed:
                try:
                    place.result = function(place.item)
                except BaseException as error:
                    place.error = error
            place.done.release()
