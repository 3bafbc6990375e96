"""Fleet: many boards in one file, and work on all of them at once, a few first.

concurrency = 20
canary = ["shop-1"]

[boards]
shop-1 = "ssh://pi@shop-1.example"
shop-2 = "ssh://pi@shop-2.example:2222"

[groups]
north = ["shop-1", "shop-2"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from edgeship_devices.session import Target
from edgeship_runtime import files, record
from edgeship_runtime.errors import DeviceError, EdgeshipError, UsageError

T = TypeVar("T")


@dataclass(frozen=True)
class Fleet:
    """Boards by name.

    Attributes:
        boards: name → ssh://…
        groups: name → names of boards.
        canary: boards that go first; where one of them fails, the others are left alone.
        concurrency: boards that are worked on at once.
    """

    boards: Mapping[str, str]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    canary: tuple[str, ...] = ()
    concurrency: int = 10

    def __post_init__(self) -> None:
        """Refuses addresses that are none, and names of boards that are not there."""
        if not self.boards:
            raise ValueError("there are no boards in it")
        if self.concurrency < 1:
            raise ValueError(f"concurrency is {self.concurrency}; wanted at least 1")
        for what, names in {
            **{f"group {name}": names for name, names in self.groups.items()},
            "canary": self.canary,
        }.items():
            unknown = [name for name in names if name not in self.boards]
            if unknown:
                raise ValueError(f"{what}: no board {unknown[0]!r}; known: {', '.join(self.boards)}")
        for name, url in self.boards.items():
            try:
                Target(url)
            except UsageError as error:
                raise ValueError(f"board {name}: {error}") from None

    @classmethod
    def load(cls, path: Path) -> Fleet:
        """Reads a fleet.toml.

        Raises:
            DeviceError: it cannot be read, or something in it is not as it should be.
        """
        try:
            return record.from_json(cls, tomllib.loads(path.read_text("utf-8")), str(path))
        except OSError as error:
            raise DeviceError(f"{path}: {files.reason(error)}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, record.RecordError) as error:
            raise DeviceError(str(error) if str(path) in str(error) else f"{path} is no TOML file: {error}") from None

    def group(self, name: str | None) -> tuple[str, ...]:
        """The boards of a group; all of them when it is None.

        Raises:
            DeviceError: no such group.
        """
        if name is None:
            return tuple(self.boards)
        if name not in self.groups:
            raise DeviceError(f"no group {name!r} in the fleet; known: {', '.join(self.groups) or 'none'}")
        return self.groups[name]


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What came of one board.

    Attributes:
        board: its name.
        done: what the work gave; None when it failed.
        error: why; None when it did not.
    """

    board: str
    done: T | None = None
    error: str | None = None


def everywhere(
    work: Callable[[str], T], names: Sequence[str], *, canary: Sequence[str], concurrency: int
) -> Iterator[Outcome[T]]:
    """Does work on boards, yielding outcomes as they come: first those of the canary among them, then, if these went well, the rest.

    Args:
        work: of one board, by its name; whatever it raises is an outcome, and the others go on.
        names: of the boards.
        canary: those that go first.
        concurrency: at once.
    """
    first = [name for name in names if name in canary]
    failed = False
    for outcome in _at_once(work, first, concurrency):
        failed = failed or outcome.error is not None
        yield outcome
    rest = [name for name in names if name not in canary]
    if failed:
        yield from (Outcome(name, error="left alone: the canary failed") for name in rest)
    else:
        yield from _at_once(work, rest, concurrency)


def _at_once(work: Callable[[str], T], names: Sequence[str], concurrency: int) -> Iterator[Outcome[T]]:
    def one(name: str) -> Outcome[T]:
        try:
            return Outcome(name, done=work(name))
        except EdgeshipError as error:
            return Outcome(name, error=str(error))
        except Exception as error:
            return Outcome(name, error=f"{type(error).__name__}: {error}")

    pool = ThreadPoolExecutor(concurrency)
    try:
        for future in as_completed([pool.submit(one, name) for name in names]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C: those that have begun come to their end, whole
