"""What goes wrong in one place costs that place alone: a row has its reason, and what was measured is kept."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeship_benchmarks.measuring import worker
from edgeship_benchmarks.measuring.job import Job
from edgeship_benchmarks.measuring.process import heard, in_fresh_process
from edgeship_benchmarks.measuring.results import Answered
from edgeship_runtime.errors import EdgeshipError
from edgeship_runtime.model_file import MANIFEST, ModelFile, assemble
from making import Digits, Run

QUICK = ("--threads", 1, "--blocks", 1, "--most-blocks", 1, "--seconds", 0.02)


def results(folder: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads((folder / "report.json").read_text())["results"]
    return rows


@pytest.fixture
def answering_nan(digits: Digits, tmp_path: Path) -> Path:
    """The .onnx file with weights that are no numbers."""
    onnx = pytest.importorskip("onnx")
    model = ModelFile.open(digits.onnx)
    graph = onnx.load_model_from_string(model.raw.model)
    floats = [one for one in graph.graph.initializer if one.data_type == onnx.TensorProto.FLOAT]
    largest = max(floats, key=lambda one: int(np.prod(one.dims)))
    nan = np.full(list(largest.dims), np.nan, np.float32)
    largest.CopyFrom(onnx.numpy_helper.from_array(nan, largest.name))
    path = tmp_path / "nan.onnx"
    manifest = dataclasses.replace(model.manifest, golden=())
    path.write_bytes(assemble("onnx", graph.SerializeToString(), manifest, {}))
    return path


def test_a_model_that_answers_nan_is_a_row_with_the_reason(
    digits: Digits, answering_nan: Path, run: Run, tmp_path: Path
) -> None:
    options = ("--data", digits.pictures, "--out", tmp_path / "r", *QUICK)

    result = run("benchmark", digits.int8, answering_nan, *options)

    assert result.code == 0
    measured, failed = results(tmp_path / "r")
    assert measured["samples"] == 20
    assert "NaN" in str(failed["error"])
    assert failed["model"] == "nan.onnx"


def test_a_file_that_no_engine_answers_as_it_must_is_refused_as_run_refuses_it(
    digits: Digits, run: Run, tmp_path: Path
) -> None:
    model = ModelFile.open(digits.float32)
    members = {name: data for name, data in model.raw.members.items() if name != MANIFEST}
    first, *rest = model.manifest.golden
    lower = dataclasses.replace(first, scores={label: score * 0.5 for label, score in first.scores.items()})
    path = tmp_path / "doubting.tflite"
    path.write_bytes(
        assemble("tflite", model.raw.model, dataclasses.replace(model.manifest, golden=(lower, *rest)), members)
    )

    result = run("benchmark", path, "--data", digits.pictures, "--out", tmp_path / "r", *QUICK)

    assert result.code == 1
    (failed,) = results(tmp_path / "r")
    assert str(failed["error"]).startswith("doubting.tflite: litert")
    assert "does not pass verify here" in str(failed["error"])


def test_a_parity_matrix_of_nothing_is_a_report_all_the_same(
    digits: Digits, painted: Path, run: Run, tmp_path: Path
) -> None:
    result = run("benchmark", digits.int8, "--data", painted, "--out", tmp_path / "r", "--parity", *QUICK)

    assert result.code == 1
    assert json.loads((tmp_path / "r" / "report.json").read_text())["parity"]["ways"] == []
    assert "Nothing answered." in (tmp_path / "r" / "report.html").read_text()


def test_names_that_are_no_text_are_written_as_escapes(digits: Digits, run: Run, tmp_path: Path) -> None:
    pictures = shutil.copytree(digits.pictures, tmp_path / "pictures")
    one = sorted((pictures / "3").iterdir())[0]
    (pictures / "3" / os.fsdecode(b"caf\xe9-torn.png")).write_bytes(b"torn")
    one.rename(pictures / "3" / os.fsdecode(b"caf\xe9.png"))
    model = tmp_path / os.fsdecode(b"mod\xe8le.tflite")
    shutil.copy(digits.int8, model)

    result = run("benchmark", model, "--data", pictures, "--out", tmp_path / "r", *QUICK)

    assert result.code == 0, result.err
    assert results(tmp_path / "r")[0]["model"] == "mod\\udce8le.tflite"
    for name in ("report.json", "report.md", "report.html"):
        assert "mod\\udce8le" in (tmp_path / "r" / name).read_text().replace("\\\\", "\\")


def test_what_was_measured_is_kept_when_the_page_cannot_be_made(
    digits: Digits, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeship_benchmarks.reporting import markdown

    def failing(_: object) -> str:
        raise MemoryError

    monkeypatch.setattr(markdown, "report", failing)

    with pytest.raises(MemoryError):
        run("benchmark", digits.int8, "--data", digits.pictures, "--out", tmp_path / "r", *QUICK)

    assert results(tmp_path / "r")[0]["samples"] == 20


def test_a_full_disk_is_one_line_that_says_how_much_is_needed(digits: Digits, tmp_path: Path) -> None:
    """On a real file system of 16 kB, for 20 pictures of 8×8 beside 20 links: enlarged to 100×100 for this."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("mounting a small file system takes root and unshare")
    small = tmp_path / "small"
    small.mkdir()
    code = (
        "import sys; from pathlib import Path\n"
        "from edgeship_benchmarks.measuring.inputs import make_inputs\n"
        "from edgeship_benchmarks.measuring.plan import PlannedPicture\n"
        "from edgeship_benchmarks.measuring.store import Store\n"
        "from edgeship_runtime.errors import OutputError\n"
        "from edgeship_runtime.preprocessing import Preprocessing\n"
        "store, found = Store(Path(sys.argv[1])), sorted(Path(sys.argv[2]).glob('*/*.png'))\n"
        "pictures = [PlannedPicture(store.add(path.read_bytes()), path.name) for path in found]\n"
        "try: make_inputs(pictures, store, Preprocessing(100, 100), Path(sys.argv[1]) / '0.npy')\n"
        "except OutputError as error: print(error)\n"
    )
    command = f'mount -t tmpfs -o size=200k tmpfs {small} && {sys.executable} -c "$1" {small} {digits.pictures}'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command, "sh", code], capture_output=True, text=True, check=False
    )
    if "mount" in done.stderr and "permission" in done.stderr.lower():
        pytest.skip("this system does not allow mounting")

    assert (done.returncode, done.stderr) == (0, "")
    assert "the disk is full (600,000 bytes are needed) for 20 pictures" in done.stdout


