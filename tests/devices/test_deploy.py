"""A file is brought to a board over a real ssh, proven there, and only then runs; whatever fails, the file before it stays."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from boards import Board, here
from edgeship_runtime.files import sha256
from edgeship_runtime.manifest import EngineNeed, Manifest
from making import Run

Models = Callable[..., Path]


def test_a_deployed_file_runs_on_the_board(run: Run, board: Board, models: Models) -> None:
    model = models(1)

    done = run("deploy", model, board.url, "--runtime", here(), "--json")

    assert done.code == 0, done.err
    answer = done.json()
    assert isinstance(answer, dict)
    assert (answer["name"], answer["sha256"], answer["changed"]) == ("digits", sha256(model.read_bytes()), True)
    assert answer["engine"].startswith("litert ")
    current = board.home / "models" / "digits" / "current"
    assert (current / "model").read_bytes() == model.read_bytes()
    verified = subprocess.run([current / "environment" / "bin" / "edgeship", "verify", current / "model"], check=False)
    assert verified.returncode == 0
