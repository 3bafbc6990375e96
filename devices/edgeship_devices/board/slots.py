"""Slots: where a board keeps files, and the one atomic step that changes which of them runs.

    models/flowers/slots/1f3a…/model          the file, under its own digest
                              /environment -> the environment that it was verified in
                              /slot.json      what it is, and what verify said
    models/flowers/generations/000007      -> ../slots/1f3a…
    models/flowers/current                 -> generations/000007

A slot is built beside the others and verified before a generation names it; then `current` is replaced by one rename(2). Whatever
happens before, the board goes on with the old file. Rolling back is the same step, to the generation before.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

from edgeship_devices.board.facts import data_home

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
NAME_HINT = "wanted letters, digits, points, hyphens; 64 at most"


class BoardError(Exception):
    """Something that the person at the workstation can mend; the message is theirs to read."""


def folder(name: str) -> Path:
    """What belongs to a name: slots, generations, current."""
    if not NAME.fullmatch(name):
        raise BoardError(f"{name!r} is no name: {NAME_HINT}")
    return data_home() / "models" / name


def names() -> list[str]:
    """Those that have something deployed."""
    return sorted(path.parent.name for path in (data_home() / "models").glob("*/current"))


def begun() -> list[str]:
    """Those of which anything is there, also those of which nothing was ever switched to."""
    return sorted(path.name for path in (data_home() / "models").glob("*") if NAME.fullmatch(path.name))


def current(name: str) -> Path | None:
    """The slot that runs; None when nothing was deployed."""
    link = folder(name) / "current"
    return link.resolve() if link.exists() else None


def generation(name: str) -> int:
    """The number of the current generation; 0 when there is none."""
    try:
        return int(Path(os.readlink(str(folder(name) / "current"))).name)
    except OSError:
        return 0


def store(name: str, slot: str, staged: Path, environment: Path) -> Path:
    """Makes a slot of a file that was received. Nothing of one that is there already is ever missing meanwhile."""
    target = folder(name) / "slots" / slot
    target.mkdir(parents=True, exist_ok=True)
    staged.replace(target / "model")
    _link(str(environment), target / "environment")
    return target


def describe(target: Path, facts: dict[str, object]) -> None:
    """Writes slot.json: the slot is complete and verified."""
    write(target / "slot.json", json.dumps(facts, sort_keys=True).encode())


def described(target: Path) -> dict[str, object]:
    """What slot.json says."""
    try:
        found = json.loads((target / "slot.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def switch(name: str, slot: str) -> int:
    """Makes a slot the current one, in one step; returns the number of its generation."""
    place, number = folder(name), generation(name)
    if number and current(name) == (place / "slots" / slot).resolve():
        return number
    (place / "generations").mkdir(exist_ok=True)
    _link("../slots/" + slot, place / _generation(number + 1))
    _link(_generation(number + 1), place / "current")
    return number + 1


def back(name: str) -> Path:
    """Makes the generation before the current one current again, and returns its slot.

    Raises:
        BoardError: there is none, or its slot is damaged.
    """
    place, number = folder(name), generation(name)
    if not number:
        raise BoardError("nothing is deployed as {}; deployed: {}".format(name, ", ".join(names()) or "nothing"))
    before = place / _generation(number - 1)
    if not before.exists():
        raise BoardError(f"{name} has no earlier slot to go back to")
    if digest(before / "model") != described(before.resolve()).get("sha256"):
        raise BoardError(f"the earlier slot of {name} is damaged; deploy the file again")
    _link(_generation(number - 1), place / "current")
    return before.resolve()


def withdraw(name: str, number: int) -> None:
    """Undoes `switch`: back to a generation, or to nothing when it is 0."""
    place = folder(name)
    if number:
        _link(_generation(number), place / "current")
    else:
        (place / "current").unlink()
        sync(place)


def collect(name: str, keep: int) -> None:
    """Removes generations beyond the current one and `keep` before it, and slots that none of the rest names."""
    number = generation(name)
    for link, its_number in _generations(name).items():
        if not number - keep <= its_number <= number:
            link.unlink()
    sweep(name)


def sweep(name: str) -> None:
    """Removes what a deploy that was killed left: temporary names, and slots that no generation names."""
    place = folder(name)
    for temporary in [*place.glob(".*.tmp"), *place.glob("generations/.*.tmp"), *place.glob("slots/*/.*.tmp")]:
        temporary.unlink()
    wanted = {link.resolve().name for link in _generations(name)}
    for slot in place.glob("slots/*"):
        if slot.name not in wanted:
            shutil.rmtree(str(slot), ignore_errors=True)


def digest(path: Path) -> str:
    """SHA-256 of a file; "" when it cannot be read."""
    found = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            for piece in iter(lambda: stream.read(1 << 20), b""):
                found.update(piece)
    except OSError:
        return ""
    return found.hexdigest()


def write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Whole or not at all: temporary file, fsync, rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with os.fdopen(os.open(str(temporary), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    sync(path.parent)


def sync(place: Path) -> None:
    """Without this a power cut can lose a rename."""
    descriptor = os.open(str(place), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _generations(name: str) -> dict[Path, int]:
    """The links of generations, and their numbers."""
    links = (folder(name) / "generations").glob("*")
    return {link: int(link.name) for link in links if link.name.isdecimal()}


def _generation(number: int) -> str:
    return f"generations/{number:06}"


def _link(target: str, path: Path) -> None:
    """A symbolic link, in place of what was there, by one rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    if temporary.is_symlink():
        temporary.unlink()
    temporary.symlink_to(target)
    temporary.replace(path)
    sync(path.parent)
