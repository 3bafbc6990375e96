"""Pictures: from a file, or from bytes, to an upright image in RGB or grey.

One implementation for training, calibration, evaluation and the device, because a picture decoded differently is the fault
nobody sees. What each tool makes of the same odd file differs (alpha, palettes, 16 bits, EXIF), so every choice is written here.
"""

from __future__ import annotations

import io
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from edgeship_runtime import exif
from edgeship_runtime.errors import PictureError
from edgeship_runtime.files import reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

Color = Literal["rgb", "grey"]
PILLOW_MODE = {"rgb": "RGB", "grey": "L"}

# What a folder of pictures is searched for; what a file really is, its first bytes tell.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".jp2", ".avif"}
)
# What it is searched for as well: photos of phones, which Pillow cannot read. They are told instead of being left out.
SEARCHED = SUFFIXES | {".heic", ".heif"}
BACKGROUND = (255, 255, 255)  # transparent pictures are laid on white, as a browser shows them
# Further entries of Image.info that Pillow reads an orientation from: XMP in JPEG and WebP, XMP in PNG, ImageMagick's.
_ORIENTED_BY = frozenset({"xmp", "XML:com.adobe.xmp", "Raw profile type exif"})
_STRIP = 48  # rows of a captured array that are averaged at a time: few enough to stay in the CPU's cache
_TRANSPOSED = frozenset({5, 6, 7, 8})  # orientations that swap width and height
_LARGE = 2**24  # pixels: more than most cameras give, and 64 MB each time it is held
_one_at_a_time = threading.Lock()  # large pictures: threads that meet on them would need their memory at one moment
_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"})  # brands of ISO/IEC 23008-12
_PIXEL_BYTES = 8  # decoded, and once more turned or in other colours, four bytes each
# Pillow warns from 89 megapixels, which phones reach, and refuses from 179, which we let it do.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# What it warns of otherwise is damaged metadata, in two lines on stderr each time: the picture is decoded, or refused, all the same.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def decode(picture: Path | bytes, color: Color, *, at_least: tuple[int, int] | None = None) -> Image.Image:
    """Decodes a picture: EXIF orientation applied, first frame of an animation, in mode RGB or L.

    Args:
        picture: a file's path, or its bytes.
        color: "rgb" or "grey" (ITU-R 601-2 luma).
        at_least: width and height in pixels that are enough for the caller. A JPEG is then decoded at 1/2, 1/4 or 1/8
            scale, in the frequency domain, as long as both sides stay at least this long: 2–4 × faster for camera photos.

    Raises:
        PictureError: the file is unreadable, truncated, no picture, or has more than 179 million pixels.
    """
    try:
        with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
            if at_least is not None and image.format in ("JPEG", "MPO"):
                sideways = _is_turned(image) and image.getexif().get(exif.ORIENTATION) in _TRANSPOSED
                image.draft(None, at_least[::-1] if sideways else at_least)
            if image.width * image.height < _LARGE:
                image.load()
                return upright(image, color)
            with _one_at_a_time:
                _refuse_what_does_not_fit(image)
                image.load()
                return upright(image, color)
    except UnidentifiedImageError:
        raise PictureError(_nature(picture)) from None
    except (Image.DecompressionBombError, MemoryError):
        raise PictureError("the picture is too large: more than 179 million pixels, or than fit in memory") from None
    except PictureError:
        raise
    except Exception as error:  # Pillow's readers raise any kind of error on damaged files; AVIF's a RuntimeError
        if isinstance(error, OSError) and error.errno is not None:
            raise PictureError(reason(error)) from None
        raise PictureError(f"damaged picture: {str(error) or type(error).__name__}") from None


def _refuse_what_does_not_fit(image: Image.Image) -> None:
    """Says no to a picture that the board has no memory for: the kernel would end the process, not the picture.

    Raises:
        PictureError: it does not fit.
    """
    from edgeship_runtime import machine

    needed, free = image.width * image.height * _PIXEL_BYTES, machine.free_bytes()
    if free is not None and needed > free:
        raise PictureError(
            f"the picture is too large for the memory that is left here: {image.width}×{image.height} pixels take "
            f"{needed / 1e6:.0f} MB, {max(0, free) / 1e6:.0f} MB are free"
        )


