"""Fixtures of devices: a board over a real sshd, and small files to bring to it."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import boards


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[boards.Board]:
    with boards.board(tmp_path_factory.mktemp("board") / "sshd") as board:
        yield board


@pytest.fixture
def board(sshd: boards.Board) -> boards.Board:
    """A board that has nothing of ours yet."""
    shutil.rmtree(sshd.home, ignore_errors=True)
    return sshd


@pytest.fixture
def models(tmp_path: Path) -> Callable[..., Path]:
    """Makes files: see boards.make_model."""
    return functools.partial(boards.make_model, tmp_path)
