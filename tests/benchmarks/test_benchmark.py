"""`benchmark` measures every file it can load, and gives a row with the reason to the others."""

import dataclasses
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeship_benchmarks.gathering import open_pictures
from edgeship_benchmarks.reporting import text
from edgeship_benchmarks.reporting.report import read_report
from edgeship_runtime.model_file import ModelFile, assemble
from environments import ROOT
from making import Digits, Run
from reports import Report

QUICK = ("--threads", 1, "--blocks", 1, "--most-blocks", 1, "--seconds", 0.02)


def test_a_report_says_of_every_configuration_how_good_how_fast_and_how_large_it_is(
    measured: Path, digits: Digits
) -> None:
    report = json.loads((measured / "report.json").read_text())

    *rows, failed = report["results"]
    assert [row["model"] for row in rows] == [path.name for path in (digits.int8, digits.float32, digits.onnx)]
    for row, path in zip(rows, (digits.int8, digits.float32, digits.onnx), strict=True):
        assert row["size_bytes"] == path.stat().st_size
        assert row["engine"] == ("onnxruntime" if path == digits.onnx else "litert")
        assert row["samples"] == len(row["answers"]) == len(row["scores"]) == 20
        assert row["accuracy_interval"][0] < row["accuracy"] <= row["accuracy_interval"][1]
        latency = row["latency_ms"]
        assert 0 < latency["p50"] <= latency["p90"] <= latency["p95"] <= latency["p99"]
        assert row["end_to_end_ms"]["p50"] > latency["p50"]
        assert row["throughput_per_s"] == pytest.approx(1e3 / latency["p50"], rel=1e-3)
        assert min(latency["first"], row["load_ms"], row["import_ms"]) > 0
        assert row["peak_rss_bytes"] > 20e6
        assert {one["label"]: one["samples"] for one in row["per_label"]} == dict.fromkeys(map(str, range(10)), 2)
        assert row["data_sha256"] == report["data"]["sha256"]
    assert failed["model"] == "broken.tflite"
    assert "truncated or damaged" in failed["error"]


def test_processes_take_turns_in_blocks(measured: Path) -> None:
    report = json.loads((measured / "report.json").read_text())

    blocks = [run["block"] for row in report["results"][:-1] for run in row["runs"] if not run["again"]]
    assert Counter(blocks) == {0: 3, 1: 3}
    times = sorted((run["at_s"], run["block"]) for row in report["results"][:-1] for run in row["runs"])
    assert [block for _, block in times] == sorted(block for _, block in times)


def test_few_processes_give_no_interval_and_the_precision_is_not_reached(measured: Path) -> None:
    row = json.loads((measured / "report.json").read_text())["results"][0]

    assert len(row["runs"]) < 5
    assert row["latency_ms"]["p50_interval"] is None
    assert row["precision"] == {"asked": 0.01, "half_width": None, "relative": None, "reached": False}


@pytest.mark.parametrize(
    ("in_ms", "relative", "said"),
    [
        (0.003, 0.034, "not reached in 3 of 3 configurations; against the reference the widest is ± 3.4 %"),
        (0.034, 0.033, "not reached in 3 of 3 configurations; the widest is ± 3.4 %"),
        (0.2, 0.02, "± 20.0 %, because the machine changed its speed; against each other they are known to ± 2.0 %"),
    ],
)
def test_a_precision_that_is_not_reached_is_said_with_the_width_that_is_too_much(
    report: Report, saved: Callable[[str, Report], Path], in_ms: float, relative: float, said: str
) -> None:
    for row in report["results"][:3]:
        row["precision"] |= {"half_width": in_ms, "relative": relative}

    assert text.notes(read_report(saved("r", report)))[0].endswith(said)


def test_agreement_is_with_the_float_file_of_the_same_parent_or_the_one_its_export_proved(measured: Path) -> None:
    int8, float32, _, _ = json.loads((measured / "report.json").read_text())["results"]

    assert int8["agreement"]["parent"] == float32["model"]
    assert int8["agreement"]["samples"] == 20
    assert float32["agreement"]["parent"] is None
    assert float32["agreement"]["samples"] > 100


def test_a_picture_that_cannot_be_decoded_is_left_out_and_named(measured: Path) -> None:
    data = json.loads((measured / "report.json").read_text())["data"]

    assert (data["samples"], len(data["targets"])) == (20, 20)
    (lost,) = data["unreadable"]
    assert lost["name"] == "3/torn.png"
    assert lost["error"]


def test_the_environment_is_looked_at_before_and_after(measured: Path) -> None:
    report = json.loads((measured / "report.json").read_text())

    assert report["environment"]["cores"] >= 1
    assert report["environment"]["packages"]["numpy"]
    assert {"clock_mhz", "temperature_c", "throttled", "load_1min"} <= set(report["before"]) & set(report["after"])


