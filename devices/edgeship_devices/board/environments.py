"""Environments: edgeship and what it needs on a board, each in a place of its own that is finished or does not count."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from edgeship_devices.board import children, slots
from edgeship_devices.board.facts import data_home
from edgeship_devices.board.slots import BoardError

_STARTS = "import edgeship_runtime.cli, numpy, PIL.Image"
_LIMIT_S = 1800  # a Zero unpacks wheels at a megabyte or two a second


def place(identity: str) -> Path:
    """Where an environment lies."""
    return data_home() / "environments" / identity


def use(identity: str) -> bool:
    """Whether it was built to its end and still starts; notes that it was used."""
    ready = place(identity) / "ready"
    if not ready.exists():
        return False
    try:
        started = children.run([str(place(identity) / "bin" / "python"), "-P", "-c", _STARTS]).returncode == 0
    except OSError:
        started = False
    if started:
        ready.touch()
    else:
        ready.unlink()  # a card that lost what it had
    return started


def given(python: str) -> Path:
    """The environment of an interpreter that is on the board already.

    Raises:
        BoardError: it is not there, or has no edgeship.
    """
    done = _run(python, "-P", "-c", "import edgeship_runtime.cli, sys; print(sys.prefix)")
    if done.returncode:
        raise BoardError(f"{python} has no edgeship: {_last(done.stderr)}")
    return Path(done.stdout.decode().strip())


def build(
    identity: str, requirement: str, constraints: list[str], wheels: str | None, *, system: bool, alone: bool
) -> None:
    """Makes an environment: from the registry, or from nothing but the wheels that were sent.

    Args:
        identity: where.
        requirement: as pip takes it.
        constraints: further ones.
        wheels: a folder; None asks the registry.
        system: whether it sees the packages of the board's own Python.
        alone: install the requirement without what it requires, and then the constraints.

    Raises:
        BoardError: pip could not; its reason.
    """
    target = place(identity)
    shutil.rmtree(str(target), ignore_errors=True)  # of a deploy that was killed
    target.parent.mkdir(parents=True, exist_ok=True)
    done = _run(sys.executable, "-P", "-m", "venv", *(["--system-site-packages"] if system else []), str(target))
    if done.returncode:
        raise BoardError(f"python3 -m venv failed: {_last(done.stdout + done.stderr)}")
    offline = ["--no-index", "--find-links", wheels] if wheels else []
    pip = [str(target / "bin" / "python"), "-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-cache-dir", "--only-binary=:all:", *offline]
    for packages in [["--no-deps", requirement], constraints] if alone else [[requirement, *constraints]]:
        done = _run(*pip, *packages)
        if done.returncode:
            shutil.rmtree(str(target), ignore_errors=True)
            why = reason(done.stderr.decode("utf-8", "replace"))
            raise BoardError(f"pip install {requirement} failed: {why}")
    os.sync()  # pip leaves that to the kernel; after a power cut, `ready` would stand for empty files
    slots.write(target / "ready", b"")
    shutil.rmtree(str(data_home() / "wheels"), ignore_errors=True)


def collect(oldest: float) -> None:
    """Removes environments that are not finished, and those that no slot runs in and nobody used since `oldest`."""
    wanted = {link.resolve() for link in (data_home() / "models").glob("*/slots/*/environment")}
    for target in (data_home() / "environments").glob("*"):
        ready = target / "ready"
        if not ready.exists() or (target.resolve() not in wanted and ready.stat().st_mtime < oldest):
            shutil.rmtree(str(target), ignore_errors=True)


def reason(text: str) -> str:
    """What pip's many lines come to."""
    missing = re.search(r"No matching distribution found for (\S+)", text)
    if missing:
        return f"no wheel of {missing.group(1)} for this board"
    if "No space left on device" in text:
        return "the disk is full"
    if "Temporary failure in name resolution" in text or "NewConnectionError" in text:
        return "the board cannot reach the package registry"
    return _last(text.encode())


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return children.run(command, limit_s=_LIMIT_S)
    except OSError as error:
        raise BoardError(f"{command[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise BoardError(f"{command[0]} took more than {_LIMIT_S // 60} minutes") from None


def _last(text: bytes) -> str:
    lines = [line for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
