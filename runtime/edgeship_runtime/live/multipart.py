"""Multipart: pictures out of the endless answer of an MJPEG camera (multipart/x-mixed-replace, RFC 2046).

Cameras are careless: boundaries are announced with and without their dashes, lengths are missing or wrong, rubbish lies between the
parts. So a length is believed only where it leads to the end of a JPEG, and everything else is found by its boundary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from edgeship_runtime.errors import DataError

MOST_BYTES = 32 * 2**20  # of a part: more than a JPEG of 100 megapixels
_CHUNK = 2**16
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,9})\s*$")
_END_OF_IMAGE = b"\xff\xd9"


def parts(read: Callable[[int], bytes], boundary: str) -> Iterator[bytes]:
    """The contents of the parts, each as soon as its last byte is there; nothing of one that is cut short by the end.

    Args:
        read: gives up to so many bytes, at least one; none at the end.
        boundary: as the header Content-Type has it.

    Raises:
        DataError: a part has no end within 32 MiB.
    """
    delimiter = b"--" + boundary.strip(' "').lstrip("-").encode("latin-1", "replace")
    buffer = _Buffer(read, delimiter)
    while buffer.up_to(delimiter) is not None:
        buffer.drop(len(delimiter))
        head = buffer.head()
        if head is None:
            return
        length = _LENGTH.search(head)
        part = None if length is None else buffer.picture(int(length[1]))
        if part is None:
            part = buffer.up_to(delimiter)
        if part:
            yield part.rstrip(b"\r\n-")


class _Buffer:
    """What was read and not used yet."""

    def __init__(self, read: Callable[[int], bytes], delimiter: bytes) -> None:
        self._read, self._delimiter = read, delimiter
        self._held = bytearray()

    def up_to(self, mark: bytes) -> bytes | None:
        """Takes what comes before a mark, which is left; None where the end comes first."""
        searched = 0
        while (at := self._held.find(mark, searched)) < 0:
            searched = max(0, len(self._held) - len(mark) + 1)
            if not self._more():
                return None
        return self.drop(at)

    def head(self) -> bytes | None:
        """Takes the header lines of a part, and the empty line after them."""
        lines = b""
        while (line := self.up_to(b"\n")) is not None:
            self.drop(1)
            if not line.strip() and lines:
                return lines
            lines += line + b"\n"
        return None

    def picture(self, length: int) -> bytes | None:
        """Takes so many bytes; None, and nothing is taken, where they are not just one whole JPEG."""
        while len(self._held) < length:
            if length > MOST_BYTES or self._delimiter in self._held or not self._more():
                return None
        part = bytes(self._held[:length])
        if not part.rstrip(b"\0\r\n").endswith(_END_OF_IMAGE) or self._delimiter in part:
            return None
        return self.drop(length)

    def drop(self, count: int) -> bytes:
        """Takes so many bytes of those that are there."""
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def _more(self) -> bool:
        chunk = self._read(_CHUNK)
        self._held += chunk
        if len(self._held) > MOST_BYTES:
            raise DataError(f"sends parts of more than {MOST_BYTES // 2**20} MB, or none at all: is it MJPEG?")
        return bool(chunk)
