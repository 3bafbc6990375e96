"""`run` on many pictures and on videos: everything is answered, in order, whatever happens on the way."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeship_runtime import Classifier
from edgeship_runtime.model_file import MANIFEST, ModelFile, assemble
from making import Digits, Run

COMMAND = [sys.executable, "-m", "edgeship_runtime.cli", "run"]


@pytest.fixture
def many(digits: Digits, tmp_path: Path) -> Path:
    """Two hundred pictures in order, of sizes from a thumbnail to a photo, so that some take far longer than others."""
    originals = sorted(digits.pictures.rglob("*.png"))
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(200):
        with Image.open(originals[number % len(originals)]) as picture:
            side = 2000 if number % 17 == 0 else 32
            picture.resize((side, side)).save(folder / f"{number:03}.png", compress_level=1)
    return folder


def answers(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


# In order


@pytest.mark.parametrize("threads", [1, 3])
def test_all_pictures_are_answered_in_order_as_one_by_one(digits: Digits, run: Run, many: Path, threads: int) -> None:
    result = run("run", digits.int8, many, "--json", "--threads", threads)

    lines = answers(result.out)
    assert (result.code, result.err) == (0, "")
    assert [Path(line["source"]).name for line in lines] == [f"{number:03}.png" for number in range(200)]
    assert [line["frame"] for line in lines] == list(range(200))
    classifier = Classifier.load(digits.int8, threads=1)
    for line in lines[::9]:
        alone = classifier.classify(line["source"])
        assert (line["label"], line["score"]) == (alone.label, round(alone.score, 6))


@pytest.mark.parametrize("kind", ["onnx", "keras"])
def test_other_engines_work_side_by_side_too(digits: Digits, run: Run, kind: str) -> None:
    together = run("run", getattr(digits, kind), digits.pictures, "--json", "--threads", 3)
    alone = run("run", getattr(digits, kind), digits.pictures, "--json", "--threads", 1)

    assert [(line["label"], line["score"]) for line in answers(together.out)] == [
        (line["label"], pytest.approx(line["score"], abs=1e-5)) for line in answers(alone.out)
    ]


def test_what_cannot_be_read_keeps_its_place(digits: Digits, run: Run, many: Path) -> None:
    for number in (0, 50, 199):
        (many / f"{number:03}.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    result = run("run", digits.int8, many, "--json")

    lines = answers(result.out)
    assert result.code == 1
    assert [number for number, line in enumerate(lines) if "error" in line] == [0, 50, 199]
    assert [Path(line["source"]).name for line in lines] == [f"{number:03}.png" for number in range(200)]
    assert result.err == "edgeship: 3 of 200 pictures could not be read\n"


def test_odd_pictures_are_answered_or_told_why(digits: Digits, run: Run, shared_data: Path) -> None:
    """16 bits, CMYK, palettes, animations, wrong suffixes; and truncated, empty, and bombs."""
    result = run("run", digits.int8, shared_data / "odd_images", "--json")

    told = {Path(line["source"]).name: line.get("error", "") for line in answers(result.out)}
    assert result.code == 1
    assert {name for name, error in told.items() if error} == {
        "bmp__b__badwidth.bmp",
        "broken.png",
        "decompression_bomb.gif",
        "truncated_image.png",
        "truncated_jpeg.jpg",
    }
    assert "179 million" in told["decompression_bomb.gif"]


def test_sources_that_fail_do_not_stop_the_others(digits: Digits, run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    result = run("run", digits.int8, tmp_path / "empty", digits.pictures / "3", "--json")

    lines = answers(result.out)
    assert result.code == 1
    assert len(lines) == 3
    assert "no pictures in this folder" in lines[0]["error"]


# A list on stdin


def test_a_list_is_answered_line_by_line_as_it_comes(digits: Digits) -> None:
    """Each answer is there before the next path is given."""
    paths = sorted(digits.pictures.rglob("*.png"))[:5]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen([*COMMAND, str(digits.int8), "-", "--json"], **pipes) as child:
        for path in paths:
            child.stdin.write(f"{path}\n")  # type: ignore[union-attr]
            assert json.loads(child.stdout.readline())["source"] == str(path)  # type: ignore[union-attr]
        child.stdin.close()  # type: ignore[union-attr]
        assert child.stdout.read() == ""  # type: ignore[union-attr]
    assert child.returncode == 0


# A video


def test_every_frame_of_a_video_is_answered_in_order(digits: Digits, run: Run, shared_data: Path) -> None:
    video = shared_data / "video/realshort.mp4"

    result = run("run", digits.int8, video, "--json", "--threads", 3)

    lines = answers(result.out)
    assert (result.code, result.err) == (0, "")
    assert [line["frame"] for line in lines] == list(range(36))
    assert {line["source"] for line in lines} == {str(video)}
    positions = [line["position_s"] for line in lines]
    assert positions == sorted(positions)
    assert all("dropped" not in line for line in lines)


def test_a_video_is_decided_over_time(digits: Digits, run: Run, shared_data: Path) -> None:
    result = run(
        "run",
        digits.int8,
        shared_data / "video/realshort.mp4",
        "--json",
        "--agree",
        4,
        "--smooth",
        0.2,
        "--threshold",
        0,
    )

    decisions = [line["decision"] for line in answers(result.out)]
    assert [item["label"] for item in decisions[:3]] == [None] * 3
    assert decisions[0]["reason"].startswith("1 of 4 frames agree on ")


def test_a_video_that_comes_twice_is_begun_anew(digits: Digits, run: Run, shared_data: Path) -> None:
    video = shared_data / "video/realshort.mp4"

    result = run("run", digits.int8, video, video, "--json", "--agree", 4, "--smooth", 9, "--threshold", 0)

    decisions = [line["decision"] for line in answers(result.out)]
    assert decisions[36:] == decisions[:36]


def test_of_a_video_that_is_cut_short_the_rest_is_answered_and_the_end_told(
    digits: Digits, run: Run, tmp_path: Path
) -> None:
    import cv2

    whole = tmp_path / "v.avi"
    writer = cv2.VideoWriter(str(whole), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(20):
        writer.write(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
    writer.release()
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])

    result = run("run", digits.int8, whole, digits.pictures / "3", "--json")

    lines = answers(result.out)
    assert result.code == 1
    assert 8 <= len([line for line in lines if "position_s" in line]) <= 12
    (told,) = [line for line in lines if "error" in line]
    assert told["source"] == str(whole)
    assert told["error"].startswith("is cut short")
    assert "error" in lines[-3]  # after the frames, before the pictures that follow


def test_pictures_and_videos_may_be_mixed(digits: Digits, run: Run, shared_data: Path) -> None:
    result = run(
        "run", digits.int8, digits.pictures / "3", shared_data / "video/realshort.mp4", digits.pictures / "4", "--json"
    )

    lines = answers(result.out)
    assert ["position_s" in line for line in lines] == [False] * 2 + [True] * 36 + [False] * 2
    assert [lines[number]["frame"] for number in (0, 1, -2, -1)] == [0, 1, 2, 3]


# Where results go


def test_files_hold_what_was_answered(digits: Digits, run: Run, tmp_path: Path) -> None:
    rows, table = tmp_path / "a.jsonl", tmp_path / "a.csv"

    result = run("run", digits.int8, digits.pictures, "--to", f"jsonl:{rows}", "--to", f"csv:{table}")

    assert (result.code, result.out, result.err) == (0, "", "")
    lines = answers(rows.read_text())
    columns = list(csv.DictReader(io.StringIO(table.read_text())))
    assert len(lines) == len(columns) == 20
    assert [(row["label"], float(row["score"])) for row in columns] == [
        (line["label"], line["score"]) for line in lines
    ]
    assert columns[0]["decision"] == lines[0]["decision"]["label"]
    assert float(columns[0]["invoke_ms"]) > 0


def test_what_cannot_be_read_has_a_line_of_its_own_beside_the_bar(digits: Digits, tmp_path: Path) -> None:
    """Somebody looks at the terminal while answers go to a file."""
    pictures = tmp_path / "p"
    shutil.copytree(digits.pictures / "3", pictures)
    (pictures / "zz.png").write_bytes(b"")
    near, far = os.openpty()
    termios.tcsetwinsize(far, (30, 100))
    command = [*COMMAND, str(digits.int8), *[str(pictures)] * 3, "--max-fps", "15"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=far) as child:
        os.close(far)
        said = b""
        with contextlib.suppress(OSError), open(near, "rb", buffering=0) as terminal:  # noqa: PTH123 - a descriptor
            while piece := terminal.read(1000):
                said += piece

    assert child.returncode == 1
    seen = [line.rpartition("\r")[2] for line in said.decode().replace("\r\n", "\n").split("\n")]
    assert [line for line in seen if "zz.png" in line] == [
        f"edgeship: {pictures}/zz.png: the file is empty (0 bytes)"
    ] * 3
    assert "pictures/s]" in said.decode()


def test_a_file_that_exists_is_neither_overwritten_nor_lost(digits: Digits, run: Run, tmp_path: Path) -> None:
    table, one = tmp_path / "a.csv", digits.pictures / "3"
    run("run", digits.int8, one, "--to", f"csv:{table}")
    before = table.read_text()

    refused = run("run", digits.int8, one, "--to", f"csv:{table}")
    assert "--append goes on with it, --force overwrites it" in refused.one_line_error()
    assert table.read_text() == before

    assert run("run", digits.int8, one, "--to", f"csv:{table}", "--append").code == 0
    assert table.read_text().startswith(before)
    assert len(table.read_text().splitlines()) == 5  # one heading

    assert run("run", digits.int8, one, "--to", f"csv:{table}", "--force").code == 0
    assert len(table.read_text().splitlines()) == 3


def test_a_line_that_a_power_cut_left_unfinished_does_not_spoil_the_next(
    digits: Digits, run: Run, tmp_path: Path
) -> None:
    rows = tmp_path / "a.jsonl"
    rows.write_text('{"frame": 7}\n{"source": "x", "lab')

    run("run", digits.int8, digits.pictures / "3", "--to", f"jsonl:{rows}", "--append")

    assert [json.loads(line)["frame"] for line in rows.read_text().splitlines()] == [7, 0, 1]


def test_a_whole_line_without_its_end_is_kept(digits: Digits, run: Run, tmp_path: Path) -> None:
    rows = tmp_path / "a.jsonl"
    rows.write_text('{"frame": 7}')

    run("run", digits.int8, digits.pictures / "3", "--to", f"jsonl:{rows}", "--append")

    assert [json.loads(line)["frame"] for line in rows.read_text().splitlines()] == [7, 0, 1]


def test_of_a_table_half_a_row_is_taken_away_and_a_foreign_one_is_left_as_it_is(
    digits: Digits, run: Run, tmp_path: Path
) -> None:
    rows, foreign = tmp_path / "a.csv", tmp_path / "b.csv"
    run("run", digits.int8, digits.pictures / "3", "--to", f"csv:{rows}")
    whole = rows.read_text()
    rows.write_text(whole + "a.png,4,0.9")
    foreign.write_text("a,b\n1,2\n3")

    run("run", digits.int8, digits.pictures / "4", "--to", f"csv:{rows}", "--append")
    refused = run("run", digits.int8, digits.pictures / "4", "--to", f"csv:{foreign}", "--append")

    assert rows.read_text().startswith(whole)
    assert len({line.count(",") for line in rows.read_text().splitlines()}) == 1
    assert len(rows.read_text().splitlines()) == 5
    assert "has other columns" in refused.one_line_error()
    assert foreign.read_text() == "a,b\n1,2\n3"


@pytest.mark.parametrize(
    ("sinks", "code", "words"),
    [
        (["xml:a"], 2, "--to xml:a: wanted table:, jsonl:FILE"),
        (["jsonl:"], 2, "wanted jsonl:FILE, or jsonl:- for stdout"),
        (["csv:-", "table:"], 2, "two of them write to stdout"),
        (["csv:nowhere/a.csv"], 1, "the folder nowhere does not exist"),
    ],
)
def test_sinks_that_cannot_be_are_refused_before_the_work(
    digits: Digits, run: Run, sinks: list[str], code: int, words: str
) -> None:
    result = run("run", digits.int8, digits.pictures, *[f"--to={sink}" for sink in sinks])

    assert (result.code, result.out) == (code, "")
    assert words in result.err
    assert len(result.err.splitlines()) == 1


def test_a_full_disk_is_one_line(digits: Digits, tmp_path: Path) -> None:
    """On a file system of 64 kB."""
    command = [*COMMAND, str(digits.int8), *[str(digits.pictures)] * 50, "--to", f"jsonl:{tmp_path}/a.jsonl"]
    script = f"mount -t tmpfs -o size=64k tmpfs {tmp_path} && exec {' '.join(command)}"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr or "unshare" in done.stderr:
        pytest.skip("mounting a small file system is not permitted here")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"edgeship: {tmp_path}/a.jsonl: the disk is full; what was written before stays"
    ]


# Deciding


def test_a_threshold_gives_no_decision_and_keeps_what_the_model_said(digits: Digits, run: Run) -> None:
    result = run("run", digits.int8, digits.pictures, "--json", "--threshold", 1)

    unsure = [line for line in answers(result.out) if line["score"] < 1]
    assert result.code == 0
    assert unsure
    assert all(line["label"] and line["decision"]["label"] is None for line in unsure)
    assert "is below 1.000" in unsure[0]["decision"]["reason"]
    assert "no decision: " in run("run", digits.int8, digits.pictures, "--threshold", 1).out


def test_the_threshold_of_the_file_counts_unless_another_is_given(digits: Digits, run: Run, tmp_path: Path) -> None:
    model = ModelFile.open(digits.int8)
    members = {name: data for name, data in model.raw.members.items() if name != MANIFEST}
    strict = tmp_path / "strict.tflite"
    manifest = dataclasses.replace(model.manifest, threshold=1.0)
    strict.write_bytes(assemble("tflite", model.raw.model, manifest, members))

    own = answers(run("run", strict, digits.pictures, "--json").out)
    none = answers(run("run", strict, digits.pictures, "--json", "--threshold", 0).out)

    assert {line["decision"]["label"] for line in own if line["score"] < 1} == {None}
    assert all(line["decision"]["label"] == line["label"] for line in none)
    decisions = [result.decision for result in Classifier.load(strict).stream(digits.pictures)]
    assert [item and item.label for item in decisions] == [line["decision"]["label"] for line in own]


@pytest.mark.parametrize("option", [["--threshold", "2"], ["--smooth", "-1"], ["--agree", "0"], ["--max-fps", "0"]])
def test_rules_that_cannot_be_are_usage(digits: Digits, run: Run, option: list[str]) -> None:
    result = run("run", digits.int8, digits.pictures, *option)

    assert (result.code, result.out) == (2, "")
    assert option[0].lstrip("-") in result.err


# A configuration file


def test_a_configuration_file_says_what_the_command_line_leaves_open(digits: Digits, run: Run, tmp_path: Path) -> None:
    config, rows = tmp_path / "run.toml", tmp_path / "a.jsonl"
    config.write_text(
        f'sources = ["{digits.pictures}/3", "{digits.pictures}/4"]\nto = ["jsonl:{rows}"]\n'
        "top_k = 2\nthreads = 1\nthreshold = 1.0\nappend = true\n"
    )

    assert run("run", digits.int8, "--config", config).code == 0
    assert run("run", digits.int8, digits.pictures / "5", "--config", config, "--top-k", 3, "--threshold", 0).code == 0

    lines = answers(rows.read_text())
    assert [Path(line["source"]).parent.name for line in lines] == ["3", "3", "4", "4", "5", "5"]
    assert [len(line["top"]) for line in lines] == [2, 2, 2, 2, 3, 3]
    assert all(line["decision"]["label"] for line in lines[4:])


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("smoth = 1", 2, "no option 'smoth'; did you mean smooth?"),
        ("smooth = 'x'", 2, "argument --smooth: invalid float value: 'x'"),
        ("agree = 0", 2, "argument --agree: wanted a whole number of at least 1"),
        ("to = [[1]]", 2, "to is [1]; wanted text, a number, or a list of these"),
        ("= 3", 1, "is no TOML file"),
        ("model = 'x'", 2, "no option 'model'"),
    ],
)
def test_a_configuration_file_that_is_wrong_is_one_line(
    digits: Digits, run: Run, tmp_path: Path, text: str, code: int, words: str
) -> None:
    (tmp_path / "run.toml").write_text(text)

    result = run("run", digits.int8, digits.pictures, "--config", tmp_path / "run.toml")

    assert (result.code, result.out) == (code, "")
    assert words in result.err
    assert len(result.err.splitlines()) == 1


def test_options_may_stand_anywhere(digits: Digits, run: Run) -> None:
    one, other = digits.pictures / "3", digits.pictures / "4"

    assert len(answers(run("run", digits.int8, "--json", one).out)) == 2
    assert len(answers(run("run", "--top-k", 2, digits.int8, one, "--json", other).out)) == 4


def test_without_a_source_it_is_usage(digits: Digits, run: Run) -> None:
    result = run("run", digits.int8)

    assert result.code == 2
    assert "wanted a SOURCE" in result.err


# The end


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_cleanly(digits: Digits, tmp_path: Path, number: signal.Signals, code: int) -> None:
    """What was begun is answered, lines are whole, and the exit code says that not everything was answered."""
    rows = tmp_path / "a.jsonl"
    command = [*COMMAND, str(digits.int8), "-", "--to", f"jsonl:{rows}"]
    path = next(digits.pictures.rglob("*.png"))
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen(command, **pipes) as child:
        child.stdin.write(f"{path}\n" * 50)  # type: ignore[union-attr]
        while not rows.exists() or rows.read_text().count("\n") < 50:
            assert child.poll() is None
        os.kill(child.pid, number)
        errors = child.stderr.read()  # type: ignore[union-attr]

    assert child.returncode == code
    assert errors == ("" if number == signal.SIGTERM else "edgeship: interrupted\n")
    assert [line["frame"] for line in answers(rows.read_text())] == list(range(50))


@pytest.mark.parametrize("without", ["2>&-", ">&-", "<&-", "<&- >&- 2>&-"])
def test_a_program_without_streams_answers_all_the_same(digits: Digits, tmp_path: Path, without: str) -> None:
    """And nothing that a library writes to descriptor 2 lands in the file that would have got its number."""
    rows = tmp_path / "a.jsonl"
    command = " ".join([*COMMAND, str(digits.int8), str(digits.pictures), "--to", f"jsonl:{rows}", "-v"])

    done = subprocess.run(["sh", "-c", f"{command} {without}"], check=False, capture_output=True)

    assert done.returncode == 0, done.stderr
    assert len(answers(rows.read_text())) == 20


def test_help_is_wide_enough_for_a_narrow_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")

    text = run("run", "--help").out.partition("Example:")[0]

    assert max(len(line) for line in text.splitlines()) <= 50


def test_pictures_without_a_right_suffix_are_read_when_named(digits: Digits, run: Run, tmp_path: Path) -> None:
    shutil.copy(next((digits.pictures / "4").glob("*.png")), tmp_path / "scan")

    assert answers(run("run", digits.int8, tmp_path / "scan", "--json").out)[0]["label"] == "4"
