"""Wheels: what to install on a board, from the registry or, without a network there, from a folder of wheels."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeship_devices.board.slots import digest
from edgeship_runtime.errors import DeviceError
from edgeship_runtime.record import Json

_DOWNLOAD = "pip download --dest {folder} --only-binary=:all: --python-version {python} {platforms} --find-links {folder} {packages}"
_PLATFORMS = ("manylinux_2_28_{}", "manylinux_2_27_{}", "manylinux_2_17_{}", "manylinux2014_{}")
# tflite-runtime's wheel is manylinux_2_34; the Raspberry Pi project builds the others: www.piwheels.org
_PLATFORMS_32 = ("manylinux_2_34_{}", "manylinux2014_{}", "linux_{}")
_PIWHEELS = "--no-deps --extra-index-url https://www.piwheels.org/simple"


@dataclass(frozen=True)
class Installation:
    """What a board's environment is made of.

    Attributes:
        identity: two environments of one identity are the same.
        requirement: as pip takes it: "edgeship[onnx]==0.1.0".
        constraints: further requirements.
        alone: whether the requirement comes without what it requires, because `constraints` say all of that.
        system: whether it sees the packages of the board's own Python.
        wheels: files to send, by their SHA-256; empty where the registry is asked.
    """

    identity: str
    requirement: str
    constraints: tuple[str, ...]
    system: bool
    alone: bool = False
    wheels: Mapping[Path, str] = field(default_factory=dict)


def plan(facts: Mapping[str, Json], format_name: str, wheels: Path | None, extras: Sequence[str] = ()) -> Installation:
    """What to install so that files of a format run on the board.

    picamera2 comes with the board's system only, and was built against the system's NumPy: the environment then sees the system's
    packages, and keeps to its NumPy's major version.

    On 32 bits pip may not choose: under the 64-bit kernel of Raspberry Pi OS it takes the board for an aarch64, and wants LiteRT,
    which has no wheel there.

    Raises:
        DeviceError: the folder has no wheel of edgeship that the board can use.
    """
    wanted = sorted({*extras, *(["onnx"] if format_name == "onnx" else [])})
    extra = f"[{','.join(wanted)}]" if wanted else ""
    system = bool(facts["picamera2"])
    numpy = facts["numpy"]
    constraints = (f"numpy<{int(numpy.split('.')[0]) + 1}",) if system and numpy else ()
    alone = is_32_bit(facts)
    if alone:
        constraints = (*constraints, *_required(wanted))
    chosen = {} if wheels is None else _chosen(wheels, facts)
    requirement = f"edgeship{extra}=={_version(wheels, chosen)}"
    stated = [requirement, *constraints, str(system), facts["python"], facts["interpreter"], *sorted(chosen.values())]
    identity = hashlib.sha256("\n".join(stated).encode()).hexdigest()[:12]
    return Installation(identity, requirement, constraints, system, alone, chosen)


def is_32_bit(facts: Mapping[str, Json]) -> bool:
    """Whether a board's programs are armv7l, whatever its kernel is."""
    return facts["bits"] == 32 and str(facts["machine"]).startswith(("armv7", "armv8", "aarch64"))


def _required(extras: Sequence[str]) -> tuple[str, ...]:
    """What edgeship requires on armv7l, as its own metadata say it."""
    from importlib.metadata import requires

    found = []
    for line in requires("edgeship") or ():
        requirement, _, marker = (part.strip() for part in line.partition(";"))
        extra = re.search(r"extra == ['\"](\S+)['\"]", marker)
        if (extra is None or extra[1] in extras) and not re.search(r"platform_machine != ['\"]armv7l", marker):
            found.append(requirement)
    return tuple(found)


def how_to_get(facts: Mapping[str, Json], folder: Path, installation: Installation) -> str:
    """The command that fills a folder with the wheels of a board, here, where pip's markers are those of another machine."""
    platforms = _PLATFORMS_32 if installation.alone else _PLATFORMS
    named = " ".join(f"--platform {platform.format(_machine(facts))}" for platform in platforms)
    packages = [installation.requirement, *(installation.constraints if installation.alone else ())]
    return _DOWNLOAD.format(
        folder=folder,
        python=".".join(facts["python"].split(".")[:2]),
        platforms=f"{named} {_PIWHEELS}" if installation.alone else named,
        packages=" ".join(f"'{package}'" for package in packages),
    )


def _machine(facts: Mapping[str, Json]) -> str:
    """As wheels call it."""
    return "armv7l" if is_32_bit(facts) else str(facts["machine"])


def _chosen(folder: Path, facts: Mapping[str, Json]) -> dict[Path, str]:
    if not folder.is_dir():
        raise DeviceError(f"--wheels {folder}: no such folder")
    found = [path for path in sorted(folder.glob("*.whl")) if _suits(path.name, facts)]
    return {path: digest(path) for path in found}


def _suits(name: str, facts: Mapping[str, Json]) -> bool:
    """Whether the board's processor is the wheel's; Python's version is left to pip, which says it best."""
    platform = name.removesuffix(".whl").rpartition("-")[2]
    return platform == "any" or platform.endswith(_machine(facts))


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
