"""Fixtures that every part shares: one small trained model, its exports, and picture files, all made by the command line itself."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from edgeship_runtime.cli import main
from edgeship_runtime.data import open_data
from making import Digits, Result, Run, paint

# Whatever else the machine is doing: no test depends on how long an example takes.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("EDGESHIP_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Decoded pictures of tests do not fill the cache of who runs them."""
    os.environ["EDGESHIP_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_of_the_tests() -> None:
    """Where the tests run in the background of a script, Ctrl-C is ignored, and processes that they start inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Of a module, since others may want an event loop of their own."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium here; .ci/run names the Debian packages")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pictures and models that are kept beside the repository."""
    if not DATA.is_dir():
        pytest.skip("no folder of real pictures here; name one with EDGESHIP_DATA")
    return DATA


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    """Trained for a few epochs, exported three times; and two test pictures of each digit as PNG files."""
    folder = tmp_path_factory.mktemp("digits")
    keras = folder / "digits.keras"
    assert main(["train", "digits", "--out", str(keras), "--epochs", "8"]) == 0
    assert main(["export", str(keras), "--format", "tflite", "--quantize", "int8"]) == 0
    assert main(["export", str(keras), "--format", "tflite"]) == 0
    assert main(["export", str(keras), "--format", "onnx"]) == 0
    pictures = folder / "pictures"
    for picture in open_data("digits").parts["test"]:
        target = pictures / picture.label / f"{Path(picture.name).name}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        if len(list(target.parent.iterdir())) < 2:
            Image.fromarray(picture.read()).save(target)
    exported = [folder / f"digits.{name}" for name in ("int8.tflite", "float32.tflite", "float32.onnx")]
    return Digits(keras, *exported, pictures)


@pytest.fixture
def painted(tmp_path: Path) -> Path:
    """Three labels, twelve pictures each."""
    return paint(tmp_path / "painted", {"red": 12, "green": 12, "blue": 12})


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in this process."""

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call
