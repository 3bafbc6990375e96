"""Serving: keeps `edgeship run` going on a board under systemd, and says when it answers.

    python -P -m edgeship_devices.serving NAME SOURCE… [options of edgeship run]

A switch whose deploy died is undone first (see board.trial), and the file is verified. READY goes to systemd with the first answer.
That its loop turns, `edgeship run` tells the watchdog itself, also while every source is away. Answers go where `--to` sends them, not
into the journal, which on a board is an SD card; how many came, and when, is in a file in memory, for `edgeship devices status`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from edgeship_devices.board import lock, services, slots, trial
from edgeship_devices.notify import notify

_EVERY_S = 1.0  # at most so often to the health file
_PAGE = b"live page: "  # how `edgeship run` begins the line that tells a page's address


class Life:
    """What was seen of the process; told by two threads, one for each of its streams."""

    def __init__(self, health: Path) -> None:
        self._health, self._answers, self._told = health, 0, 0.0
        self._last_answer: float | None = None
        self._page, self._said = "", ""
        self._one = threading.Lock()

    def answered(self) -> None:
        """An answer came."""
        with self._one:
            self._answers += 1
            self._last_answer = time.time()
            self._tell(at_once=self._answers == 1)
            if self._answers == 1:
                notify("READY=1")

    def complained(self, line: bytes) -> None:
        """A line came that is for people."""
        with self._one:
            self._said = line.decode("utf-8", "replace").strip()
            if line.startswith(_PAGE):
                self._page = self._said[len(_PAGE) :]
                self._tell(at_once=True)

    def ended(self) -> None:
        """It is over; why, the board's end of a deploy reads from systemd."""
        if self._said:
            notify(f"STATUS=edgeship: {self._said.removeprefix('edgeship: ')}")

    def _tell(self, *, at_once: bool) -> None:
        now = time.monotonic()
        if not at_once and now - self._told < _EVERY_S:
            return
        self._told = now
        health = {"answers": self._answers, "last_answer": self._last_answer, "page": self._page}
        with contextlib.suppress(OSError):  # memory that is full is no reason to stop answering
            self._health.parent.mkdir(parents=True, exist_ok=True)
            slots.write(self._health, json.dumps(health).encode(), 0o600)


def main(arguments: Sequence[str]) -> int:
    """Serves until SIGTERM; returns what `edgeship run` returned."""
    name, *rest = arguments
    current = slots.folder(name) / "current"
    if _went_back(name):  # in the environment of that file
        python = str(current / "environment/bin/python")
        os.execv(python, [python, "-P", "-m", __spec__.name, *arguments])  # noqa: S606 - no shell is wanted
    command = [sys.executable, "-P", "-m", "edgeship_runtime.cli"]
    model = str(current / "model")
    verified = subprocess.run([*command, "verify", model, "--json"], capture_output=True, text=True, check=False)
    if verified.returncode:
        said = (verified.stderr.strip() or verified.stdout.strip()).splitlines() or ["it said nothing"]
        return _give_up(f"the file is not verified here: {said[-1].removeprefix('edgeship: ')}")
    return _watched([*command, "run", model, *rest, *_lasting(rest), "--json"], name)


def _went_back(name: str) -> bool:
    if name not in trial.names():
        return False
    with lock.briefly() as alone:  # else the deploy lives, and decides
        return alone and trial.undo(name)


def _lasting(arguments: Sequence[str]) -> tuple[str, ...]:
    """What a program needs that is started again and again: it waits for its sources, and goes on with its files."""
    return ("--keep-trying",) if {"--append", "--force"} & set(arguments) else ("--keep-trying", "--append")


def _watched(command: list[str], name: str) -> int:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "EDGESHIP_VIEW_TOKEN": services.token(name)}
    life = Life(services.health_path(name))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:

        def stop(number: int, _: FrameType | None) -> None:
            notify("STOPPING=1")
            process.send_signal(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        assert process.stdout is not None  # noqa: S101 - they are pipes
        assert process.stderr is not None  # noqa: S101
        complaints = threading.Thread(target=_passed_on, args=(process.stderr, life))
        complaints.start()
        for line in process.stdout:
            if not _is_error(line):
                life.answered()
        complaints.join()
        code = process.wait()
    life.ended()
    return code


def _is_error(line: bytes) -> bool:
    try:
        return "error" in json.loads(line)
    except ValueError:
        return True


def _passed_on(stream: IO[bytes], life: Life) -> None:
    for line in stream:
        with contextlib.suppress(OSError):  # a journal that is gone
            sys.stderr.buffer.write(line)
            sys.stderr.flush()
        life.complained(line)


def _give_up(reason: str) -> int:
    notify(f"STATUS=edgeship: {reason}")
    sys.stderr.write(f"edgeship: {reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
