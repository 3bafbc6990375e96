"""`export --device` refuses what a board cannot run, or mends it; and what is said of engines is what they really do.

The oldest engines that pip still serves, tflite-runtime 2.14.0 and LiteRT 1.0.0, are asked in an environment of their own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgeship_devices import Device
from edgeship_export import operator_releases, requirements
from edgeship_runtime.model_file import RawModel
from environments import build_environment, find_interpreter
from foreign_models import one_operator
from making import Digits, Run
from old_engines import asked

BOARD = "raspberry-pi-32bit"
RELEASES = {"tflite-runtime": "2.14.0", "litert": "1.0.0"}


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with both."""
    if sys.platform != "linux":
        pytest.skip("tflite-runtime 2.14 has wheels for Linux alone")
    folder = tmp_path_factory.mktemp("engines")
    wanted = ["tflite-runtime==2.14.0", "ai-edge-litert==1.0.0", "numpy<2"]
    return build_environment(folder / "environment", *wanted, interpreter=find_interpreter("3.11"))


@pytest.fixture(scope="session")
def exports(digits: Digits, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every quantization of a .tflite as usual, and the dynamic one for the board."""
    from edgeship_runtime.cli import main

    folder = tmp_path_factory.mktemp("exports")
    for scheme, name, options in [
        ("none", "float32", []),
        ("float16", "float16", []),
        ("int8", "int8", []),
        ("dynamic", "dynamic", []),
        ("dynamic", "cured", ["--device", BOARD]),
    ]:
        out = ["--format", "tflite", "--quantize", scheme, "--out", str(folder / f"{name}.tflite")]
        assert main(["export", str(digits.keras), *out, *options]) == 0
    return {path.stem: path for path in folder.glob("*.tflite")}


def test_a_cure_is_applied_and_said(digits: Digits, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "m.tflite"

    done = run("export", digits.keras, "--format", "tflite", "--quantize", "dynamic", "--device", BOARD, "--out", out)

    assert f"for {BOARD}: dense layers have one scale each: tflite-runtime does not read" in done.out
    needs = RawModel.open(out).manifest().requirements
    assert needs.engines["tflite-runtime"].version is not None
    assert Device.load(BOARD).refuses(needs) == ()


def test_without_the_device_there_is_no_cure_and_the_board_refuses(exports: dict[str, Path]) -> None:
    needs = RawModel.open(exports["dynamic"]).manifest().requirements

    (reason,) = Device.load(BOARD).refuses(needs)

    assert reason.needed == "FULLY_CONNECTED 12 runs in no tflite-runtime"
    assert reason.flags[0] == f"--quantize dynamic --device {BOARD}"


def test_a_format_without_an_engine_is_refused_before_the_work(digits: Digits, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "m.onnx"

    line = run("export", digits.keras, "--format", "onnx", "--device", BOARD, "--out", out).one_line_error()

    assert "the file needs onnxruntime" in line
    assert line.endswith("--format tflite would pass")
    assert not out.exists()


def test_a_board_with_too_little_memory_is_refused(digits: Digits, run: Run, tmp_path: Path) -> None:
    profile, out = tmp_path / "tiny.toml", tmp_path / "m.tflite"
    profile.write_text(
        'title = "x"\nprocessor = "arm64"\npython = "3.11"\nmemory_bytes = 100000\n[engines]\nlitert = "2.3.0"\n'
    )

    line = run("export", digits.keras, "--format", "tflite", "--device", profile, "--out", out).one_line_error()

    assert "would not run on tiny: weights and activations take" in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("device", "integers"),
    [
        ("raspberry-pi-4", "activations int8, weights int8 of 8 bits"),
        ("linux-x86-64", "activations uint8, weights int8 of 7 bits"),
    ],
)
def test_onnx_integers_suit_the_board(digits: Digits, run: Run, tmp_path: Path, device: str, integers: str) -> None:
    out = tmp_path / "m.onnx"
    stated = ["--format", "onnx", "--quantize", "int8", "--device", device, "--out", out, "--json"]

    answer = run("export", digits.keras, *stated).json()

    assert isinstance(answer, dict)
    assert answer["device"] == device
    (cure,) = answer["cures"]
    assert cure.startswith(integers)
    assert run("verify", out).code == 0


@pytest.mark.environments
@pytest.mark.parametrize("engine", RELEASES)
def test_an_engine_loads_what_it_is_said_to_load_and_nothing_else(
    engines: Path, exports: dict[str, Path], tmp_path: Path, engine: str
) -> None:
    models = {name: RawModel.open(path).model for name, path in exports.items()}

    found = asked(engines, tmp_path, engine, models, run=True)

    stated = {name: requirements.of_tflite(model).engines[engine].version for name, model in models.items()}
    assert {name for name, answer in found.items() if isinstance(answer, list)} == {
        name for name, version in stated.items() if version is not None
    }
    assert set(found) == {"float32", "float16", "int8", "dynamic", "cured"}
    assert isinstance(found["dynamic"], str) == (engine == "tflite-runtime")


@pytest.mark.environments
@pytest.mark.parametrize("engine", RELEASES)
def test_old_engines_give_the_scores_of_the_newest(
    engines: Path, exports: dict[str, Path], tmp_path: Path, engine: str
) -> None:
    models = {name: RawModel.open(path).model for name, path in exports.items()}

    found = asked(engines, tmp_path, engine, models, run=True)

    for name, scores in found.items():
        if isinstance(scores, list):
            # Noise is no digit: its logits lie close together, where rounding moves scores most.
            np.testing.assert_allclose(scores, newest(models[name]), atol=0.05, err_msg=name)


@pytest.mark.environments
@pytest.mark.parametrize("engine", RELEASES)
def test_files_of_other_tools_run_in_the_engines_they_are_said_to(
    engines: Path, shared_data: Path, tmp_path: Path, engine: str
) -> None:
    models = {path.stem: path.read_bytes() for path in (shared_data / "models").rglob("*.tflite")}

    found = asked(engines, tmp_path, engine, models, run=True)

    assert len(found) == 7  # of Coral and MLPerf Tiny
    assert {name for name, answer in found.items() if isinstance(answer, list)} == {
        name for name, model in models.items() if has(engine, model)
    }


@pytest.mark.environments
@pytest.mark.parametrize("engine", RELEASES)
def test_an_old_engine_has_the_operators_that_the_table_says(engines: Path, tmp_path: Path, engine: str) -> None:
    models = {f"{name} {version}": one_operator(name, version) for name, version in around(engine)}

    found = asked(engines, tmp_path, engine, models, run=False)

    lacking = {
        name for name, answer in found.items() if "Didn't find op" in str(answer) or "out of range" in str(answer)
    }
    assert lacking == {name for name, model in models.items() if not has(engine, model)}
    assert len(lacking) > 100


def newest(model: bytes) -> list[float]:
    """The same scores from the LiteRT that the tests run with."""
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    pixels = np.random.default_rng(1).integers(0, 256, taken["shape"])
    interpreter.set_tensor(taken["index"], pixels.astype(taken["dtype"]))
    interpreter.invoke()
    return [float(score) for score in interpreter.get_tensor(given["index"])[0]]


def around(engine: str) -> Iterator[tuple[str, int]]:
    """For each operator, the highest version that an engine is said to have, and the next."""
    for name, releases in operator_releases.TENSORFLOW.items():
        if name.startswith("STABLEHLO"):  # their options are read before they are looked for
            continue
        had = [version for version in range(1, len(releases.split()) + 1) if has(engine, one_operator(name, version))]
        yield from ((name, version) for version in (max(had, default=0), max(had, default=0) + 1) if version)


def has(engine: str, model: bytes) -> bool:
    """Whether the release of the engine that is tried here is said to run a model."""
    version = requirements.of_tflite(model).engines[engine].version
    return version is not None and tuple(map(int, version.split("."))) <= tuple(map(int, RELEASES[engine].split(".")))
