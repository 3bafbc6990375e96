"""Serving: keeps `edgeship run` going on a board under systemd, and vouches for it only as long as it answers.

    python -m edgeship_devices.serving NAME SOURCE… [options of edgeship run]

The file is verified first. READY goes to systemd with the first answer; after that every answer, and every line that `edgeship run`
says of its sources, is a sign of life, passed on as WATCHDOG. A process that hangs gives none: systemd starts it anew. Answers
themselves go where `--to` sends them, not into the journal, which on a board is an SD card.
"""

from __future__ import annotations

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

from edgeship_devices.board import services, slots
from edgeship_devices.notify import notify

_EVERY_S = 1.0  # at most so often to systemd and to the health file


class Life:
    """What was seen of the process: told to systemd, and to `edgeship devices status` through a file in memory."""

    def __init__(self, health: Path) -> None:
        self._health, self._answers, self._told = health, 0, 0.0
        self._last_answer: float | None = None

    def answered(self) -> None:
        """An answer came."""
        self._answers += 1
        self._last_answer = time.time()
        if self._answers == 1:
            self._told = 0.0
            notify("READY=1")
        self.seen()

    def seen(self) -> None:
        """A sign of life, perhaps without an answer: a camera that is being opened again."""
        now = time.monotonic()
        if now - self._told < _EVERY_S:
            return
        self._told = now
        notify("WATCHDOG=1", f"STATUS={self._answers} answers")
        if self._last_answer is not None:
            self._health.parent.mkdir(parents=True, exist_ok=True)
            slots.write(self._health, json.dumps({"answers": self._answers, "last_answer": self._last_answer}).encode())


def main(arguments: Sequence[str]) -> int:
    """Serves until SIGTERM; returns what `edgeship run` returned."""
    name, *rest = arguments
    model = str(slots.folder(name) / "current" / "model")
    command = [sys.executable, "-m", "edgeship_runtime.cli"]
    verified = subprocess.run([*command, "verify", model, "--json"], capture_output=True, text=True, check=False)
    if verified.returncode:
        said = (verified.stderr.strip() or verified.stdout.strip()).splitlines() or ["it said nothing"]
        return _give_up(f"the file is not verified here: {said[-1].removeprefix('edgeship: ')}")
    return _watched([*command, "run", model, *rest, "--json"], Life(services.health_path(name)))


def _watched(command: list[str], life: Life) -> int:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
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
            (life.seen if _is_error(line) else life.answered)()
        complaints.join()
        return process.wait()


def _is_error(line: bytes) -> bool:
    try:
        return "error" in json.loads(line)
    except ValueError:
        return False


def _passed_on(stream: IO[bytes], life: Life) -> None:
    for line in stream:
        sys.stderr.buffer.write(line)
        sys.stderr.flush()
        life.seen()


def _give_up(reason: str) -> int:
    sys.stderr.write(f"edgeship: {reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