def test_a_report_reads_back_as_written(measured: Path) -> None:
    report = read_report(measured)

    assert report.to_json() == json.loads((measured / "report.json").read_text())


def test_every_field_of_a_report_is_documented(measured: Path) -> None:
    page = (ROOT / "docs" / "report-format.md").read_text()
    value = json.loads((measured / "report.json").read_text())

    assert {name for name in _fields(value) if f"`{name}`" not in page} == set()


def _fields(value: object) -> set[str]:
    if isinstance(value, dict):
        data = {key: item for key, item in value.items() if key != "packages"}
        return set(data) | {"packages"} & set(value) | {name for item in data.values() for name in _fields(item)}
    if isinstance(value, list):
        return {name for item in value for name in _fields(item)}
    return set()


def test_the_page_is_self_contained_and_tells_what_did_not_run(measured: Path) -> None:
    page = (measured / "report.html").read_text()

    assert page.count("<svg") == 3
    assert "broken.tflite" in page
    assert "truncated or damaged" in page
    assert not [sign for sign in ("<script", "<link", 'src="', "@import") if sign in page]
    assert set(re.findall(r"url\((.)", page)) == {"#"}  # what a chart is clipped by


def test_markdown_has_a_row_for_each_file(measured: Path, digits: Digits) -> None:
    text = (measured / "report.md").read_text()

    assert f"| {digits.int8.name} | litert | 1 |" in text
    assert "- broken.tflite: not measured: " in text


