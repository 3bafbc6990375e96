"""In order: a function applied to many items by several threads, results in the items' order, with bounded memory.

Each thread draws an item when it is free, computes, and draws the next; the caller's takes the results. A result is handed out
within a hundredth of a second once it and those before it are there, even while the next item is still awaited: items may come from a
pipe that somebody types into.

All cores compute, so whatever else wants one interrupts an inference, and finds the CPU's caches full of it: what takes 20 µs by
itself takes three times as long then. So no further thread hands out items, and the caller takes several results at a time. (An
executor of concurrent.futures would do, but for its price: 8 ms of imports, and 40 µs an item.)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_TICK_S = 0.2  # how often the caller, waiting, looks whether it should stop
_GATHERING_S = 0.01  # for so long it lets results come together
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
        items: any number, drawn by the threads in turns as there is room for them.
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


class _Place(Generic[R]):
    """An item's place in the order. `done` is held until its result, or its error, is there."""

    __slots__ = ("done", "error", "result", "weight")

    def __init__(self, weight: int) -> None:
        self.weight = weight
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
        self._items, self._weight, self._stop = iter(items), weight, stop
        self._ended = self._dismissed = False  # no item is to come; nobody wants a result
        self._ahead, self._room = ahead, threading.Semaphore(ahead)
        self._drawn = self._taken = 0  # weights
        self._crowded = threading.Event()  # half of the room is taken: time to take results
        self._turn = threading.Semaphore(1)  # to draw; not a lock, because `dismiss` gives turns while somebody has it
        self._drawing: set[threading.Thread] = set()  # who is about it
        self._order: SimpleQueue[_Place[R] | None] = SimpleQueue()
        self._workers = [
            threading.Thread(target=self._work, args=(function,), name=f"work-{number}", daemon=True)
            for number, function in enumerate(functions)
        ]
        for worker in self._workers:
            worker.start()

    def results(self, on_turn: Callable[[], None]) -> Iterator[R]:
        while True:
            on_turn()
            try:
                place = self._order.get(timeout=_TICK_S)
            except Empty:
                if self._stop.is_set():  # who draws may wait for an item that never comes
                    return
                continue
            if place is None:
                return
            if not place.done.acquire(blocking=False):
                self._crowded.wait(_GATHERING_S)
                self._crowded.clear()
                place.done.acquire()
            if place.error is not None:
                raise place.error
            yield place.result
            self._taken += place.weight
            self._room.release(place.weight)

    def dismiss(self) -> None:
        """Ends all threads; only one may outlive this, where it waits for an item that does not come."""
        self._dismissed = True
        self._room.release(self._ahead + len(self._workers))  # whatever they wait for
        self._turn.release(len(self._workers))
        for worker in self._workers:
            worker.join(_PATIENCE_S if worker in self._drawing else None)

    def _work(self, function: Callable[[T], R]) -> None:
        while (drawn := self._draw()) is not None:
            item, place = drawn
            try:
                place.result = function(item)
            except BaseException as error:
                place.error = error
            place.done.release()

    def _draw(self) -> tuple[T, _Place[R]] | None:
        """An item and its place, which is the next in the order; None where no further one is to be computed."""
        with self._turn:
            self._drawing.add(threading.current_thread())  # before it looks, as `dismiss` looks here after it has set
            self._room.acquire()
            drawn = None if self._ended or self._dismissed else self._next()
            self._drawing.discard(threading.current_thread())
            return None if self._dismissed else drawn

    def _next(self) -> tuple[T, _Place[R]] | None:
        """For one there is room."""
        try:
            if not self._stop.is_set():
                item = next(self._items)
                return item, self._placed(self._weight(item))
        except StopIteration:
            pass
        except BaseException as error:
            place = self._placed(1)
            place.error = error
            place.done.release()
        self._ended = True
        self._order.put(None)
        return None

    def _placed(self, weight: int) -> _Place[R]:
        """The next place in the order, once there is room for the rest of its weight."""
        self._drawn += weight
        if 2 * (self._drawn - self._taken) > self._ahead:
            self._crowded.set()
        for _ in range(weight - 1):
            self._room.acquire()
        place: _Place[R] = _Place(weight)
        self._order.put(place)
        return place
