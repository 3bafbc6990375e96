"""`compare` says what became worse, and is silent about noise."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from making import Run
from reports import Report, rows, with_runs

Save = Callable[[str, Report], Path]
INT8 = "int8.tflite"


def around(centre: float, *, seed: int, count: int = 10, spread: float = 0.01) -> list[float]:
    """Latencies of fresh processes; one is slow for no reason, as happens."""
    values = centre * np.exp(np.random.default_rng(seed).normal(0, spread, count))
    values[0] *= 1.4
    return [float(value) for value in values]


def test_a_slower_file_is_a_regression(report: Report, saved: Save, run: Run) -> None:
    old = saved("old", with_runs(report, INT8, around(10, seed=1)))
    new = saved("new", with_runs(report, INT8, around(10.5, seed=2)))

    result = run("compare", old, new, "--json")

    assert result.code == 1
    comparison = result.json()
    assert isinstance(comparison, dict)
    slower, *others = comparison["rows"]
    assert slower["latency"]["verdict"] == "slower"
    change = slower["latency"]["change"]
    assert slower["latency"]["new_ms"] == pytest.approx(slower["latency"]["old_ms"] * (1 + change))
    assert slower["latency"]["low"] < 0.05 < slower["latency"]["high"]
    assert [row["latency"]["verdict"] for row in others] == ["", ""]
    assert comparison["regressed"] is True


def test_a_faster_file_is_none(report: Report, saved: Save, run: Run) -> None:
    old = saved("old", with_runs(report, INT8, around(10.5, seed=1)))
    new = saved("new", with_runs(report, INT8, around(10, seed=2)))

    result = run("compare", old, new)

    assert result.code == 0
    assert "faster" in result.out
    assert result.out.splitlines()[-1].startswith("no regression")


def test_noise_is_seldom_taken_for_a_change(report: Report, saved: Save, run: Run) -> None:
    """One file against itself, twenty times: at most one is flagged."""
    codes = []
    for seed in range(20):
        old = saved("old", with_runs(report, INT8, around(10, seed=2 * seed, spread=0.02)))
        new = saved("new", with_runs(report, INT8, around(10, seed=2 * seed + 1, spread=0.02)))
        codes.append(run("compare", old, new).code)

    assert sum(codes) <= 1


def test_a_small_difference_is_no_regression_however_sure(report: Report, saved: Save, run: Run) -> None:
    old = saved("old", with_runs(report, INT8, around(10, seed=1, count=40, spread=0.001)))
    new = saved("new", with_runs(report, INT8, around(10.2, seed=2, count=40, spread=0.001)))

    assert run("compare", old, new).code == 0
    assert run("compare", old, new, "--fail-on", "latency:1%").code == 1


def test_a_slower_machine_is_no_slower_model(report: Report, saved: Save, run: Run) -> None:
    """The new report was made at 0.87 of the speed; its model is 8 % slower besides."""
    units = around(0.4, seed=3), around(0.46, seed=4)
    same = [
        saved(name, with_runs(report, INT8, around(10, seed=5), unit)) for name, unit in zip("ab", units, strict=True)
    ]
    slower = saved("c", with_runs(report, INT8, around(10.8, seed=6, spread=0.003), units[1]))

    assert run("compare", *same).code == 0
    assert run("compare", same[0], slower).code == 1


def test_a_model_that_follows_the_machine_only_in_part_is_not_flagged_for_it(
    report: Report, saved: Save, run: Run
) -> None:
    """Latency grows by 0.7 of what the reference does; the new report was made on a machine that is slower by a quarter."""
    random = np.random.default_rng(0)

    def made(speed: float) -> Report:
        units = speed * np.exp(random.normal(0, 0.1, 12))
        relatives = 10 * units**-0.3 * np.exp(random.normal(0, 0.01, 12))
        return with_runs(report, INT8, relatives.tolist(), units.tolist())

    assert run("compare", saved("old", made(0.4)), saved("new", made(0.5))).code == 0


def test_lost_accuracy_is_a_regression(report: Report, saved: Save, run: Run) -> None:
    """Three points of 372 pictures, eleven answers."""
    old = saved("old", _answering(report, wrong=30, of=372))
    new = saved("new", _answering(report, wrong=41, of=372))

    result = run("compare", old, new, "--json")

    assert result.code == 1
    comparison = result.json()
    assert isinstance(comparison, dict)
    change = comparison["rows"][0]["accuracy"]
    assert (change["lost"], change["won"], change["verdict"]) == (11, 0, "worse")
    assert change["p_value"] == pytest.approx(3 * 2 * 0.5**11)  # Holm: three configurations
    assert comparison["rows"][0]["answers_changed"] == 11


def test_answers_that_turn_both_ways_are_none(report: Report, saved: Save, run: Run) -> None:
    old = saved("old", _answering(report, wrong=30, of=372))
    changed = _answering(report, wrong=0, of=372)
    for row in changed["results"][:3]:
        row["answers"] = [(answer + (300 <= number < 328)) % 10 for number, answer in enumerate(row["answers"])]
    result = run("compare", old, saved("new", changed))

    assert result.code == 0
    assert "(-28 +30)" in result.out


def _answering(report: Report, *, wrong: int, of: int) -> Report:
    """The report as if on so many pictures, the first `wrong` of which every file answers wrongly."""
    changed: Report = json.loads(json.dumps(report))
    targets = [number % 10 for number in range(of)]
    pictures = [{"name": f"{number}.png", "sha256": f"{number:064}"} for number in range(of)]
    changed["data"] |= {"targets": targets, "samples": of, "pictures": pictures}
    for row in changed["results"][:3]:
        answers = [(target + (number < wrong)) % 10 for number, target in enumerate(targets)]
        row |= {"answers": answers, "scores": [0.5] * of, "samples": of, "accuracy": 1 - wrong / of}
    return changed


def test_a_file_that_no_longer_runs_is_a_regression(report: Report, saved: Save, run: Run) -> None:
    new = json.loads(json.dumps(report))
    (row,) = rows(new, INT8)
    where = new["results"].index(row)
    new["results"][where] = {**{key: row[key] for key in ("model", "engine", "threads", "batch")}, "error": "too new"}

    result = run("compare", saved("old", report), saved("new", new))

    assert result.code == 1
    assert "no longer runs: " in result.out
    assert "too new" in result.out


def test_a_renamed_file_is_found_by_what_it_is(report: Report, saved: Save, run: Run) -> None:
    new = json.loads(json.dumps(report))
    rows(new, INT8)[0]["model"] = "second_try.tflite"

    result = run("compare", saved("old", report), saved("new", new), "--json")

    comparison = result.json()
    assert isinstance(comparison, dict)
    assert len(comparison["rows"]) == 3
    assert any(row["name"].startswith("second_try.tflite") for row in comparison["rows"])


def test_what_is_not_measured_any_more_is_a_regression_unless_it_is_meant(
    report: Report, saved: Save, run: Run
) -> None:
    new = json.loads(json.dumps(report))
    new["results"] = rows(new, INT8)
    paths = saved("old", report), saved("new", new)

    result, meant = run("compare", *paths), run("compare", *paths, "--anyway")

    assert (result.code, meant.code) == (1, 0)
    assert "only in the old report: " in result.out
    assert "only in the old report: " in meant.out
    assert "2 not measured any more" in result.out.splitlines()[-1]
    assert run("compare", *reversed(paths)).code == 0


def test_a_way_that_fails_breaks_no_other(report: Report, saved: Save, run: Run) -> None:
    """The new report did not try 4 threads, and could not run on 2: two different things."""
    old, new = (json.loads(json.dumps(report)) for _ in range(2))
    (row,) = rows(old, INT8)
    old["results"] += [{**row, "threads": 2}, {**row, "threads": 4}]
    failed = {**{key: row[key] for key in ("model", "batch")}, "engine": "auto", "threads": 2, "error": "crashed"}
    new["results"] += [failed]

    comparison = run("compare", saved("old", old), saved("new", new), "--json").json()

    assert isinstance(comparison, dict)
    assert [one["name"].partition(" · ")[2] for one in comparison["broken"]] == ["litert · 2 threads"]
    assert [one.partition(" · ")[2] for one in comparison["missing"]] == ["litert · 4 threads"]


def test_a_renamed_file_that_fails_is_no_success(report: Report, saved: Save, run: Run) -> None:
    new = json.loads(json.dumps(report))
    (row,) = rows(new, INT8)
    failed = {"model": "renamed.tflite", "engine": "auto", "threads": 1, "batch": 1, "error": "damaged"}
    new["results"][new["results"].index(row)] = failed

    assert run("compare", saved("old", report), saved("new", new)).code == 1


def test_rows_that_are_there_twice_are_compared_twice(report: Report, saved: Save, run: Run) -> None:
    """--engine auto,litert measures a .tflite twice as litert."""
    twice = json.loads(json.dumps(report))
    twice["results"] += rows(twice, INT8)
    path = saved("twice", twice)

    comparison = run("compare", path, path, "--json").json()

    assert isinstance(comparison, dict)
    assert len(comparison["rows"]) == 4


def test_machines_differ_in_latency_by_nature(report: Report, saved: Save, run: Run) -> None:
    """What another machine takes is said and not judged; answers are."""
    old = saved("old", with_runs(report, INT8, around(10, seed=1)))
    slower = with_runs(report, INT8, around(30, seed=2))
    slower["environment"]["board"] = "Raspberry Pi 5 Model B Rev 1.0"

    result = run("compare", old, saved("new", slower), "--anyway", "--json")

    assert result.code == 0
    row = result.json()["rows"][0]  # type: ignore[index]
    assert row["latency"]["change"] > 1
    assert (row["latency"]["verdict"], row["latency"]["p_value"]) == ("", None)


def test_processors_of_one_name_that_can_do_different_things_are_different_machines(
    report: Report, saved: Save, run: Run
) -> None:
    report["environment"]["cpu_features"] = ["avx2", "fma"]
    new = json.loads(json.dumps(report))
    new["environment"]["cpu_features"] = ["avx2", "avx512_vnni"]
    paths = saved("old", report), saved("new", new)

    line = run("compare", *paths).one_line_error()

    assert "they were measured on different machines (" in line
    assert "features of the CPU: -fma +avx512_vnni" in line
    assert "how they differ is stated, not judged" in run("compare", *paths, "--anyway").out


def test_one_core_is_one_core(report: Report, saved: Save, run: Run) -> None:
    new = json.loads(json.dumps(report))
    report["environment"] |= {"board": None, "cores": 1}
    new["environment"] |= {"board": None, "cores": 2}

    line = run("compare", saved("old", report), saved("new", new)).one_line_error()

    assert "1 core, " in line
    assert "2 cores, " in line


def test_the_same_pictures_with_other_labels_are_called_that(report: Report, saved: Save, run: Run) -> None:
    new = json.loads(json.dumps(report))
    new["data"] |= {"sha256": "0" * 64, "targets": [(target + 1) % 10 for target in new["data"]["targets"]]}

    line = run("compare", saved("old", report), saved("new", new)).one_line_error()

    assert "their pictures are the same, with other labels" in line


def test_fail_on_judges_what_it_names(report: Report, saved: Save, run: Run) -> None:
    old = saved("old", with_runs(report, INT8, around(10, seed=1)))
    new = saved("new", with_runs(report, INT8, around(12, seed=2)))

    assert run("compare", old, new).code == 1
    assert run("compare", old, new, "--fail-on", "accuracy:1").code == 0
    assert run("compare", old, new, "--fail-on", "accuracy:1,latency:5%").code == 1


def test_other_pictures_do_not_bring_the_machines_drift_back(report: Report, saved: Save, run: Run) -> None:
    """The machine of the new report was slower by a third, and so was the reference; its pictures are others, too."""
    old = with_runs(report, INT8, around(10, seed=1), around(0.4, seed=3))
    new = with_runs(report, INT8, around(10, seed=2), around(0.54, seed=4))
    new["data"]["sha256"] = "0" * 64

    result = run("compare", saved("old", old), saved("new", new), "--anyway")

    assert result.code == 0
    assert "no common reference" not in result.out


def test_answers_are_compared_on_the_pictures_that_both_reports_have(report: Report, saved: Save, run: Run) -> None:
    """Ten pictures were added, which every file answers wrongly: nothing became worse by that."""
    new = json.loads(json.dumps(report))
    new["data"]["sha256"] = "0" * 64
    added = [{"name": f"new/{number}.png", "sha256": f"{number:064}"} for number in range(10)]
    new["data"] |= {"samples": 30, "pictures": added + new["data"]["pictures"]}
    new["data"]["targets"] = [0] * 10 + new["data"]["targets"]
    for row in new["results"][:3]:
        row |= {"answers": [1] * 10 + row["answers"], "scores": [0.5] * 10 + row["scores"], "samples": 30}
    (int8,) = rows(new, INT8)
    turned = (int8["answers"][12] + 1) % 10
    int8["answers"][12] = turned

    comparison = run("compare", saved("old", report), saved("new", new), "--anyway", "--json").json()

    assert isinstance(comparison, dict)
    assert "answers are compared on the 20 pictures that both reports have" in comparison["notes"]
    changed, *others = comparison["rows"]
    (one,) = changed["turned"]
    assert one["picture"] == report["data"]["pictures"][2]["name"]
    assert one["new"] == str(turned)
    assert [row["accuracy"]["old"] == row["accuracy"]["new"] for row in others] == [True, True]


def test_what_was_installed_in_between_is_said(report: Report, saved: Save, run: Run) -> None:
    new = json.loads(json.dumps(report))
    new["environment"]["packages"]["ai-edge-litert"] = "99.0"
    new["environment"]["governor"] = "performance"

    result = run("compare", saved("old", report), saved("new", new))

    (line,) = [line for line in result.out.splitlines() if "not the same between them" in line]
    assert "→ 99.0" in line
    assert "governor" in line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no JSON"),
        ("[]", "is no report"),
        ('{"results": [], "format": 99}', "is a report of format 99; this version reads 3"),
        ('{"results": [], "format": 3}', "is damaged: report: field 'edgeship' is missing"),
    ],
)
def test_a_file_that_is_no_report_is_said(
    report: Report, saved: Save, run: Run, tmp_path: Path, content: str, said: str
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(content)

    assert said in run("compare", saved("old", report), wrong).one_line_error()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda new: new["results"][0].update(answers=[1, 2]), "2 answers and 20 scores to 20 pictures"),
        (lambda new: new["results"][0]["answers"].__setitem__(3, 77), "an answer is none of the 10 labels"),
        (lambda new: new["data"].update(targets=[]), "20 samples, 20 pictures, 0 targets"),
        (lambda new: new["data"]["targets"].__setitem__(3, -1), "a target is none of the 10 labels"),
        (lambda new: new["data"].update(samples=3, pictures=new["data"]["pictures"][:3], targets=[0, 0, 0]), "has 20"),
        (lambda new: new["results"][0]["latency_ms"].update(p50=0), "p50 is 0"),
        (lambda new: new["results"][0]["latency_ms"].update(distribution=[1.0]), "the distribution of 1 quantiles"),
    ],
)
def test_a_report_whose_parts_do_not_fit_is_damaged(
    report: Report, saved: Save, run: Run, change: Callable[[Report], None], said: str
) -> None:
    path = saved("old", report)
    change(report)

    line = run("compare", path, saved("new", report)).one_line_error()

    assert "new.json is damaged: " in line
    assert said in line


def test_a_report_that_is_not_there_is_said(report: Report, saved: Save, run: Run, tmp_path: Path) -> None:
    assert "no such file" in run("compare", saved("old", report), tmp_path / "none.json").one_line_error()


def test_markdown_is_a_table_under_the_verdict(report: Report, saved: Save, run: Run) -> None:
    path = saved("old", report)

    lines = run("compare", path, path, "--format", "markdown").out.splitlines()

    assert lines[0].startswith("**no regression")
    assert lines[2].startswith("| configuration | p50 ms | change | accuracy, % |")
    assert {line.count("|") for line in lines[2:7]} == {9}


def test_too_few_runs_are_said_not_judged(report: Report, saved: Save, run: Run) -> None:
    path = saved("old", report)  # of two blocks

    result = run("compare", path, path)

    assert result.code == 0
    assert "too few runs to compare latencies in 3 of 3" in result.out
    assert result.out.splitlines()[-1].endswith("; latency is not judged in 3 of 3 configurations")
    assert "not judged" not in run("compare", path, path, "--fail-on", "accuracy:1").out.splitlines()[-1]


@pytest.mark.parametrize("wrong", ["latency", "latency:-1", "size:5%", "accuracy:much"])
def test_limits_that_cannot_be_are_usage(report: Report, saved: Save, run: Run, wrong: str) -> None:
    path = saved("old", report)

    assert run("compare", path, path, "--fail-on", wrong).code == 2
