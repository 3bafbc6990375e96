"""What another tool's graph takes is written as its file states: (level − mean) / std, channel order, layout, quantization."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeship_runtime.engines.numbers import Affine, softmax
from edgeship_runtime.engines.pixels import Pixels
from edgeship_runtime.graph_input import GraphInput
from edgeship_runtime.preprocessing import Preprocessing

NONE = Affine(0.0, 0)
BATCH = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3)).astype(np.uint8)


def numbers(least: float, most: float) -> st.SearchStrategy[tuple[float, ...]]:
    value = st.floats(least, most)
    return st.tuples(value) | st.tuples(value, value, value)


STATED = st.builds(GraphInput, numbers(-200, 200), numbers(1, 300), st.booleans(), st.sampled_from(["nhwc", "nchw"]))


@settings(deadline=None)
@given(STATED)
def test_a_float_graph_gets_the_formula(stated: GraphInput) -> None:
    preprocessing = Preprocessing(5, 4, graph_input=stated)

    written = Pixels(np.float32, NONE, preprocessing).array(BATCH)

    assert written.dtype == np.float32
    assert written.shape == ((2, 4, 5, 3) if stated.layout == "nhwc" else (2, 3, 4, 5))
    np.testing.assert_allclose(written, expected(stated), rtol=1e-6, atol=1e-6)


@settings(deadline=None)
@given(STATED, st.floats(0.005, 2), st.integers(-128, 127))
def test_a_quantized_graph_gets_the_same_rounded_and_clipped(stated: GraphInput, scale: float, zero_point: int) -> None:
    pixels = Pixels(np.int8, Affine(scale, zero_point), Preprocessing(5, 4, graph_input=stated))

    written = pixels.array(BATCH)

    wanted = np.clip(np.rint(expected(stated) / scale) + zero_point, -128, 127)
    assert np.abs(written.astype(int) - wanted).max() <= 1  # a quotient that ends on .5 may round either way
    assert written.dtype == np.int8


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_raw_pixels_pass_as_they_are(dtype: type) -> None:
    pixels = Pixels(dtype, NONE, Preprocessing(5, 4))

    np.testing.assert_array_equal(pixels.array(BATCH), BATCH)
    assert pixels.shape == (4, 5, 3)


def test_writing_fills_what_is_given() -> None:
    stated = GraphInput((1.0, 2.0, 3.0), (4.0,), bgr=True, layout="nchw")
    out = np.full((2, 3, 4, 5), np.nan, np.float32)

    Pixels(np.float32, NONE, Preprocessing(5, 4, graph_input=stated)).write(BATCH, out)

    np.testing.assert_allclose(out, expected(stated), rtol=1e-6)


def test_softmax_gives_shares_also_of_large_logits() -> None:
    shares = softmax(np.array([[1000.0, 1001.0], [-2.0, 2.0]], np.float32))

    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(shares[:, 1], [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-4))], rtol=1e-5)


def expected(stated: GraphInput) -> NDArray[np.float64]:
    values = (BATCH.astype(np.float64) - np.array(stated.mean)) / np.array(stated.std)
    values = values[..., ::-1] if stated.bgr else values
    return values if stated.layout == "nhwc" else values.transpose(0, 3, 1, 2)
