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
QUICK = ("--threads", "1", "--blocks", "1", "--most-blocks", "1", "--seconds", "0.1")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for level in (10, 90, 200):
        Image.new("L", (8, 8), level).save(folder / f"{level}.png")
    return folder


@pytest.mark.slow
def test_a_board_measures_and_the_report_comes_back(
    run: Run, board: Board, models: Models, pictures: Path, tmp_path: Path
) -> None:
    model = models(1)
    options = ("--data", pictures, "--on", board.url, "--runtime", here(), *QUICK)

    first = run("benchmark", model, *options, "--out", tmp_path / "first", "--json")
    again = run("benchmark", model, *options, "--out", tmp_path / "again")

    assert first.code == 0, first.err
    (result,) = json.loads((tmp_path / "first" / "report.json").read_text())["results"]
    assert result["latency_ms"]["p50"] > 0
    assert "copy 4 of 4 files" in first.err
    assert "copy " not in again.err


@pytest.mark.slow
def test_a_board_that_is_not_what_it_is_called_measures_and_the_report_says_so(
    run: Run, board: Board, models: Models, pictures: Path, tmp_path: Path
) -> None:
    options = ("--data", pictures, "--on", board.url, "--runtime", here(), "--device", "jetson-orin-nano", *QUICK)

    result = run("benchmark", models(1), *options, "--out", tmp_path / "out", "--json")

    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert (report["device"]["name"], report["device"]["here"]) == ("jetson-orin-nano", False)
    assert report["results"][0]["engine"] == "litert"
    assert "for Jetson Orin Nano" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.slow
def test_several_boards_have_a_report_each_and_one_together(
    run: Run, board: Board, models: Models, pictures: Path, tmp_path: Path
) -> None:
    fleet = tmp_path / "fleet.toml"
    boards = f'pi-4 = "{board.url}"\npi-5 = "{board.url}"\nlost = "ssh://127.0.0.1:1"\n'
    fleet.write_text(f'concurrency = 1\n[boards]\n{boards}[groups]\nlab = ["pi-5"]\n')
    model, out = models(1), tmp_path / "out"
    options = ("--data", pictures, "--on", fleet, "--runtime", here(), *QUICK)

    every = run("benchmark", model, *options, "--out", out)
    group = run("benchmark", model, *options, "--out", tmp_path / "lab", "--group", "lab", "--json")
    whole = run("recommend", out)

    assert every.code == 1, "one board was lost"
    assert "lost: nothing was measured: ssh://127.0.0.1:1: nothing listens there" in every.err
    together = json.loads((out / "report.json").read_text())
    assert list(together["boards"]) == ["pi-4", "pi-5"]
    assert list(together["errors"]) == ["lost"]
    for name in ("pi-4", "pi-5"):
        assert json.loads((out / name / "report.json").read_text()) == together["boards"][name]
        assert f'href="{name}/report.html"' in (out / "report.html").read_text()
    rows = [line for line in (out / "report.md").read_text().splitlines() if line.startswith("| pi-")]
    assert [row.split(" | ")[0] for row in rows] == ["| pi-4", "| pi-5"]
    assert " | 100.0 | " in rows[1], "the same file on the same pictures gives the same answers"
    assert group.code == 0, group.err
    assert group.json()["results"], "one board's report is as ever"  # type: ignore[index]
    assert whole.code == 1
    assert "is of several boards (pi-4, pi-5); name the folder of one" in whole.err


def test_a_group_without_a_fleet_is_refused(run: Run, models: Models, pictures: Path, tmp_path: Path) -> None:
    refused = run("benchmark", models(1), "--data", pictures, "--out", tmp_path / "out", "--group", "lab")

    assert refused.code == 2
    assert "--group lab is of a fleet: --on FLEET.toml" in refused.err
    assert not (tmp_path / "out").exists()
