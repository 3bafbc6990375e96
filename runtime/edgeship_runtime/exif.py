"""EXIF: the one entry that matters here, read without Pillow's reader, whose import costs as much as a decode."""

from __future__ import annotations

import struct

ORIENTATION = 0x0112  # tag, in the first directory (CIPA DC-008: EXIF 2.32, 4.6.4)
UPRIGHT = 1
_HEADER = b"Exif\0\0"
_SHORT = 3


def orientation(block: bytes) -> int | None:
    """The orientation, 1 to 8, that an EXIF block states; None when it states none, or is damaged before it does."""
    block = block.removeprefix(_HEADER)
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return None
    try:
        (directory,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, directory)
        for index in range(count):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", block, directory + 2 + 12 * index)
            if tag == ORIENTATION and kind == _SHORT:
                return int(value)
    except struct.error:
        return None
    return None
