"""Software: Python, NumPy, and whether each engine really runs a model."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from edgeship_devices.examining.finding import Finding
from edgeship_devices.gate import MINIMUM_PYTHON, is_older

_MOST_PYTHON = "3.13"
_LIMIT_S = 120
_HERE = Path(__file__).parent
# engine → its distribution, what runs to try it, and whether one is enough to work
_ENGINES = {
    "litert": ("ai-edge-litert", _HERE / "probe.tflite"),
    "tflite-runtime": ("tflite-runtime", _HERE / "probe.tflite"),
    "onnxruntime": ("onnxruntime", _HERE / "probe.onnx"),
    "openvino": ("openvino", _HERE / "probe.onnx"),
}


def python() -> Iterator[Finding]:
    """Its version, its word size, and whether it is an environment of its own."""
    release = platform.python_version()
    if is_older(release, MINIMUM_PYTHON):
        yield Finding("error", "python-old", f"Python {release}; edgeship needs {MINIMUM_PYTHON}", _newer_python())
    elif is_older(_MOST_PYTHON, ".".join(release.split(".")[:2])):
        yield Finding("warning", "python-untried", f"Python {release}; edgeship is tried up to {_MOST_PYTHON}")
    else:
        yield Finding("ok", "python", f"Python {release} ({sys.executable})")
    if platform.machine() == "aarch64" and sys.maxsize < 2**32:
        yield Finding(
            "note",
            "userland-32bit",
            "a 64-bit kernel under a 32-bit system: only tflite-runtime has wheels; the 64-bit Raspberry Pi OS is faster",
        )


def numpy() -> Iterator[Finding]:
    """NumPy, and the engine that cannot live with NumPy 2."""
    found, old_engine = _installed("numpy"), _installed("tflite-runtime")
    if found is None:
        yield Finding("error", "numpy-missing", "NumPy is not installed", _pip("numpy"))
    elif old_engine and not is_older(found, "2"):
        message = f"tflite-runtime {old_engine} was built against NumPy 1; with NumPy {found} it raises SystemError"
        level = "warning" if _installed("ai-edge-litert") else "error"
        yield Finding(level, "numpy-2-tflite-runtime", message, _pip("numpy<2"))  # type: ignore[arg-type]  # one of Level
    else:
        yield Finding("ok", "numpy", f"NumPy {found}")


def engines() -> Iterator[Finding]:
    """Runs a model in each engine that is installed; none that runs one is an error."""
    findings = [_tried(engine) for engine in _ENGINES if _installed(_ENGINES[engine][0])]
    yield from findings
    engine = "ai-edge-litert" if sys.maxsize > 2**32 else "tflite-runtime"
    if not findings:
        yield Finding("error", "engine-missing", "no engine is installed", _pip(engine))
    elif all(finding.level != "ok" for finding in findings):
        cure = next((finding.cure for finding in findings if finding.cure), _pip(engine))
        yield Finding("error", "engine-none-runs", "no engine here runs a model", cure)


def _tried(engine: str) -> Finding:
    """In a process of its own: a broken engine may take its process with it."""
    distribution, model = _ENGINES[engine]
    release = _installed(distribution)
    command = [sys.executable, "-m", "edgeship_runtime.cli", "verify", str(model), "--engine", engine, "--json"]
    again = _pip(f"--force-reinstall {distribution}", quoted=False)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return Finding(
            "warning", "engine-hangs", f"{engine} {release} took more than {_LIMIT_S} s for a tiny model", again
        )
    if done.returncode < 0:
        message = f"{engine} {release} was killed by signal {-done.returncode} as it ran a tiny model"
        return Finding("warning", "engine-dies", message, again)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1].removeprefix("edgeship: ")
        return Finding(
            "warning", "engine-refuses", f"{engine} {release}: {said.removeprefix(f'{model}: ')}", _cure(said, again)
        )
    if answer["passed"]:
        return Finding("ok", f"engine-{engine}", f"{engine} {release} runs a tiny model, with the answers it must give")
    failed = next(stage for stage in answer["stages"] if not stage["passed"])
    return Finding("warning", "engine-wrong", f"{engine} {release}: {failed['name']}: {failed['detail']}", again)


def _cure(said: str, otherwise: str) -> str:
    return _pip("numpy<2") if "numpy < 2" in said else otherwise


def _installed(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _pip(what: str, *, quoted: bool = True) -> str:
    """The pip of this very Python: another one's would mend another environment."""
    package = shlex.quote(what) if quoted else what
    if find_spec("pip") is None:  # as in environments that uv makes
        return f"uv pip install --python {shlex.quote(sys.executable)} {package}"
    return f"{shlex.quote(sys.executable)} -m pip install {package}"


def _newer_python() -> str:
    from edgeship_devices.board.facts import os_release

    return "" if os_release().get("id") in ("debian", "raspbian") else f"sudo apt install python{MINIMUM_PYTHON}-venv"
