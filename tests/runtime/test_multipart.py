"""Pictures are found in what MJPEG cameras send, however careless they are."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeship_runtime.errors import DataError
from edgeship_runtime.live import multipart
from edgeship_runtime.live.multipart import parts
from servers import mjpeg

PICTURES = [b"\xff\xd8" + bytes([number]) * (200 + 37 * number) + b"\xff\xd9" for number in range(6)]
WIRES = [
    mjpeg.proper,
    mjpeg.rubbish_between,
    mjpeg.without_length,
    mjpeg.length_too_small,
    mjpeg.length_too_large,
]


def received(data: bytes, boundary: str = "frame", seed: int = 0) -> list[bytes]:
    """What comes out where the network gives a few bytes at a time."""
    stream, chance = io.BytesIO(data), random.Random(seed)  # noqa: S311
    found = parts(lambda most: stream.read(min(most, chance.randrange(1, 90))), boundary)
    return [part.content for part in found]


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_every_picture_is_found(wire: mjpeg.Wire, seed: int) -> None:
    data = b"".join(wire(picture, number) for number, picture in enumerate(PICTURES)) + b"--frame--\r\n"

    assert received(data, seed=seed) == PICTURES


@pytest.mark.parametrize("boundary", ["frame", "--frame", '"frame"', "-----frame"])
def test_a_boundary_may_be_announced_with_its_dashes(boundary: str) -> None:
    data = b"".join(mjpeg.proper(picture, 0) for picture in PICTURES)

    assert received(data, boundary) == PICTURES


def test_what_was_sent_may_change_from_part_to_part() -> None:
    data = b"".join(wire(picture, 0) for wire, picture in zip(WIRES, PICTURES, strict=False)) + b"--frame"

    assert received(data) == PICTURES[: len(WIRES)]


def test_a_picture_comes_with_its_last_byte() -> None:
    """Not when the next one begins."""
    sent: list[bytes] = [mjpeg.proper(PICTURES[0], 0).removesuffix(b"\r\n")]

    found = parts(lambda _: sent.pop(), "frame")

    assert next(found).content == PICTURES[0]


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.__name__)
def test_a_picture_is_as_old_as_its_last_byte(wire: mjpeg.Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it shows only later that it was the last one."""
    data = b"".join(wire(picture, number) for number, picture in enumerate(PICTURES)) + b"--frame--\r\n"
    stream = io.BytesIO(data)
    monkeypatch.setattr(multipart, "monotonic", lambda: float(stream.tell()))  # a byte a second

    found = list(parts(lambda _: stream.read(7), "frame"))

    assert [part.content for part in found] == PICTURES
    for part in found:
        last = data.index(part.content) + len(part.content)
        assert last <= part.arrived_s < last + 7


def test_a_short_boundary_that_occurs_in_a_picture_does_not_cut_it() -> None:
    picture = PICTURES[0][:50] + b"--x" + PICTURES[0][50:]
    data = mjpeg.proper(picture, 0).replace(b"--frame", b"--x") * 2

    assert received(data, "x") == [picture, picture]


def test_a_header_without_end_is_refused() -> None:
    lines = iter([b"--frame\r\n"])

    with pytest.raises(DataError, match="header lines without end"):
        list(parts(lambda _: next(lines, b"X-More: of it\r\n" * 100), "frame"))


def test_a_picture_that_is_cut_off_by_the_end_is_none() -> None:
    data = mjpeg.proper(PICTURES[0], 0) + mjpeg.proper(PICTURES[1], 1)

    assert received(data[:-100]) == PICTURES[:1]
    assert received(data.replace(b"Content-Length", b"X")[:-100]) == PICTURES[:1]


def test_garbage_with_a_right_length_is_handed_on_as_it_is() -> None:
    data = mjpeg.garbage(b"", 0) + mjpeg.proper(PICTURES[1], 1)

    assert received(data) == [bytes(range(256)) * 8, PICTURES[1]]


def test_what_never_ends_is_no_mjpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "MOST_BYTES", 10_000)

    with pytest.raises(DataError, match="is it MJPEG"):
        list(parts(lambda _: b"x" * 1000, "frame"))


@given(
    st.lists(st.sampled_from([b"--frame", b"\r\n", b"\n", b"--", b"Content-Length: 9", b"\xff\xd8", b"\xff\xd9", b"x"]))
)
def test_no_bytes_confuse_it(pieces: list[bytes]) -> None:
    data = b"".join(pieces)

    for part in received(data + mjpeg.proper(PICTURES[0], 0)):
        assert part in data + PICTURES[0] or part == PICTURES[0]
