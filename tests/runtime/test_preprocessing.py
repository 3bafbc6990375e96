"""Pictures of any size come to the model's size in the way the file states."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeship_runtime.preprocessing import Preprocessing


def gradient(width: int, height: int) -> np.ndarray:  # type: ignore[type-arg]
    """Red grows to the right, green downwards."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)[None, :]
    pixels[..., 1] = np.linspace(0, 255, height)[:, None]
    return pixels


@settings(deadline=None, max_examples=60)
@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    target=st.tuples(st.integers(1, 64), st.integers(1, 64)),
    fit=st.sampled_from(["stretch", "crop", "letterbox"]),
    color=st.sampled_from(["rgb", "grey"]),
)
def test_any_size_comes_out_at_the_models_size(
    width: int, height: int, target: tuple[int, int], fit: str, color: str
) -> None:
    preprocessing = Preprocessing(*target, color, fit)  # type: ignore[arg-type]

    pixels = preprocessing(np.full((height, width, 3), 200, np.uint8))

    assert pixels.shape == preprocessing.shape
    assert pixels.dtype == np.uint8
    if fit != "letterbox":
        assert np.abs(pixels.astype(int) - 200).max() <= 1  # Pillow averages in fixed point


@pytest.mark.parametrize("size", [(224, 224), (223, 97), (1280, 720), (720, 1280), (225, 900)])
def test_a_resize_keeps_geometry(size: tuple[int, int]) -> None:
    """A linear gradient stays where it was: an offset of half a block would shift it."""
    pixels = Preprocessing(32, 32)(gradient(*size)).astype(float)

    wanted = (np.arange(32) + 0.5) / 32 * 255
    assert np.abs(pixels[16, 1:-1, 0] - wanted[1:-1]).max() < 3
    assert np.abs(pixels[1:-1, 16, 1] - wanted[1:-1]).max() < 3


def test_reduced_pictures_are_averaged_and_not_sampled() -> None:
    checkers = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)

    pixels = Preprocessing(32, 32, "grey")(checkers)

    assert np.abs(pixels.astype(int) - 128).max() <= 2


def test_crop_takes_the_centre() -> None:
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 100:200] = 255

    assert (Preprocessing(50, 50, fit="crop")(wide) == 255).all()


def test_letterbox_pads_with_black_and_keeps_the_aspect_ratio() -> None:
    white = np.full((100, 200, 3), 255, np.uint8)

    pixels = Preprocessing(64, 64, fit="letterbox")(white)

    assert (pixels[16:48] == 255).all()
    assert (pixels[:15] == 0).all()
    assert (pixels[49:] == 0).all()


def test_a_file_its_bytes_its_image_and_its_array_are_one_picture() -> None:
    array = gradient(90, 70)
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    preprocessing = Preprocessing(32, 32)

    ways = [preprocessing(stream.getvalue()), preprocessing(array), preprocessing(Image.fromarray(array))]

    assert all(np.array_equal(ways[0], other) for other in ways[1:])


def test_a_scaled_jpeg_is_close_to_the_whole_one() -> None:
    stream = io.BytesIO()
    Image.fromarray(gradient(2000, 1500)).save(stream, "JPEG", quality=95)
    preprocessing = Preprocessing(96, 96)

    scaled = preprocessing(stream.getvalue()).astype(int)
    whole = preprocessing(np.asarray(Image.open(io.BytesIO(stream.getvalue())))).astype(int)

    assert np.abs(scaled - whole).mean() < 1


@pytest.mark.parametrize(
    "wrong", [{"width": 0}, {"height": 5000}, {"color": "bgr"}, {"fit": "fill"}, {"resize": "cubic"}]
)
def test_what_no_picture_can_be_brought_to_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        Preprocessing(**({"width": 8, "height": 8} | wrong))  # type: ignore[arg-type]


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(1, 260), st.integers(1, 260)),
    fit=st.sampled_from(["stretch", "crop", "letterbox"]),
    color=st.sampled_from(["rgb", "grey"]),
    seed=st.integers(0, 99),
)
def test_an_array_in_strips_is_the_image_as_a_whole(size: tuple[int, int], fit: str, color: str, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    preprocessing = Preprocessing(16, 12, color, fit)  # type: ignore[arg-type]

    assert np.array_equal(preprocessing(pixels), preprocessing(Image.fromarray(pixels)))


def test_huge_blocks_keep_white_white() -> None:
    """Pillow's own reduce gives 248 for this."""
    white = np.full((3000, 3000, 3), 255, np.uint8)

    assert (Preprocessing(4, 4)(white) == 255).all()
