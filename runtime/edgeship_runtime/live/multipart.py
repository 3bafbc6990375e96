"""Multipart: pictures out of the endless answer of an MJPEG camera (multipart/x-mixed-replace, RFC 2046).

Cameras are careless: boundaries are announced with and without their dashes, lengths are missing or wrong, rubbish lies between the
parts. So a length is believed only where it leads to the end of a JPEG, and everything else is found by its boundary.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic
from typing import NamedTuple

from edgeship_runtime.errors import DataError

MOST_BYTES = 32 * 2**20  # of a part: more than a JPEG of 100 megapixels
_MOST_HEAD_BYTES = 2**16
_CHUNK = 2**16
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,9})\s*$")
_END_OF_IMAGE = b"\xff\xd9"


class Part(NamedTuple):
    """A part that is whole.

    Attributes:
        content: what it holds.
        arrived_s: when its last byte came, by time.monotonic(). Without a length that shows only when the next part begins, one
            frame later.
    """

    content: bytes
    arrived_s: float


def parts(read: Callable[[int], bytes], boundary: str) -> Iterator[Part]:
    """The contents of the parts, each as soon as it is known to be whole; nothing of one that is cut short by the end.

    Args:
        read: gives up to so many bytes, at least one; none at the end.
        boundary: as the header Content-Type has it.

    Raises:
        DataError: a part has no end within 32 MiB, or its header lines none within 64 KiB.
    """
    delimiter = b"--" + boundary.strip(' "').lstrip("-").encode("latin-1", "replace")
    buffer = _Buffer(read, delimiter)
    while buffer.up_to(delimiter) is not None:
        buffer.drop(len(delimiter))
        head = buffer.head()
        if head is None:
            return
        length, began = _LENGTH.search(head), buffer.dropped
        part = None if length is None else buffer.picture(int(length[1]))
        if part is None:
            part = buffer.up_to(delimiter)
        if part and (content := part.rstrip(b"\r\n-")):
            yield Part(content, buffer.arrived_s(began + len(content)))


class _Buffer:
    """What was read and not used yet.

    Attributes:
        dropped: bytes that were used.
    """

    def __init__(self, read: Callable[[int], bytes], delimiter: bytes) -> None:
        self._read, self._delimiter = read, delimiter
        self._held = bytearray()
        self.dropped = 0
        self._reads: deque[tuple[int, float]] = deque()  # bytes read by then in all, when

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
            if len(lines) > _MOST_HEAD_BYTES:
                raise DataError("sends header lines without end: is it MJPEG?")
        return None

    def arrived_s(self, count: int) -> float:
        """When so many bytes had come in all; asked for growing numbers."""
        while self._reads[0][0] < count:
            self._reads.popleft()
        return self._reads[0][1]

    def picture(self, length: int) -> bytes | None:
        """Takes so many bytes; None, and nothing is taken, where they are not just one whole JPEG."""
        while len(self._held) < length:
            if length > MOST_BYTES or self._ends(self._held) or not self._more():
                return None
        part = bytes(self._held[:length])
        if not part.rstrip(b"\0\r\n").endswith(_END_OF_IMAGE) or self._ends(part):
            return None
        return self.drop(length)

    def _ends(self, data: bytes | bytearray) -> bool:
        """Whether a part ends in it: a boundary on a line of its own, since a short one by itself also occurs in pictures."""
        return b"\n" + self._delimiter in data

    def drop(self, count: int) -> bytes:
        """Takes so many bytes of those that are there."""
        taken = bytes(self._held[:count])
        del self._held[:count]
        self.dropped += len(taken)
        return taken

    def _more(self) -> bool:
        chunk = self._read(_CHUNK)
        self._held += chunk
        self._reads.append((self.dropped + len(self._held), monotonic()))
        if len(self._held) > MOST_BYTES:
            raise DataError(f"sends parts of more than {MOST_BYTES // 2**20} MB, or none at all: is it MJPEG?")
        return bool(chunk)
