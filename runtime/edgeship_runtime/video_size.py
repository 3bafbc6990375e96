"""Video size: how many bytes a video file says it has, from the lengths that its container states.

A decoder ends at the end of the bytes and does not say whether more should have come. The lengths tell: of the boxes of an MP4 or
QuickTime file (ISO/IEC 14496-12), of the RIFF chunks of an AVI, of the segment of a Matroska or WebM file (RFC 9559). Others have no
length, but may end in the middle of something: MPEG transport streams in a packet, JPEGs in a row in a picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_JPEG = b"\xff\xd8\xff"
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"uuid", b"meta", b"sidx", b"styp"})


def stated_bytes(path: Path) -> int | None:
    """The length that the file should have; None where its format, or a recorder that never finished it, does not say.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(8)
        stream.seek(0)
        if head[4:] in _BOXES:
            return _boxes(stream, path.stat().st_size)
        if head[:4] == b"RIFF":
            return _riff(stream)
        if head[:3] == _JPEG:
            return _pictures(stream, path.stat().st_size)
        if packet := _packet(stream):
            return -(-path.stat().st_size // packet) * packet
        return _matroska(stream) if head[:4] == _EBML else None


def _boxes(stream: BinaryIO, size: int) -> int | None:
    """Where the last box ends. A box of length 0 goes on to the end of the file; length 1 means 64 bits after its name."""
    at = 0
    while at < size:
        stream.seek(at)
        head = stream.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if head[4:8] not in _BOXES or length < 8:
            return None  # something else follows the video: no statement about its length
        at += length
    return at


def _riff(stream: BinaryIO) -> int | None:
    """Where the last RIFF chunk ends: AVI files above 1 GB have several."""
    at = 0
    while (head := stream.read(8))[:4] == b"RIFF" and len(head) == 8:
        length = int.from_bytes(head[4:], "little")
        if length in (0, 0xFFFFFFFF):  # written before the length was known
            return None
        at += 8 + length + length % 2
        stream.seek(at)
    return at or None


def _matroska(stream: BinaryIO) -> int | None:
    """Where the segment ends, the element after the EBML header; live recordings leave its length unknown."""
    stream.seek(len(_EBML))
    header = _variable(stream)
    if header is None:
        return None
    stream.seek(header, 1)
    if stream.read(4) != _SEGMENT:
        return None
    length = _variable(stream)
    return None if length is None else stream.tell() + length


def _pictures(stream: BinaryIO, size: int) -> int:
    """To the end of the last one, if only by the mark that stands there."""
    stream.seek(max(0, size - 64))
    return size if stream.read().rstrip(b"\0\r\n").endswith(b"\xff\xd9") else size + 2


def _packet(stream: BinaryIO) -> int | None:
    """Bytes of a packet of a transport stream, each of which begins with the letter G; those of camcorders have a time before it."""
    stream.seek(0)
    head = stream.read(3 * 192)
    for length, at in ((188, 0), (192, 4)):
        if head[at::length][:3] == b"GGG":
            return length
    stream.seek(0)
    return None


def _variable(stream: BinaryIO) -> int | None:
    """A variable-length integer (RFC 8794): leading zero bits count the further bytes; all ones mean unknown."""
    first = stream.read(1)
    if not first or not first[0]:
        return None
    further = 8 - first[0].bit_length()
    bits = 7 * (further + 1)
    value = int.from_bytes(first + stream.read(further), "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value
