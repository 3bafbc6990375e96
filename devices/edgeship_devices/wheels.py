"""Wheels: what to install on a board, from the registry or, without a network there, from a folder of wheels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeship_runtime import files
from edgeship_runtime.errors import DeviceError
from edgeship_runtime.record import Json

_DOWNLOAD = (
    "pip download --dest {folder} --only-binary=:all: --python-version {python} "
    "--platform manylinux_2_28_{machine} --platform manylinux_2_27_{machine} --platform manylinux_2_17_{machine} "
    "--platform manylinux2014_{machine}"
)


@dataclass(frozen=True)
class Installation:
    """What a board's environment is made of.

    Attributes:
        identity: two environments of one identity are the same.
        requirement: as pip takes it: "edgeship[onnx]==0.1.0".
        constraints: further requirements.
        system: whether it sees the packages of the board's own Python.
        wheels: files to send, by their SHA-256; empty where the registry is asked.
    """

    identity: str
    requirement: str
    constraints: tuple[str, ...]
    system: bool
    wheels: Mapping[Path, str] = field(default_factory=dict)


def plan(facts: Mapping[str, Json], format_name: str, wheels: Path | None, extras: Sequence[str] = ()) -> Installation:
    """What to install so that files of a format run on the board.

    picamera2 comes with the board's system only, and was built against the system's NumPy: the environment then sees the system's
    packages, and keeps to its NumPy's major version.

    Raises:
        DeviceError: the folder has no wheel of edgeship that the board can use.
    """
    wanted = sorted({*extras, *(["onnx"] if format_name == "onnx" else [])})
    extra = f"[{','.join(wanted)}]" if wanted else ""
    system = bool(facts["picamera2"])
    numpy = facts["numpy"]
    constraints = (f"numpy<{int(numpy.split('.')[0]) + 1}",) if system and numpy else ()
    chosen = {} if wheels is None else _chosen(wheels, facts)
    requirement = f"edgeship{extra}=={_version(wheels, chosen)}"
    stated = [requirement, *constraints, str(system), facts["python"], facts["interpreter"], *sorted(chosen.values())]
    identity = hashlib.sha256("\n".join(stated).encode()).hexdigest()[:12]
    return Installation(identity, requirement, constraints, system, chosen)


def how_to_get(facts: Mapping[str, Json], folder: Path, requirement: str) -> str:
    """The command that fills a folder with the wheels of a board."""
    python = ".".join(facts["python"].split(".")[:2])
    command = _DOWNLOAD.format(folder=folder, python=python, machine=facts["machine"])
    return f"{command} --find-links {folder} '{requirement}'"


def _chosen(folder: Path, facts: Mapping[str, Json]) -> dict[Path, str]:
    if not folder.is_dir():
        raise DeviceError(f"--wheels {folder}: no such folder")
    found = [path for path in sorted(folder.glob("*.whl")) if _suits(path.name, facts)]
    return {path: files.sha256(path.read_bytes()) for path in found}


def _suits(name: str, facts: Mapping[str, Json]) -> bool:
    """Whether the board's processor is the wheel's; Python's version is left to pip, which says it best."""
    platform = name.removesuffix(".whl").rpartition("-")[2]
    machine = "armv7l" if facts["bits"] == 32 and facts["machine"] == "aarch64" else facts["machine"]
    return platform == "any" or platform.endswith(machine)


def _version(folder: Path | None, chosen: Mapping[Path, str]) -> str:
    """Of the wheel in the folder; else of this edgeship, so that both ends are one."""
    if folder is None:
        from importlib.metadata import version

        return version("edgeship")
    ours = [path.name.split("-")[1] for path in chosen if path.name.startswith("edgeship-")]
    if not ours:
        raise DeviceError(
            f"--wheels {folder}: no wheel of edgeship in it; from its repository: uv build --wheel --out-dir {folder}"
        )
    return ours[-1]
