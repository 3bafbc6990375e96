"""Pixels are quantized as the file says: rounded, clipped, cast, in this order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeship_runtime.engines.numbers import Affine, pixel_table, real


def test_raw_pixels_pass_as_they_are() -> None:
    assert pixel_table(np.uint8, Affine(1.0, 0)) is None
    assert pixel_table(np.uint8, Affine(0.0, 0)) is None


def test_int8_pixels_are_shifted() -> None:
    table = pixel_table(np.int8, Affine(1.0, -128))

    assert table is not None
    assert table.dtype == np.int8
    assert table.tolist() == list(range(-128, 128))


@given(scale=st.floats(0.001, 10), zero_point=st.integers(-128, 127))
def test_white_never_wraps_to_black(scale: float, zero_point: int) -> None:
    table = pixel_table(np.int8, Affine(scale, zero_point))

    assert table is not None
    assert (np.diff(table.astype(int)) >= 0).all()


@pytest.mark.parametrize(("value", "score"), [(-128, 0.0), (0, 0.5), (127, 255 / 256)])
def test_int8_scores_become_fractions(value: int, score: float) -> None:
    assert real(np.array([value], np.int8), Affine(1 / 256, -128)).tolist() == [score]
