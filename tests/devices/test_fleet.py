"""Many boards from one file: so many at once, the canary first, a line for each, exit 1 if one failed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from boards import Board, here
from edgeship_devices.fleet import Fleet, everywhere
from edgeship_runtime.errors import DeviceError
from making import Run

Models = Callable[..., Path]


def test_as_many_boards_as_were_asked_for_are_worked_on_at_once() -> None:
    """A barrier lets its parties through only together: one fewer at once, and this would not end."""
    together = threading.Barrier(50, timeout=60)
    names = [f"board-{number}" for number in range(200)]

    outcomes = list(everywhere(lambda name: together.wait() and name, names, canary=(), concurrency=50))

    assert {outcome.board for outcome in outcomes} == set(names)
    assert all(outcome.error is None for outcome in outcomes)


def test_never_more_boards_at_once_than_were_asked_for() -> None:
    now, most, lock = 0, 0, threading.Lock()

    def work(_: str) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        threading.Event().wait(0.01)
        with lock:
            now -= 1

    list(everywhere(work, [str(number) for number in range(30)], canary=(), concurrency=3))

    assert most == 3


def test_the_canary_goes_first_and_where_it_fails_the_others_are_left_alone() -> None:
    tried = []

    def work(name: str) -> str:
        tried.append(name)
        if name == "b":
            raise DeviceError("the disk is full")
        return name

    outcomes = {outcome.board: outcome for outcome in everywhere(work, "abc", canary=("b",), concurrency=9)}

    assert tried == ["b"]
    assert outcomes["b"].error == "the disk is full"
    assert outcomes["a"].error == outcomes["c"].error == "left alone: the canary failed"


def test_a_deploy_and_the_status_of_a_fleet(run: Run, board: Board, models: Models, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.toml"
    fleet.write_text(f'[boards]\nshop-1 = "{board.url}"\nshop-2 = "ssh://127.0.0.1:1"\n[groups]\nnorth = ["shop-1"]\n')

    both = run("deploy", models(1), fleet, "--runtime", here())
    north = run("deploy", models(2), fleet, "--runtime", here(), "--group", "north", "--json")
    status = run("devices", "status", fleet)

    assert both.code == 1
    assert "shop-1  ok      digits.tflite (" in both.out
    assert "shop-2  FAILED  ssh://127.0.0.1:1: nothing listens there" in both.out
    assert "1 of 2 boards: ok" in both.err
    assert north.code == 0
    (only,) = north.json()["boards"]  # type: ignore[index]
    assert (only["board"], only["done"]["generation"]) == ("shop-1", 2)
    assert status.code == 1
    assert "shop-1  ok      digits: digits.tflite (" in status.out


def test_what_nobody_thought_of_is_the_outcome_of_one_board() -> None:
    def work(name: str) -> str:
        return {"a": "done"}[name]

    outcomes = {outcome.board: outcome for outcome in everywhere(work, "ab", canary=(), concurrency=1)}

    assert outcomes["a"].done == "done"
    assert outcomes["b"].error == "KeyError: 'b'"


def test_the_status_of_a_fleet_leaves_nobody_out_where_the_canary_is_not_well(
    run: Run, board: Board, tmp_path: Path
) -> None:
    fleet = tmp_path / "fleet.toml"
    fleet.write_text(f'canary = ["dead"]\n[boards]\ndead = "ssh://127.0.0.1:1"\nshop-1 = "{board.url}"\n')

    done = run("devices", "status", fleet)

    assert done.code == 1
    assert "shop-1  ok      nothing is deployed" in done.out


def test_a_group_without_the_canary_is_deployed_to_with_a_warning(
    run: Run, board: Board, models: Models, tmp_path: Path
) -> None:
    fleet = tmp_path / "fleet.toml"
    boards = f'[boards]\ndead = "ssh://127.0.0.1:1"\nshop-1 = "{board.url}"\n[groups]\nnorth = ["shop-1"]\n'
    fleet.write_text(f'canary = ["dead"]\n{boards}')

    done = run("deploy", models(1), fleet, "--runtime", here(), "--group", "north")

    assert done.code == 0, done.out
    assert "no board of the canary (dead) is in group north: all of it goes at once" in done.err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("boards = {}", "there are no boards in it"),
        ('[boards]\na = "http://a"', "board a: 'http://a' is no board"),
        ('canary = ["b"]\n[boards]\na = "ssh://a"', "canary: no board 'b'; known: a"),
        ('concurrency = 0\n[boards]\na = "ssh://a"', "concurrency is 0"),
        ('colour = 0\n[boards]\na = "ssh://a"', "unknown field 'colour'"),
        ("[boards", "is no TOML file"),
    ],
)
def test_a_fleet_that_is_wrong_is_refused_with_the_place(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text(text)

    with pytest.raises(DeviceError, match=reason) as caught:
        Fleet.load(path)

    assert str(path) in str(caught.value)


def test_a_group_that_is_not_there_lists_those_that_are(run: Run, models: Models, tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text('[boards]\na = "ssh://a"\n[groups]\nnorth = ["a"]\n')

    assert (
        "no group 'south' in the fleet; known: north"
        in run("deploy", models(1), path, "--group", "south").one_line_error()
    )