def checked(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A captured array, H×W×3 in RGB order or H×W grey.

    Raises:
        PictureError: another dtype or shape.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3)):
        raise PictureError(
            f"wanted a uint8 array, H×W×3 in RGB order or H×W grey; received {pixels.dtype}, shape {pixels.shape}"
        )
    if pixels.size == 0:
        raise PictureError(f"the array has no pixels: shape {pixels.shape}")
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    return pixels


def from_array(pixels: NDArray[np.uint8], color: Color) -> Image.Image:
    """An image of a captured array.

    Raises:
        PictureError: another dtype or shape.
    """
    return _colored(Image.fromarray(checked(pixels)), PILLOW_MODE[color])


def reduce_array(pixels: NDArray[np.uint8], color: Color, k: int, box: tuple[int, int, int, int]) -> Image.Image:
    """The same as `from_array(pixels, color).reduce(k, box)`, to the bit, and a sixth faster for a whole frame.

    Pillow keeps four bytes a pixel, so that an RGB frame would travel to memory and back before its first block is averaged. In
    strips, which take turns in one buffer, it stays in the cache.
    """
    if pixels.ndim == 2:  # grey: Pillow maps it where it lies
        return from_array(pixels, color).reduce(k, box)
    left, top, right, bottom = box
    rows = k * max(1, _STRIP // k)
    result = Image.new(PILLOW_MODE[color], (-(-(right - left) // k), -(-(bottom - top) // k)))
    strip = Image.new("RGB", (pixels.shape[1], rows), None)
    for at in range(top, bottom, rows):
        part = np.ascontiguousarray(pixels[at : min(at + rows, bottom)])
        if len(part) < rows:
            strip = Image.new("RGB", (part.shape[1], len(part)), None)
        strip.frombytes(part, "raw", "RGB", 0, 1)
        blocks = _colored(strip, PILLOW_MODE[color]).reduce(k, (left, 0, right, len(part)))
        result.paste(blocks, (0, (at - top) // k))
    return result


def upright(image: Image.Image, color: Color) -> Image.Image:
    """An opened image turned as its EXIF orientation says, in mode RGB or L. Changes `image` itself."""
    if _is_turned(image):
        from PIL import ImageOps

        ImageOps.exif_transpose(image, in_place=True)
    return _colored(image, PILLOW_MODE[color])


def _is_turned(image: Image.Image) -> bool:
    """Whether the picture states an orientation other than upright.

    Pillow's EXIF reader costs 30 ms to import, so a plain EXIF block is looked into here; anything else is Pillow's to read.
    """
    block = image.info.get("exif")
    if isinstance(block, bytes) and _ORIENTED_BY.isdisjoint(image.info):
        return exif.orientation(block) not in (None, exif.UPRIGHT)
    return image.format == "TIFF" or block is not None or not _ORIENTED_BY.isdisjoint(image.info)


def _colored(image: Image.Image, mode: str) -> Image.Image:
    """Any Pillow mode to RGB or L: 16 bits scaled (not clipped) to 8, transparency laid on white, palettes looked up."""
    if image.mode == mode:
        if "transparency" not in image.info:
            return image
    elif image.mode.startswith("I"):
        image = _eight_bits(image)
    elif image.mode == "F":
        raise ValueError("floating-point pictures have no agreed range; save it as 8 or 16 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        flat = Image.new("RGBA", image.size, (*BACKGROUND, 255))
        flat.alpha_composite(image)
        image = flat
    return image.convert(mode)


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if np.min(values) < 0 or np.max(values) > 65535:
        raise ValueError("32-bit pictures have no agreed range; save it as 8 or 16 bits")
    scaled = np.empty(values.shape, np.uint8)
    for at in range(0, len(values), _STRIP):  # or the products would take sixteen times the picture's memory
        scaled[at : at + _STRIP] = (values[at : at + _STRIP].astype(np.int64) * 255 + 32767) // 65535
    return Image.fromarray(scaled)


def _nature(picture: Path | bytes) -> str:
    """Why Pillow does not know the file, as far as its first bytes tell."""
    if isinstance(picture, bytes):
        head, size = picture[:64], len(picture)
    else:
        try:
            with picture.open("rb") as stream:
                head = stream.read(64)
            size = picture.stat().st_size
        except OSError as error:  # it has gone meanwhile
            return reason(error)
    if size == 0:
        return "the file is empty (0 bytes)"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF:
        return "a photo in HEIC, which Pillow cannot read: save it as JPEG"
    if head.isascii():
        return f"not a picture: it is text, {head[:20].decode(errors='replace')!r}"
    return "not a picture that Pillow can read, or its header is damaged"
