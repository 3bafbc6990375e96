"""`recommend` picks the fastest configuration that fits and is as accurate as the pictures can tell."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from making import Run
from reports import Report, rows

Save = Callable[[str, Report], Path]


@pytest.fixture
def table(report: Report) -> Report:
    """int8: fast, small, nearly as right; float32: slow, large, right; onnx: slower still, no better."""
    made: Report = json.loads(json.dumps(report))
    targets = [number % 10 for number in range(400)]
    pictures = [{"name": f"{number}.png", "sha256": f"{number:064}"} for number in range(400)]
    made["data"] |= {"targets": targets, "samples": 400, "pictures": pictures}
    for suffix, latency, size, wrong in (
        ("int8.tflite", 3, 1e6, 24),
        ("float32.tflite", 6, 4e6, 20),
        (".onnx", 7, 4e6, 20),
    ):
        (row,) = rows(made, suffix)
        answers = [(target + (number < wrong)) % 10 for number, target in enumerate(targets)]
        row |= {"answers": answers, "scores": [0.5] * 400, "samples": 400, "accuracy": 1 - wrong / 400}
        row["latency_ms"] |= {"p50": latency, "p95": 2.0 * latency}
        row |= {"size_bytes": int(size), "peak_rss_bytes": int(10 * size), "accuracy_interval": [0.9, 0.97]}
    return made


def test_the_fastest_that_is_as_accurate_as_the_best_is_picked(table: Report, saved: Save, run: Run) -> None:
    result = run("recommend", saved("r", table), "--json")

    answer = result.json()
    assert result.code == 0
    assert isinstance(answer, dict)
    assert answer["pick"]["model"].endswith("int8.tflite")
    assert any("not told apart from the most accurate" in reason for reason in answer["reasons"])
    front = [row["model"].rpartition(".float32.")[2] for row in answer["configurations"] if row["pareto"]]
    assert front == [answer["pick"]["model"], "tflite"]


def test_one_that_is_clearly_less_accurate_is_not(table: Report, saved: Save, run: Run) -> None:
    (row,) = rows(table, "int8.tflite")
    row["answers"] = [(answer + (100 <= number < 112)) % 10 for number, answer in enumerate(row["answers"])]
    row["accuracy"] = 0.91

    result = run("recommend", saved("r", table))

    assert "\nship " in result.out
    assert result.out.partition("\nship ")[2].splitlines()[0].startswith(rows(table, "float32.tflite")[0]["model"])
    assert "is faster (3 ms) but less accurate (91.0 %)" in result.out


def known_to(table: Report, width: float) -> Report:
    """The table, each latency known to ± `width` against the others."""
    for row in table["results"][:3]:
        row["precision"] |= {"relative": width, "half_width": 2 * width}
    return table


def test_where_the_runs_do_not_tell_which_is_the_fastest_the_smallest_is_picked(
    table: Report, saved: Save, run: Run
) -> None:
    """float32 was faster by 1 %; int8 is a quarter of its size."""
    rows(table, "int8.tflite")[0]["latency_ms"]["p50"] = 6.06

    vague = run("recommend", saved("vague", known_to(table, 0.01)))
    sure = run("recommend", saved("sure", known_to(table, 0.001)))

    int8, float32 = (rows(table, suffix)[0]["model"] for suffix in ("int8.tflite", "float32.tflite"))
    assert f"\nship {int8}" in vague.out
    assert f"as fast as {float32}" in vague.out
    assert "(6 ms), as far as the runs tell; 1,000 kB against 4,000" in vague.out
    assert "less accurate" not in vague.out
    assert f"\nship {float32}" in sure.out


def test_of_threads_that_bring_nothing_fewer_are_picked(table: Report, saved: Save, run: Run) -> None:
    (row,) = rows(known_to(table, 0.02), "int8.tflite")
    twice = json.loads(json.dumps(row)) | {"threads": 2}
    twice["latency_ms"]["p50"] = 2.95
    table["results"] = [row, twice]

    result = run("recommend", saved("r", table), "--json")

    answer = result.json()
    assert isinstance(answer, dict)
    assert answer["pick"]["threads"] == 1
    assert any("as far as the runs tell; 1 thread against 2" in reason for reason in answer["reasons"])


def test_batches_are_shown_by_the_picture_as_they_are_compared(table: Report, saved: Save, run: Run) -> None:
    (row,) = rows(table, "int8.tflite")
    table["results"].append({**row, "batch": 8, "latency_ms": row["latency_ms"] | {"p50": 20.0}})

    heading, first, *_ = run("recommend", saved("r", table)).out.splitlines()

    assert "p50 ms  ms a picture" in heading
    assert "batch 8" in first
    assert " 20           2.5 " in first


def test_what_was_not_measured_is_said_beside_the_pick(table: Report, saved: Save, run: Run) -> None:
    assert "broken.tflite: not measured: " in run("recommend", saved("r", table)).err


def test_limits_are_kept(table: Report, saved: Save, run: Run) -> None:
    path = saved("r", table)

    def pick(*limits: object) -> str:
        answer = run("recommend", path, "--json", *limits).json()
        assert isinstance(answer, dict)
        return str(answer["pick"]["model"])

    assert pick("--min-accuracy", "0.945").endswith("float32.tflite")
    assert pick("--max-latency-ms", 4).endswith("int8.tflite")
    assert pick("--max-latency-ms", 6.5, "--quantile", "p95").endswith("int8.tflite")
    assert pick("--max-size-kb", 1000, "--max-memory-mb", 10).endswith("int8.tflite")


def test_where_nothing_fits_the_nearest_is_named_and_the_answer_is_no(table: Report, saved: Save, run: Run) -> None:
    result = run("recommend", saved("r", table), "--max-latency-ms", 5, "--min-accuracy", "94.5%")

    assert result.code == 1
    last = result.out.splitlines()[-1]
    assert last.startswith("nothing fits; nearest is ")
    assert "int8.tflite" in last
    assert "accuracy 94.0 %, at least 94.5 wanted" in last


def test_without_labels_the_fastest_is_picked_and_no_accuracy_can_be_asked_for(
    table: Report, saved: Save, run: Run
) -> None:
    table["data"] |= {"labels": [], "targets": []}
    for row in table["results"][:3]:
        row |= {"accuracy": None, "accuracy_interval": None, "per_label": None}
    path = saved("r", table)

    assert "the fastest here" in run("recommend", path).out
    assert "has no labels" in run("recommend", path, "--min-accuracy", 0.5).one_line_error()


def test_a_report_in_which_nothing_ran_is_said(table: Report, saved: Save, run: Run) -> None:
    table["results"] = table["results"][-1:]

    line = run("recommend", saved("r", table)).one_line_error()

    assert "nothing in this report was measured: broken.tflite: not measured: " in line


def test_few_pictures_do_not_make_a_worse_file_as_good(table: Report, saved: Save, run: Run) -> None:
    """17 right of 20 against 20 is p = 0.25: not told apart, and fifteen points worse."""
    fewer = json.loads(json.dumps(table))
    fewer["data"] |= {key: fewer["data"][key][:20] for key in ("targets", "pictures")} | {"samples": 20}
    for row in fewer["results"][:3]:
        wrong = 3 if row["model"].endswith("int8.tflite") else 0
        answers = [(target + (number < wrong)) % 10 for number, target in enumerate(fewer["data"]["targets"])]
        row |= {"answers": answers, "scores": [0.5] * 20, "samples": 20, "accuracy": 1 - wrong / 20}

    result = run("recommend", saved("r", fewer))

    assert result.out.partition("\nship ")[2].splitlines()[0].startswith(rows(fewer, "float32.tflite")[0]["model"])
    assert "is faster (3 ms) but less accurate (85.0 %)" in result.out


def test_a_pick_that_few_pictures_speak_for_says_what_it_may_lose(table: Report, saved: Save, run: Run) -> None:
    fewer = json.loads(json.dumps(table))
    fewer["data"] |= {key: fewer["data"][key][30:80] for key in ("targets", "pictures")} | {"samples": 50}
    for row in fewer["results"][:3]:
        row |= {"answers": row["answers"][30:80], "scores": [0.5] * 50, "samples": 50, "accuracy": 1.0}
        if row["model"].endswith("int8.tflite"):
            row["answers"][0] = (row["answers"][0] + 1) % 10
            row["accuracy"] = 0.98

    result = run("recommend", saved("r", fewer))

    assert "50 pictures are too few to tell: it may lose up to 6." in result.out


def test_a_limit_inside_the_interval_of_the_latency_is_said(table: Report, saved: Save, run: Run) -> None:
    (row,) = rows(table, "int8.tflite")
    row["latency_ms"]["p50_interval"] = [2.9, 4.8]

    assert "its p50 may be as high as 4.8 ms" in run("recommend", saved("r", table), "--max-latency-ms", 4).out
    assert "may be as high" not in run("recommend", saved("r", table), "--max-latency-ms", 5).out


def test_batches_are_weighed_by_the_picture_everywhere(table: Report, saved: Save, run: Run) -> None:
    """Eight pictures in 20 ms are faster than one in 3."""
    (row,) = rows(table, "int8.tflite")
    many = json.loads(json.dumps(row)) | {"batch": 8}
    many["latency_ms"] |= {"p50": 20.0, "p50_interval": None}
    table["results"].insert(0, many)

    answer = run("recommend", saved("r", table), "--json").json()

    assert isinstance(answer, dict)
    assert answer["pick"]["batch"] == 8
    assert answer["configurations"][0]["batch"] == 8
    assert any("2.4 × as fast as that" in reason for reason in answer["reasons"])


def test_the_page_of_a_boards_report_is_drawn_where_it_can_be(
    report: Report, saved: Save, run: Run, tmp_path: Path
) -> None:
    path, page = saved("from-a-board", report), tmp_path / "report.html"

    assert run("recommend", path, "--page", page).code == 0

    assert page.read_text().count("<svg") == 3
    assert "--force" in run("recommend", path, "--page", page).one_line_error()
