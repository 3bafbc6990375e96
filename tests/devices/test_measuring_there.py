"""`edgeship benchmark --on`: the same measuring on a board; files go over once, the report carries the board's environment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from boards import Board, here
from making import Run

Models = Callable[..., Path]


@pytest.mark.slow
def test_a_board_measures_and_the_report_comes_back(run: Run, board: Board, models: Models, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for level in (10, 90, 200):
        Image.new("L", (8, 8), level).save(pictures / f"{level}.png")
    model = models(1)
    options = (
        "--data",
        pictures,
        "--on",
        board.url,
        "--runtime",
        here(),
        "--threads",
        "1",
        "--blocks",
        "1",
        "--most-blocks",
        "1",
        "--seconds",
        "0.1",
    )

    first = run("benchmark", model, *options, "--out", tmp_path / "first", "--json")
    again = run("benchmark", model, *options, "--out", tmp_path / "again")
    lost = run("benchmark", model, *options, "--out", tmp_path / "two", "--on", "ssh://127.0.0.1:1", "--json")

    assert first.code == 0, first.err
    (result,) = json.loads((tmp_path / "first" / "report.json").read_text())["results"]
    assert result["latency_ms"]["p50"] > 0
    assert "copy 4 of 4 files" in first.err
    assert "copy " not in again.err
    assert lost.code == 1
    answer = lost.json()
    assert isinstance(answer, dict)
    assert list(answer["boards"]) == [board.url]
    assert "nothing listens there" in answer["errors"]["ssh://127.0.0.1:1"]
