""".keras: a zip already, so members are further entries below edgeship/. Keras ignores them; saving again from Keras drops them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from edgeship_runtime.containers import zipped

_MODEL_ENTRIES = ("config.json", "model.weights.h5")


def recognizes(head: bytes) -> bool:
    """A zip that begins with the file: its local header, or an empty archive's end."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def model_part(file: BinaryIO) -> bytes:
    """config.json and model.weights.h5, one after the other: metadata.json holds the date it was saved."""
    with zipped.open_zip(file) as archive:
        return b"".join(zipped.read(archive, name) for name in _MODEL_ENTRIES)


def read_members(file: BinaryIO) -> dict[str, bytes]:
    """The entries below edgeship/."""
    with zipped.open_zip(file) as archive:
        return zipped.members(archive)


def write(model: bytes, members: Mapping[str, bytes]) -> bytes:
    """Adds members to a file that Keras saved."""
    return zipped.append(model, {zipped.PREFIX + name: data for name, data in members.items()})