def test_markdown_folds_the_other_figures_the_conditions_and_the_way_to_measure_again(
    measured: Path, digits: Digits
) -> None:
    text, report = (measured / "report.md").read_text(), json.loads((measured / "report.json").read_text())

    shown, _, folded = text.partition("<details>")
    assert "as float parent, %" in shown
    assert "p99 ms" not in shown
    assert "| load ms | first ms | p90 ms | p99 ms |" in folded
    assert "| the machine | before | during | after |" in folded
    assert f"{digits.int8.name}: sha256 `{report['results'][0]['sha256']}`" in folded
    assert report["command"] in folded
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_rows_of_a_file_that_answer_alike_are_one_in_the_tables_of_answers(
    report: Report, saved: Callable[[str, Report], Path], run: Run, tmp_path: Path
) -> None:
    first = report["results"][0]
    report["results"] += [{**first, "threads": 2}, {**first, "threads": 4}]

    run("recommend", saved("r", report), "--page", tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text()
    assert f"<summary>1, 4–5: {first['model']} · litert</summary>" in page
    by_label = page.partition("<h3>By label</h3>")[2].partition("</section>")[0]
    assert by_label.count("<summary>") == 3


def test_the_page_tells_what_the_machine_was_like_during_the_measuring(measured: Path) -> None:
    page, report = (measured / "report.html").read_text(), json.loads((measured / "report.json").read_text())

    assert "<th>before</th><th>during</th><th>after</th>" in page
    runs = [run for row in report["results"][:-1] for run in row["runs"]]
    disturbed = sum(bool(run["disturbed"]) for run in runs)
    assert f"<td>disturbed runs</td><td></td><td>{disturbed} of {len(runs)}</td>" in page


def test_answers_are_those_of_evaluate(digits: Digits, run: Run, tmp_path: Path) -> None:
    benchmark = run(
        "benchmark", digits.int8, "--data", digits.pictures, "--out", tmp_path / "r", *QUICK, "--json"
    ).json()
    evaluated = run("evaluate", digits.int8, digits.pictures, "--json").json()

    assert isinstance(benchmark, dict)
    assert isinstance(evaluated, dict)
    (row,) = benchmark["results"]
    assert (row["accuracy"], row["samples"]) == (evaluated["accuracy"], evaluated["samples"])
    assert row["per_label"] == evaluated["per_label"]
    assert (tmp_path / "r" / "report.html").exists()


def test_pictures_without_labels_give_latency_alone(digits: Digits, run: Run, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for path in digits.pictures.glob("*/*.png"):
        shutil.copy(path, pictures / f"{path.parent.name}-{path.name}")

    result = run("benchmark", digits.int8, "--data", pictures, "--out", tmp_path / "r", *QUICK)

    assert result.code == 0
    assert "no labels: latency alone" in result.err
    (row,) = json.loads((tmp_path / "r" / "report.json").read_text())["results"]
    assert (row["accuracy"], row["per_label"], row["samples"]) == (None, None, 20)
    assert row["latency_ms"]["p50"] > 0
    assert "accuracy" not in result.out


def test_pictures_beside_the_folders_of_the_labels_are_said_not_lost(digits: Digits, run: Run, tmp_path: Path) -> None:
    pictures = shutil.copytree(digits.pictures, tmp_path / "pictures")
    one = next(pictures.glob("3/*.png"))
    shutil.copy(one, pictures / "loose.PNG")

    said = run("benchmark", tmp_path / "none.tflite", "--data", pictures, "--out", tmp_path / "r", *QUICK).err
    alone = open_pictures(f"{pictures}/*.*")

    assert f"left out: 1 picture beside the labels' folders; --data '{pictures}/*.*' takes these alone" in said
    assert (alone.name, alone.labels, len(alone.pictures)) == ("pictures/*.*", (), 1)


def test_labels_the_model_does_not_know_are_a_row_with_the_reason(
    digits: Digits, painted: Path, run: Run, tmp_path: Path
) -> None:
    result = run("benchmark", digits.int8, "--data", painted, "--out", tmp_path / "r", *QUICK)

    assert result.code == 1
    (failed,) = json.loads((tmp_path / "r" / "report.json").read_text())["results"]
    assert "has the label 'blue', which the model does not know" in failed["error"]
    assert failed["error"] in result.err


def test_an_engine_that_does_not_run_the_format_is_a_row_with_the_reason(
    digits: Digits, run: Run, tmp_path: Path
) -> None:
    options = ("--data", digits.pictures, "--out", tmp_path / "r", "--engine", "litert-builtin", *QUICK)

    assert run("benchmark", digits.int8, digits.onnx, *options).code == 0

    builtin, failed = json.loads((tmp_path / "r" / "report.json").read_text())["results"]
    assert builtin["engine"] == "litert-builtin"
    assert failed["error"].startswith(f"{digits.onnx.name}: litert-builtin does not run .onnx files; use --engine onnx")


def test_batches_are_timed_as_one_inference(digits: Digits, run: Run, tmp_path: Path) -> None:
    options = ("--data", digits.pictures, "--out", tmp_path / "r", "--batch", 8, *QUICK)

    assert run("benchmark", digits.float32, *options).code == 0

    (row,) = json.loads((tmp_path / "r" / "report.json").read_text())["results"]
    assert row["batch"] == 8
    assert row["throughput_per_s"] == pytest.approx(8e3 / row["latency_ms"]["p50"], rel=1e-3)
    assert row["samples"] == 20


def test_parity_names_the_pictures_that_files_answer_differently(digits: Digits, run: Run, tmp_path: Path) -> None:
    """A file whose labels are turned round by one answers every picture differently."""
    model = ModelFile.open(digits.float32)
    labels = model.manifest.labels
    turned = tmp_path / "turned.tflite"
    manifest = dataclasses.replace(model.manifest, labels=(*labels[1:], labels[0]), golden=())
    turned.write_bytes(assemble("tflite", model.raw.model, manifest, {}))
    options = ("--data", digits.pictures, "--out", tmp_path / "r", "--parity", *QUICK)

    assert run("benchmark", digits.float32, turned, *options).code == 0

    parity = json.loads((tmp_path / "r" / "report.json").read_text())["parity"]
    ways = [(way["model"], way["engine"]) for way in parity["ways"]]
    # and whatever else is installed that runs .tflite
    assert set(ways) >= {
        (name, e) for name in (digits.float32.name, "turned.tflite") for e in ("litert", "litert-builtin")
    }
    for way, counts in zip(ways, parity["differ"], strict=True):
        assert counts == [0 if way[0] == other[0] else 20 for other in ways]
    assert len(parity["pictures"]) == 20
    one = parity["pictures"][0]
    assert one["name"].startswith(f"{one['label']}/")
    assert len({answer["label"] for answer in one["answers"]}) == 2
    assert "Parity" in (tmp_path / "r" / "report.html").read_text()


def test_an_existing_report_is_kept_without_force(digits: Digits, run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("precious")

    line = run("benchmark", digits.int8, "--data", "digits", "--out", tmp_path).one_line_error()

    assert "--force" in line
    assert (tmp_path / "report.json").read_text() == "precious"


@pytest.mark.parametrize(
    "wrong",
    [
        ("--precision", "much"),
        ("--precision", "0%"),
        ("--seconds", "0"),
        ("--blocks", "9", "--most-blocks", "3"),
        ("--engine", "litter"),
    ],
)
def test_options_that_cannot_be_are_usage(digits: Digits, run: Run, tmp_path: Path, wrong: tuple[str, ...]) -> None:
    assert run("benchmark", digits.int8, "--data", "digits", "--out", tmp_path / "r", *wrong).code == 2
    assert list(tmp_path.iterdir()) == []
