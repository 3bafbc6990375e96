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
    """A tool, the loop that runs it, what has to be installed for it, the formats it runs, in which CPython; in uv.lock's versions?"""

    name: str
    loop: str
    requirements: tuple[str, ...]
    formats: tuple[str, ...]
    python: str = _THIS
    locked: bool = True


TOOLS = (
    Tool("edgeship", "edgeship_loop.py", (f"{ROOT}[onnx]",), ("tflite", "onnx")),
    Tool("the tutorials' loop over LiteRT", "naive.py", ("ai-edge-litert", "pillow"), ("tflite",)),
    Tool("MediaPipe ImageClassifier", "mediapipe_loop.py", ("mediapipe==1.2.2",), ("tflite",), locked=False),
    Tool(
        "tflite-runtime",
        "tflite_runtime_loop.py",
        ("tflite-runtime==2.14.0", "pillow", "numpy<2"),
        ("tflite",),
        "3.11",
        locked=False,
    ),
    Tool("ONNX Runtime", "onnxruntime_loop.py", ("onnxruntime", "pillow"), ("onnx",)),
)


class UnavailableError(Exception):
    """A tool that cannot be measured here, and why."""


def environment(tool: Tool) -> Path:
    """The Python of a tool's environment, made unless it is there.

    Raises:
        UnavailableError: no such CPython, or no package registry.
    """
    folder = _ENVIRONMENTS / tool.loop.removesuffix(".py")
    python, ready = folder / "bin" / "python", folder / "ready"
    versions = _locked() if tool.locked else ""
    made_of = "\n".join([*tool.requirements, tool.python, versions])
    if tool.name != "edgeship" and ready.exists() and ready.read_text() == made_of:  # edgeship itself changes
        return python
    _uv("venv", "--quiet", "--clear", "--python", tool.python, folder)
    constraints = folder / "constraints.txt"
    constraints.write_text(versions)
    _uv("pip", "install", "--quiet", "--python", python, "--constraint", constraints, *tool.requirements)
    ready.write_text(made_of)
    return python


def _locked() -> str:
    """Versions as the lock has them: two tools over one engine are compared with one release of it."""
    options = (
        "--project",
        ROOT,
        "--quiet",
        "--frozen",
        "--no-hashes",
        "--no-header",
        "--no-annotate",
        "--no-emit-project",
    )
    return _uv("export", *options, "--extra", "onnx")


def installed_mb(python: Path) -> float:
    """Size of an environment's site-packages, without bytecode."""
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    files = (path for path in packages.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sum(path.stat().st_size for path in files) / 1e6


def _uv(*arguments: str | Path) -> str:
    own = ROOT / ".uv" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv is None:
        raise UnavailableError("no uv here; `make setup` brings it")
    done = subprocess.run([uv, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"its environment cannot be made: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout
