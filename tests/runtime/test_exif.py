"""Our quick look at EXIF finds the orientation that Pillow finds."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeship_runtime import exif


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("extra", [{}, {0x010F: "Maker", 0x0132: "2026:01:01 00:00:00"}])
def test_it_reads_what_pillow_wrote(value: int, extra: dict[int, str]) -> None:
    block = Image.Exif()
    block[exif.ORIENTATION] = value
    block.update(extra)

    assert exif.orientation(block.tobytes()) == value


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_are_read(order: str) -> None:
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8)
    entry = struct.pack(order + "HHIHH", exif.ORIENTATION, 3, 1, 6, 0)

    assert exif.orientation(head + struct.pack(order + "H", 1) + entry) == 6


@given(st.binary(max_size=60))
def test_damaged_blocks_state_nothing_and_raise_nothing(tail: bytes) -> None:
    for head in (b"", b"Exif\0\0II", b"MM\0*\0\0\0\x08"):
        stated = exif.orientation(head + tail)
        assert stated is None or 0 <= stated <= 0xFFFF


def test_real_pictures_agree_with_pillow(shared_data: Path) -> None:
    for path in sorted((shared_data / "exif_orientation").glob("*.jpg")):
        with Image.open(path) as image:
            stated = exif.orientation(image.info.get("exif", b""))
            assert (stated or exif.UPRIGHT) == (image.getexif().get(exif.ORIENTATION) or exif.UPRIGHT)
