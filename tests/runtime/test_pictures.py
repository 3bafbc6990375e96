"""Any picture comes out upright, in the right colours, or is refused in one line."""

import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeship_runtime import machine, pictures
from edgeship_runtime.errors import PictureError
from edgeship_runtime.pictures import decode


def saved(image: Image.Image, format_name: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format_name, **options)
    return stream.getvalue()


def pixel(data: bytes, color: pictures.Color = "rgb") -> object:
    return pictures.decode(data, color).getpixel((0, 0))


def test_transparency_is_laid_on_white_and_not_on_what_lies_hidden_below() -> None:
    assert pixel(saved(Image.new("RGBA", (2, 2), (255, 0, 0, 0)))) == (255, 255, 255)
    assert pixel(saved(Image.new("RGBA", (2, 2), (255, 0, 0, 255)))) == (255, 0, 0)
    assert pixel(saved(Image.new("LA", (2, 2), (0, 0))), "grey") == 255


def test_a_transparent_palette_entry_is_white() -> None:
    image = Image.new("P", (2, 2), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)

    decoded = pictures.decode(saved(image, transparency=0), "rgb")

    assert decoded.getpixel((0, 0)) == (255, 255, 255)
    assert decoded.getpixel((1, 0)) == (200, 100, 50)


@pytest.mark.parametrize(("value", "level"), [(0, 0), (32768, 128), (65535, 255), (257, 1)])
def test_sixteen_bits_are_scaled_not_clipped(value: int, level: int) -> None:
    data = saved(Image.fromarray(np.full((2, 2), value, np.uint16)))

    assert pixel(data, "grey") == level
    assert pixel(data, "rgb") == (level, level, level)


def test_cmyk_comes_out_in_its_colours() -> None:
    data = saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)

    red, green, blue = pictures.decode(data, "rgb").getpixel((8, 8))  # type: ignore[misc]

    assert red > 240
    assert max(green, blue) < 15


def test_floating_point_pictures_are_refused() -> None:
    with pytest.raises(PictureError, match="no agreed range"):
        pictures.decode(saved(Image.new("F", (2, 2), 0.5), "TIFF"), "rgb")


def test_every_exif_orientation_gives_the_same_upright_picture(shared_data: Path) -> None:
    upright = np.asarray(pictures.decode(shared_data / "exif_orientation/Landscape_1.jpg", "rgb"), int)
    for number in range(9):
        turned = np.asarray(pictures.decode(shared_data / f"exif_orientation/Landscape_{number}.jpg", "rgb"), int)
        assert turned.shape == upright.shape
        assert np.abs(turned - upright).mean() < 4  # each file was encoded on its own


def test_a_scaled_decode_keeps_orientation_and_enough_pixels(shared_data: Path) -> None:
    for number in (1, 6):
        path = shared_data / f"exif_orientation/Landscape_{number}.jpg"
        whole = pictures.decode(path, "rgb")
        small = pictures.decode(path, "rgb", at_least=(100, 60))
        assert small.width < whole.width
        assert small.width >= 100
        assert small.height >= 60
        assert abs(small.width / small.height - whole.width / whole.height) < 0.02


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ((250, 0, 0), (0, 250, 0))]
    data = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])

    assert pixel(data) == (250, 0, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"hello, I am a text file", "it is text, 'hello, I am a text f'"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a picture|damaged"),
        (bytes(range(128, 256)), "not a picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(range(256)), "a photo in HEIC, .*: save it as JPEG"),
    ],
)
def test_what_is_no_picture_says_what_it_is(data: bytes, words: str) -> None:
    with pytest.raises(PictureError, match=words) as caught:
        pictures.decode(data, "rgb")
    assert "\n" not in str(caught.value)


def test_odd_files_decode_or_are_refused(shared_data: Path) -> None:
    refused = set()
    for path in sorted((shared_data / "odd_images").iterdir()):
        if path.suffix.lower() not in pictures.SUFFIXES:
            continue
        try:
            assert pictures.decode(path, "rgb").mode == "RGB"
            assert pictures.decode(path, "grey").mode == "L"
        except PictureError:
            refused.add(path.name)
    assert refused == {
        "bmp__b__badwidth.bmp",
        "broken.png",
        "decompression_bomb.gif",
        "truncated_image.png",
        "truncated_jpeg.jpg",
    }


@pytest.mark.parametrize(
    "format_name", ["AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "SPIDER", "TIFF", "WEBP"]
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damaged metadata
def test_a_damaged_file_is_decoded_or_refused_whatever_the_reader_raises(format_name: str) -> None:
    """Pillow's readers raise any kind of error: AVIF's a RuntimeError. One such file must not end a run."""
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 255, (24, 32), np.uint8))
    whole = saved(image if format_name == "SPIDER" else image.convert("RGB"), format_name)
    refused = 0
    for _ in range(150):
        data = np.frombuffer(whole, np.uint8).copy()
        places = random.integers(0, min(len(data), random.choice([64, 512, 10_000])), 4)
        data[places] = random.choice([0, 127, 255], 4)
        try:
            decode(data.tobytes(), "rgb", at_least=(8, 8))
        except PictureError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 0


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4,), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_arrays_of_another_kind_are_refused(array: np.ndarray) -> None:  # type: ignore[type-arg]
    with pytest.raises(PictureError):
        pictures.from_array(array, "rgb")


def test_a_picture_that_memory_does_not_suffice_for_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "poster.png"
    Image.new("L", (5000, 4000)).save(path)
    monkeypatch.setattr(machine, "free_bytes", lambda: 100_000_000)

    with pytest.raises(PictureError, match="5000×4000 pixels take 160 MB, 100 MB are free"):
        decode(path, "grey")

    monkeypatch.setattr(machine, "free_bytes", lambda: 200_000_000)
    assert decode(path, "grey").size == (5000, 4000)


def test_sixteen_bits_are_scaled_without_a_copy_many_times_as_large(tmp_path: Path) -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    path = tmp_path / "deep.png"
    Image.fromarray(np.tile(levels, (8, 8))).save(path)
    decode(path, "grey")  # what is allocated once

    tracemalloc.start()
    image = decode(path, "grey")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert np.array_equal(np.asarray(image)[:256, :256], np.round(levels / 257).astype(np.uint8))
    assert peak < 5 * 2048 * 2048  # two bytes of the values, one of the result, and strips
