"""Catalog: every board that edgeship knows, those it cannot run on among them, with the reason."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from edgeship_devices.device import PROFILES, Device, profile_names
from edgeship_devices.microcontroller import Microcontroller
from edgeship_runtime import files, record
from edgeship_runtime.errors import DeviceError


@dataclass(frozen=True)
class Unsupported:
    """A board that people ask for and edgeship does not run on.

    Attributes:
        name: as in the list.
        title: for people.
        reason: why, and what would do.
        source: of what the reason says.
    """

    name: str
    title: str
    reason: str
    source: str


Board = Device | Microcontroller | Unsupported
_FOLDERS: dict[str, type[Microcontroller] | type[Unsupported]] = {
    "microcontrollers": Microcontroller,
    "unsupported": Unsupported,
}


def boards() -> tuple[Board, ...]:
    """All that come with edgeship: those that run it, microcontrollers, and those that do not."""
    devices = [Device.load(name) for name in profile_names()]
    others = [_other(path) for folder in _FOLDERS for path in sorted((PROFILES / folder).glob("*.toml"))]
    return (*devices, *others)


def board(name: str) -> Board:
    """One by its name, or a user's profile by its path.

    Raises:
        DeviceError: there is none, or its fields are not those of a profile.
    """
    path = path_of(name)
    return _other(path) if path.parent.name in _FOLDERS and PROFILES in path.parents else Device.load(name)


def why_not(name: str) -> str:
    """Why a name is none of a board that runs edgeship: nobody knows it, or it is of one that cannot."""
    try:
        other = board(name)
    except DeviceError as error:
        return str(error)
    if isinstance(other, Unsupported):
        return f"edgeship does not run on {name}: {other.reason}"
    return f"{name} is a microcontroller, on which no Python runs; edgeship devices show {name} tells what it has"


def path_of(name: str) -> Path:
    """Where a profile lies: one of ours by its name, or what the name is a path of.

    Raises:
        DeviceError: none has this name.
    """
    if "/" in name or name.endswith(".toml"):
        return Path(name)
    found = {path.stem: path for path in PROFILES.rglob("*.toml")}
    if name not in found:
        raise DeviceError(
            f"no device {name!r}; known: {', '.join(sorted(found))}; or name a profile of your own, a .toml file"
        )
    return found[name]


def _other(path: Path) -> Microcontroller | Unsupported:
    try:
        fields = tomllib.loads(path.read_text("utf-8"))
        return record.from_json(_FOLDERS[path.parent.name], {"name": path.stem, **fields}, str(path))
    except OSError as error:
        raise DeviceError(f"{path}: {files.reason(error)}") from None
