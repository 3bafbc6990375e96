"""The command line: one script, light help, one-line errors, fixed exit codes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgeship_runtime.cli import VERBS, main
from making import Digits, Run


def test_every_verb_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in VERBS:
        assert main([verb, "--help"]) == 0
        text = capsys.readouterr().out
        assert "\nExample:\n" in text
        assert f"edgeship {verb} " in text


def test_the_overview_names_every_verb(run: Run) -> None:
    result = run("--help")

    assert result.code == 0
    assert all(f"\n  {verb} " in result.out for verb in VERBS)


def test_version_is_that_of_the_distribution(run: Run) -> None:
    from importlib.metadata import version

    assert run("--version").out == f"edgeship {version('edgeship')}\n"


def test_a_mistyped_verb_is_usage_and_gets_a_hint(run: Run) -> None:
    result = run("trian")

    assert result.code == 2
    assert "did you mean train?" in result.err


def test_a_wrong_option_is_usage(run: Run) -> None:
    assert run("run", "--nonsense").code == 2
    assert run("verify", "m", "--threads", "0").code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["train", "--help"], ["--version"]])
def test_help_imports_no_numpy_and_no_engine(arguments: list[str]) -> None:
    code = (
        "import sys; from edgeship_runtime.cli import main; assert main(sys.argv[1:]) == 0; "
        "heavy = {'numpy', 'PIL', 'ai_edge_litert', 'onnxruntime', 'tensorflow', 'keras'} & set(sys.modules); "
        "assert not heavy, heavy"
    )

    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_ctrl_c_is_130_and_one_line(digits: Digits, tmp_path: Path) -> None:
    """Interrupted while it trains: nothing is written but the checkpoint to go on from."""
    out = tmp_path / "m.keras"
    command = [sys.executable, "-m", "edgeship_runtime.cli", "train", "digits", "--out", str(out), "--epochs", "1000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.startswith("train: epoch 2/"):
                break
        os.kill(child.pid, signal.SIGINT)
        rest = child.stderr.read()
    assert child.returncode == 130
    assert rest.splitlines()[-1].startswith("edgeship: interrupted: ")
    assert rest.endswith(f"of 1000 epochs are done; --resume --out {out} goes on from there\n")
    assert "Traceback" not in rest
    assert [path.name for path in tmp_path.iterdir()] == ["m.checkpoint"]


def test_a_reader_that_leaves_early_gets_no_traceback(digits: Digits) -> None:
    command = [sys.executable, "-m", "edgeship_runtime.cli", "run", str(digits.int8), *[str(digits.pictures)] * 300]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        errors = child.stderr.read()
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


def test_native_chatter_stays_off_the_terminal_unless_asked_for(digits: Digits) -> None:
    picture = next(digits.pictures.rglob("*.png"))
    command = [sys.executable, "-m", "edgeship_runtime.cli", "run", str(digits.int8), str(picture)]

    quiet = subprocess.run(command, capture_output=True, text=True, check=True)
    loud = subprocess.run([*command, "-v"], capture_output=True, text=True, check=True)

    assert quiet.stderr == ""
    assert "XNNPACK" in loud.stderr
