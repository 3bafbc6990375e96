"""`benchmark` measures every file it can load, and gives a row with the reason to the others."""

import json
from pathlib import Path

from making import Digits, Run


def test_a_report_has_accuracy_latency_and_size_of_every_configuration(
    digits: Digits, run: Run, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(digits.int8.read_bytes()[:5000])
    out = tmp_path / "report"

    result = run(
        "benchmark",
        digits.int8,
        digits.onnx,
        broken,
        "--data",
        "digits",
        "--out",
        out,
        "--threads",
        1,
        "--seconds",
        0.1,
    )

    report = json.loads((out / "report.json").read_text())
    assert result.code == 0
    assert result.out.splitlines()[-1] == str(out / "report.html")
    int8, onnx, failed = report["results"]
    for row, path, engine in ((int8, digits.int8, "litert"), (onnx, digits.onnx, "onnxruntime")):
        assert row["model"] == path.name
        assert row["engine"] == engine
        assert row["size_bytes"] == path.stat().st_size
        assert row["samples"] == len(row["answers"]) == 359
        assert row["accuracy"] > 0.97
        assert 0 < row["latency_ms"]["p50"] <= row["latency_ms"]["p95"] <= row["latency_ms"]["p99"]
        assert row["peak_rss_bytes"] > 20e6
        assert row["load_ms"] > 0
        assert row["threads"] == row["batch"] == 1
    assert int8["data_sha256"] == onnx["data_sha256"]
    assert "truncated or damaged" in failed["error"]
    assert report["environment"]["cores"] >= 1
    page = (out / "report.html").read_text()
    assert "<svg" in page
    assert "truncated or damaged" in page
    assert "| digits.int8.tflite |" in (out / "report.md").read_text()


def test_answers_are_those_of_evaluate(digits: Digits, run: Run, tmp_path: Path) -> None:
    run("benchmark", digits.int8, "--data", digits.pictures, "--out", tmp_path / "r", "--threads", 1, "--seconds", 0.1)
    row = json.loads((tmp_path / "r" / "report.json").read_text())["results"][0]

    evaluated = run("evaluate", digits.int8, digits.pictures, "--json").json()

    assert isinstance(evaluated, dict)
    assert row["accuracy"] == evaluated["accuracy"]
    assert row["samples"] == evaluated["samples"] == 20


def test_an_existing_report_is_kept_without_force(digits: Digits, run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("precious")

    line = run("benchmark", digits.int8, "--data", "digits", "--out", tmp_path).one_line_error()

    assert "--force" in line
    assert (tmp_path / "report.json").read_text() == "precious"