CRASHING = """
import os
from pathlib import Path
from edgeship_runtime.engines.interpreter import InterpreterEngine
scores, counter = InterpreterEngine.scores, Path({counter!r})
number = len(counter.read_text()) if counter.exists() else 0
def crashing(self, batch):
    if not hasattr(self, "counted"):
        self.counted = True
        counter.write_text("x" * (number + 1))
    if number in {crashes!r}:
        os.abort()
    return scores(self, batch)
InterpreterEngine.scores = crashing
"""


@pytest.fixture
def crashing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the engine crash in some of the processes that use it, by their number; the first is the one that answers."""

    def crash(*processes: int) -> None:
        code = CRASHING.format(counter=str(tmp_path / "counter"), crashes=processes)
        (tmp_path / "sitecustomize.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return crash


BLOCKS = ("--threads", 1, "--blocks", 2, "--most-blocks", 3, "--seconds", 0.02)


def test_a_crash_costs_one_process_and_is_said(
    digits: Digits, crashing: Callable[..., None], run: Run, tmp_path: Path
) -> None:
    crashing(2)

    result = run("benchmark", digits.int8, "--data", digits.pictures, "--out", tmp_path / "r", *BLOCKS)

    assert result.code == 0, result.err
    (row,) = json.loads((tmp_path / "r" / "report.json").read_text())["results"]
    every = (
        len(row["runs"]) + 1
    )  # a run that something disturbs is repeated, so how many there are is the machine's affair
    assert every >= 3
    assert row["crashed"] == ["the engine ended the process with signal 6"]
    assert f"1 of {every} processes gave nothing: the engine ended the process with signal 6" in result.err


def test_two_crashes_in_a_row_end_a_configuration_which_keeps_what_was_measured(
    digits: Digits, crashing: Callable[..., None], run: Run, tmp_path: Path
) -> None:
    crashing(3, 4)

    assert run("benchmark", digits.int8, "--data", digits.pictures, "--out", tmp_path / "r", *BLOCKS).code == 0

    (row,) = json.loads((tmp_path / "r" / "report.json").read_text())["results"]
    assert (len(row["runs"]), len(row["crashed"])) == (2, 2), "nothing is begun after the second crash"


def test_an_engine_that_crashes_from_the_start_is_a_row_with_the_reason(
    digits: Digits, crashing: Callable[..., None], run: Run, tmp_path: Path
) -> None:
    crashing(1, 2)

    result = run("benchmark", digits.int8, digits.onnx, "--data", digits.pictures, "--out", tmp_path / "r", *QUICK)

    assert result.code == 0
    failed, measured = results(tmp_path / "r")
    assert failed["error"] == "the engine ended the process with signal 6"
    assert measured["samples"] == 20


def test_a_process_that_hangs_is_ended(digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    job = Job("answer", str(digits.int8), "auto", 1, 1, "none.npy")

    with pytest.raises(EdgeshipError, match="nothing was heard of it for 1 s"):
        in_fresh_process(job, Answered, limit_s=1.0)


def test_a_process_that_hangs_at_its_end_has_answered(
    digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import atexit, os, time\natexit.register(lambda: (os.dup2(2, 1), time.sleep(600)))\n"
    (tmp_path / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    np.save(tmp_path / "inputs.npy", np.zeros((3, 8, 8, 1), np.uint8))
    job = Job("answer", str(digits.int8), "auto", 1, 1, str(tmp_path / "inputs.npy"))

    assert len(in_fresh_process(job, Answered, limit_s=5.0).top) == 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_at_once_and_leaves_nothing(digits: Digits, tmp_path: Path, number: int, code: int) -> None:
    """Ctrl-C goes to every process of a terminal, what ends a service or a job to the first alone."""
    out, edgeship = tmp_path / "r", Path(sys.executable).with_name("edgeship")
    command = [edgeship, "benchmark", digits.int8, "--data", digits.pictures, "--out", out, "--seconds", "60"]
    (tmp_path / "temporary").mkdir()
    variables = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables, start_new_session=True) as process:
        assert process.stderr is not None
        assert "configuration" in process.stderr.readline()  # how long it will take: now it works

        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        rest = process.stderr.read()

    assert process.returncode == code
    assert "Traceback" not in rest
    assert not out.exists()
    assert list((tmp_path / "temporary").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_what_takes_long_and_says_so_is_waited_for() -> None:
    """For more than two seconds in all, of which no half one is silent."""
    slow = ["sh", "-c", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.4; done"]
    with subprocess.Popen(slow, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert heard(child, b"", limit_s=2.0).split() == [b"1", b"2", b"3", b"4", b"5", b"6"]


def test_answers_are_heard_of_while_they_come(
    digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(worker, "_SIGN_OF_LIFE_S", 0.0)
    np.save(tmp_path / "inputs.npy", np.zeros((3, 8, 8, 1), np.uint8))

    answered = worker.answered(Job("answer", str(digits.int8), "auto", 1, 1, str(tmp_path / "inputs.npy")))

    assert len(answered.top) == 3
    assert capsys.readouterr().out.splitlines() == ["1 of 3", "2 of 3", "3 of 3"]


def test_where_no_report_comes_no_folder_stays(digits: Digits, run: Run, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    (pictures / "3").mkdir(parents=True)
    (pictures / "3" / "torn.png").write_bytes(b"torn")
    (tmp_path / "kept").mkdir()

    line = run("benchmark", digits.int8, "--data", pictures, "--out", tmp_path / "a" / "b", *QUICK).one_line_error()
    run("benchmark", digits.int8, "--data", pictures, "--out", tmp_path / "kept", *QUICK).one_line_error()

    assert "not one of the 1 pictures can be decoded" in line
    assert not (tmp_path / "a").exists()
    assert (tmp_path / "kept").exists(), "it was there before"


def test_a_folder_without_pictures_is_one_line(digits: Digits, run: Run, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()

    line = run("benchmark", digits.int8, "--data", tmp_path / "nothing", "--out", tmp_path / "r").one_line_error()

    assert "no pictures in this folder" in line
    assert not (tmp_path / "r").exists()


def test_what_cannot_be_measured_is_said_before_the_others_are(digits: Digits, run: Run, tmp_path: Path) -> None:
    options = ("--data", digits.pictures, "--out", tmp_path / "r", *QUICK)

    first, second, *_ = run("benchmark", tmp_path / "none.tflite", digits.int8, *options).err.splitlines()

    assert first.startswith("none.tflite: not measured: ")
    assert second.startswith("1 configuration, 1 block: ")


def test_one_reason_of_several_ways_is_said_once(digits: Digits, run: Run, tmp_path: Path) -> None:
    options = ("--data", digits.pictures, "--out", tmp_path / "r", "--engine", "litert", "--threads", "1,2", *QUICK[2:])

    result = run("benchmark", digits.onnx, *options)

    said = [line for line in result.err.splitlines() if "not measured" in line]
    assert said == [
        f"{digits.onnx.name}: not measured: litert does not run .onnx files; use --engine onnxruntime or openvino"
    ]
    assert f"- {said[0]}" in (tmp_path / "r" / "report.md").read_text()
    assert said[0] in (tmp_path / "r" / "report.html").read_text()


def test_what_was_measured_is_told_where_it_cannot_be_written(digits: Digits, tmp_path: Path) -> None:
    """On a real file system of 4 kB, which a report does not fit into."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("mounting a small file system takes root and unshare")
    small, edgeship = tmp_path / "small", Path(sys.executable).with_name("edgeship")
    small.mkdir()
    command = f'mount -t tmpfs -o size=4k tmpfs {small} && "$@"; code=$?; ls -A {small}/r >&2; exit $code'
    options = ["--data", digits.pictures, "--out", small / "r", "--json", *map(str, QUICK)]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command, "sh", edgeship, "benchmark", digits.int8, *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "mount" in done.stderr and "permission" in done.stderr.lower():
        pytest.skip("this system does not allow mounting")

    assert done.returncode == 1
    assert json.loads(done.stdout)["results"][0]["samples"] == 20
    *_, error, left = done.stderr.splitlines()
    assert "report.json: the disk is full" in error
    assert "No such file" in left, "neither a half-written report nor an empty folder"


def test_files_of_one_name_are_told_apart_by_the_end_of_their_paths(digits: Digits, run: Run, tmp_path: Path) -> None:
    """So that those below old/ and new/ are known as the same."""
    for place in ("old/v1", "old/v2"):
        (tmp_path / place).mkdir(parents=True)
        shutil.copy(digits.int8, tmp_path / place / "m.tflite")
    models = [tmp_path / "old" / place / "m.tflite" for place in ("v1", "v2", "v1/../v2")]

    assert run("benchmark", *models, "--data", digits.pictures, "--out", tmp_path / "r", *QUICK).code == 0

    assert [row["model"] for row in results(tmp_path / "r")] == ["v1/m.tflite", "v2/m.tflite"]


def test_names_are_text_in_the_page_not_markup(digits: Digits, run: Run, tmp_path: Path) -> None:
    model = tmp_path / "<img src=x onerror=alert(1)>.tflite"
    shutil.copy(digits.int8, model)

    assert run("benchmark", model, "--data", digits.pictures, "--out", tmp_path / "r", *QUICK).code == 0

    page = (tmp_path / "r" / "report.html").read_text()
    assert "<img" not in page
    assert "&lt;img src=x" in page
