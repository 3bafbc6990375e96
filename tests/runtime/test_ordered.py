"""`in_order` gives results in the items' order, at once, with bounded memory, and ends when it is told to."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import pytest

from edgeship_runtime.ordered import in_order


def test_results_come_in_the_order_of_the_items_whoever_is_faster() -> None:
    overtaken = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert overtaken.wait(10)  # until all the others that fit are done
        if number == 5:
            overtaken.set()
        return number * number

    assert list(in_order(range(100), [work, work, work], ahead=6)) == [number**2 for number in range(100)]


def test_a_result_does_not_wait_for_the_next_item() -> None:
    """Items may come from a pipe that somebody types into."""
    pipe: queue.Queue[int | None] = queue.Queue()
    results = in_order(iter(pipe.get, None), [str], ahead=8)

    pipe.put(1)
    assert next(results) == "1"
    pipe.put(2)
    assert next(results) == "2"
    pipe.put(None)
    assert list(results) == []


def test_heavy_items_count_for_several() -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            drawn.append(number)
            yield number

    results = in_order(items(), [str], ahead=8, weight=lambda number: 1 if number < 4 else 4)

    assert next(results) == "0"
    assert max(drawn) <= 5  # 4 light ones and a heavy one; the next one waits for room
    assert list(results) == [str(number) for number in range(1, 20)]


def test_who_leaves_early_need_not_wait_for_room() -> None:
    results = in_order(iter(range(20)), [str], ahead=8, weight=lambda _: 5)
    assert next(results) == "0"

    results.close()  # type: ignore[attr-defined]

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("work-")]


def test_no_more_items_are_drawn_than_fit() -> None:
    drawn: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            drawn.append(number)
            yield number

    results = in_order(items(), [str, str], ahead=4)
    for taken in range(1, 500):
        next(results)
        assert len(drawn) <= taken + 3  # the last one taken still counts among the four
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("where", ["items", "function"])
def test_an_error_comes_at_its_place(where: str) -> None:
    def items() -> Iterator[int]:
        yield from range(10)
        if where == "items":
            raise OSError("no more")
        yield 10

    def work(number: int) -> int:
        if number == 10:
            raise OSError("no more")
        return number

    seen = []
    with pytest.raises(OSError, match="no more"):
        for result in in_order(items(), [work, work], ahead=4):
            seen.append(result)

    assert seen == list(range(10))


def test_once_stopped_what_was_drawn_is_answered_and_nothing_else() -> None:
    stop, drawn = threading.Event(), []

    def items() -> Iterator[int]:
        for number in range(10**9):
            drawn.append(number)
            yield number

    results = in_order(items(), [lambda number: number], ahead=8, stop=stop)
    seen = [next(results) for _ in range(20)]
    stop.set()
    seen += list(results)

    assert 20 <= len(seen) <= 28
    assert seen == drawn


def test_a_stop_is_noticed_while_an_item_is_awaited() -> None:
    stop, pipe = threading.Event(), queue.Queue[int]()
    results = in_order(iter(pipe.get, None), [lambda number: number], ahead=8, stop=stop)
    pipe.put(7)
    assert next(results) == 7

    stop.set()

    assert list(results) == []


@pytest.mark.parametrize("leave", [lambda results: results.close(), list], ids=["left", "finished"])
def test_no_thread_is_left(leave: Callable[[Iterator[int]], object]) -> None:
    before = threading.active_count()
    results = in_order(range(1000), [lambda number: number] * 3, ahead=4)
    next(results)

    leave(results)

    assert threading.active_count() == before


def test_who_leaves_does_not_wait_for_an_item_that_never_comes() -> None:
    """One thread waits for it, and the others for their turn to draw: only the first one may stay behind."""
    pipe: queue.Queue[int | None] = queue.Queue()
    before = threading.active_count()
    results = in_order(iter(pipe.get, None), [str] * 4, ahead=8)
    pipe.put(1)
    assert next(results) == "1"
    leaver = threading.Thread(target=results.close, daemon=True)  # type: ignore[attr-defined]

    leaver.start()

    leaver.join(20)
    assert not leaver.is_alive()
    assert threading.active_count() == before + 1
    pipe.put(None)  # now it comes
