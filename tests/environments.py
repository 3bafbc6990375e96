"""Environments: installations of their own, to see what edgeship brings along and what other tools make of its files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_UNREACHABLE = (
    "Failed to fetch",
    "network was disabled",
)  # what uv says when there is no registry, and for no other reason
_LIMIT_S = 300


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, with nothing of this process's Python in its way."""
    own = ("PYTHON", "VIRTUAL_ENV", "__PYVENV")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**variables, "UV_PYTHON_DOWNLOADS": "never"},
        cwd=cwd,
        timeout=_LIMIT_S,
        check=False,
    )


def build_wheel(folder: Path) -> Path:
    """The wheel of this repository as it is now."""
    _uv("build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


def build_environment(
    folder: Path,
    *requirements: str | Path,
    alone: Sequence[str | Path] = (),
    interpreter: str = sys.executable,
) -> Path:
    """Makes a virtual environment in a folder, installs into it, and returns its Python.

    Args:
        folder: does not exist yet.
        requirements: as pip takes them; what they require comes along.
        alone: further ones, which come without what they require.
        interpreter: what it is made of; a path, because version managers put shims on PATH that run nothing.
    """
    _uv("venv", "--quiet", "--python", interpreter, folder)
    python = folder / "bin" / "python"
    _uv("pip", "install", "--quiet", "--python", python, *requirements)
    if alone:
        _uv("pip", "install", "--quiet", "--python", python, "--no-deps", *alone)
    return python


def find_interpreter(version: str) -> str:
    """The path of a CPython like "3.11": the one that runs the tests, or another on this machine; skips when there is none."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = run(_find_uv(), "python", "find", version, cwd=ROOT.parent)
    if found.returncode:
        pytest.skip(f"no CPython {version} on this machine")
    return found.stdout.strip()


def distributions(python: Path) -> dict[str, str]:
    """Name (as PEP 503 writes it) and version of everything that is installed."""
    script = "import importlib.metadata as m, json; print(json.dumps([(d.name, d.version) for d in m.distributions()]))"
    found = run(python, "-I", "-c", script)
    return {name.lower().replace("_", "-").replace(".", "-"): version for name, version in json.loads(found.stdout)}


def installed_bytes(python: Path) -> int:
    """Size of site-packages, without the caches that Python leaves behind as it runs."""
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    return sum(
        path.stat().st_size for path in packages.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


def _uv(*arguments: str | Path) -> None:
    done = run(_find_uv(), *arguments, cwd=ROOT.parent)
    if any(words in done.stderr for words in _UNREACHABLE):
        pytest.skip(f"the package registry cannot be reached: {done.stderr.strip().splitlines()[0]}")
    assert done.returncode == 0, done.stderr


def _find_uv() -> str:
    own = ROOT / ".uv" / "bin" / "uv"
    found = str(own) if own.is_file() else shutil.which("uv")
    if found is None:
        pytest.skip("no uv here: neither .uv/bin/uv, which `make setup` installs, nor one on PATH")
    return found
