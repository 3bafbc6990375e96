"""`benchmark --device`: files that the board cannot run are told before anything is measured, the others run in its engine."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from boards import make_model
from edgeship_runtime.manifest import EngineNeed, Manifest, Requirements
from making import Run
from reports import Report

QUICK = ("--data", "digits", "--threads", 1, "--blocks", 1, "--most-blocks", 1, "--seconds", 0.02)
PI = "raspberry-pi-4"


def too_new(manifest: Manifest) -> Manifest:
    needs = {"litert": EngineNeed("99.0", "CONV_2D 99"), "tflite-runtime": EngineNeed(None, "CONV_2D 99")}
    return dataclasses.replace(manifest, requirements=Requirements({"CONV_2D": 99}, engines=needs))


def test_a_file_that_the_board_cannot_run_is_a_row_with_the_reason_told_first(run: Run, tmp_path: Path) -> None:
    able, refused = make_model(tmp_path, 1), make_model(tmp_path, 2, too_new)

    result = run("benchmark", able, refused, "--out", tmp_path / "r", "--device", PI, *QUICK)

    assert result.code == 0, result.err
    reason = f"does not run on {PI}: CONV_2D 99 needs litert 99.0; {PI} has litert 2.3.0"
    first, second, *_ = result.err.splitlines()
    assert first.startswith(f"2/digits.tflite: not measured: {reason}")
    assert second.startswith("1 configuration, ")
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    assert report["device"]["name"] == PI
    assert report["results"][0]["engine"] == "litert"
    assert report["results"][1]["error"].startswith(reason)
    for name in ("report.md", "report.html"):
        text = (tmp_path / "r" / name).read_text()
        assert "for Raspberry Pi 4, Raspberry Pi OS Bookworm, 64-bit, measured on " in text
        assert reason in text


def test_where_nothing_runs_there_the_answer_is_no(run: Run, tmp_path: Path) -> None:
    result = run("benchmark", make_model(tmp_path, 1, too_new), "--out", tmp_path / "r", "--device", PI, *QUICK)

    assert result.code == 1
    assert [row["engine"] for row in json.loads((tmp_path / "r" / "report.json").read_text())["results"]] == ["auto"]
    assert "does not run on raspberry-pi-4" in run("recommend", tmp_path / "r").one_line_error()


def test_auto_is_the_engine_of_the_board_and_one_that_is_not_here_is_said(run: Run, tmp_path: Path) -> None:
    options = ("--out", tmp_path / "r", "--device", "raspberry-pi-32bit", *QUICK)

    result = run("benchmark", make_model(tmp_path, 1), *options)

    (row,) = json.loads((tmp_path / "r" / "report.json").read_text())["results"]
    assert row["engine"] == "tflite-runtime"
    assert result.code == 1
    assert "raspberry-pi-32bit runs files in tflite-runtime; --engine names another to measure" in result.err


def test_what_differs_from_the_board_is_said(report: Report, saved: Callable[[str, Report], Path], run: Run) -> None:
    litert, *_ = (row["engine_version"] for row in report["results"] if row.get("engine") == "litert")

    def said(**fields: object) -> list[str]:
        device = {"name": "mine", "title": "A board of mine", "engines": {"litert": litert}, "here": True, **fields}
        return run("recommend", saved("r", {**report, "device": device})).err.splitlines()

    assert "mine has no onnxruntime; it has litert" in said()
    assert f"measured with litert {litert}; mine has 1.4.0" in said(engines={"litert": "1.4.0"})
    elsewhere = "latency and memory are this machine's, not those of mine: measure there with --on ssh://…"
    assert elsewhere in said(here=False)
    assert elsewhere not in said()


@pytest.mark.parametrize("name", ["raspberry", "nowhere/mine.toml", "jetson-nano"])
def test_a_board_that_cannot_be_is_said_before_anything_else(run: Run, tmp_path: Path, name: str) -> None:
    run("benchmark", make_model(tmp_path, 1), "--out", tmp_path / "r", "--device", name, *QUICK).one_line_error()

    assert not (tmp_path / "r").exists()
