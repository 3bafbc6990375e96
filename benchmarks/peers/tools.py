"""Tools: what is compared, and an environment of its own for each."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import models

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
_ENVIRONMENTS = models.BUILD / "peers"
_THIS = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Tool:
    """A tool, the loop that runs it, what has to be installed for it, the formats it runs, and in which CPython."""

    name: str
    loop: str
    requirements: tuple[str, ...]
    formats: tuple[str, ...]
    python: str = _THIS


TOOLS = (
    Tool("edgeship", "edgeship_loop.py", (f"{ROOT}[onnx]",), ("tflite", "onnx")),
    Tool("the tutorials' loop over LiteRT", "naive.py", ("ai-edge-litert==2.3.0", "pillow"), ("tflite",)),
    Tool("MediaPipe ImageClassifier", "mediapipe_loop.py", ("mediapipe==1.2.2",), ("tflite",)),
    Tool(
        "tflite-runtime", "tflite_runtime_loop.py", ("tflite-runtime==2.14.0", "pillow", "numpy<2"), ("tflite",), "3.11"
    ),
    Tool("ONNX Runtime", "onnxruntime_loop.py", ("onnxruntime==1.31.0", "pillow"), ("onnx",)),
)


class UnavailableError(Exception):
    """A tool that cannot be measured here, and why."""


def environment(tool: Tool) -> Path:
    """The Python of a tool's environment, made unless it is there.

    Raises:
        UnavailableError: no such CPython, or no package registry.
    """
    folder = _ENVIRONMENTS / tool.loop.removesuffix(".py")
    python = folder / "bin" / "python"
    if (folder / "ready").exists() and tool.name != "edgeship":  # which changes
        return python
    _uv("venv", "--quiet", "--clear", "--python", tool.python, folder)
    _uv("pip", "install", "--quiet", "--python", python, *tool.requirements)
    (folder / "ready").touch()
    return python


def installed_mb(python: Path) -> float:
    """Size of an environment's site-packages, without bytecode."""
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    files = (path for path in packages.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sum(path.stat().st_size for path in files) / 1e6


def _uv(*arguments: str | Path) -> None:
    own = ROOT / ".uv" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv is None:
        raise UnavailableError("no uv here; `make setup` brings it")
    done = subprocess.run([uv, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"its environment cannot be made: {done.stderr.strip().splitlines()[-1]}")
