"""A copy that was altered a little is found; a picture that is merely alike is not."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edgeship_train import near_duplicates
from edgeship_train.near_duplicates import NearDuplicates, find, thumbnails

Pixels = NDArray[np.uint8]


def textured(count: int, channels: int = 3, size: tuple[int, int] = (96, 72), seed: int = 0) -> Pixels:
    """Different pictures with something to see everywhere, large and small, as photos have."""
    random = np.random.default_rng(seed)
    pictures = np.full((count, size[1], size[0], channels), 128.0)
    for picture in pictures:
        for cells, levels, tint in ((5, 60, 20), (14, 60, 10)):
            light = random.integers(-levels, levels + 1, (cells, cells, 1))
            planes = light + random.integers(-tint, tint + 1, (cells, cells, channels))
            for channel, plane in enumerate(np.moveaxis(planes.astype(np.float32), -1, 0)):
                picture[..., channel] += np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC))
    return np.clip(pictures, 0, 255).astype(np.uint8)


def altered(
    picture: Pixels, alter: Callable[[Image.Image], Image.Image], size: tuple[int, int] | None = None
) -> Pixels:
    """A copy, altered and then brought to a size as any picture is that a model takes: by default its own."""
    image = alter(Image.fromarray(picture if picture.shape[-1] == 3 else picture[..., 0]))
    resized = np.asarray(image.resize(size or picture.shape[1::-1], Image.Resampling.BILINEAR))
    return resized.reshape(*resized.shape[:2], -1)


def noisy(picture: Pixels, seed: int, levels: int = 8) -> Pixels:
    noise = np.random.default_rng(seed).integers(-levels, levels + 1, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def with_disc(picture: Pixels, colour: tuple[int, int, int]) -> Pixels:
    image = Image.fromarray(picture)
    width, height = image.size
    ImageDraw.Draw(image).ellipse((width * 0.3, height * 0.3, width * 0.7, height * 0.7), fill=colour)
    return np.asarray(image)


def as_jpeg(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=60)
    return Image.open(stream)


def cropped(image: Image.Image, share: float) -> Image.Image:
    width, height = image.size
    return image.resize(
        image.size,
        Image.Resampling.BICUBIC,
        box=(width * share, height * share, width * (1 - share), height * (1 - share)),
    )


ALTERATIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "re-encoded": as_jpeg,
    "halved and doubled": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.NEAREST),
    "brightened": lambda image: image.point(lambda level: level * 1.08),
    "darkened": lambda image: image.point(lambda level: level * 0.92),
    "cropped by 2 % at each edge": lambda image: cropped(image, 0.02),
    "cropped by 3 % at each edge": lambda image: cropped(image, 0.03),
}


def search(pixels: Pixels, groups: list[int] | None = None) -> NearDuplicates:
    """What is found among pictures, each of which is a group of its own unless groups are given."""
    return find(thumbnails(pixels), np.array(range(len(pixels)) if groups is None else groups, np.int64))


def indices(found: NearDuplicates) -> list[tuple[int, int]]:
    return [(pair.first, pair.second) for pair in found.pairs]


@pytest.mark.parametrize("size", [(32, 32), (96, 72), (224, 224)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_an_altered_copy_is_found(alteration: str, channels: int, size: tuple[int, int]) -> None:
    photos = textured(12, channels, (256, 192))
    pictures = [altered(photo, lambda image: image, size) for photo in photos]
    copy = altered(photos[7], ALTERATIONS[alteration], size)

    found = search(np.stack([*pictures, copy]))

    assert indices(found) == [(7, 12)]
    assert 0.9 < found.pairs[0].similarity <= 1


def test_a_crop_is_found_whichever_comes_first() -> None:
    (picture,) = textured(1)
    crop = altered(picture, lambda image: cropped(image, 0.05))

    before, after = search(np.stack([picture, crop])), search(np.stack([crop, picture]))

    assert indices(before) == indices(after) == [(0, 1)]
    assert before.pairs[0].similarity == pytest.approx(after.pairs[0].similarity)


def test_a_frame_of_a_camera_that_turned_a_little_is_found() -> None:
    (scene,) = textured(1, size=(220, 150))

    assert indices(search(np.stack([scene[:, :192], scene[:, 9:201]]))) == [(0, 1)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(8, 8), (28, 28), (512, 40)])
def test_different_pictures_are_not_near_duplicates(channels: int, size: tuple[int, int]) -> None:
    assert search(textured(60, channels, size)) == NearDuplicates(pairs=(), compared=60, plain=0)


def test_another_print_on_the_same_shirt_is_another_picture() -> None:
    scene, *prints = textured(3, size=(96, 96))
    shirts = np.stack([scene] * 2)
    for shirt, motif in zip(shirts, prints, strict=True):
        shirt[24:72, 24:72] = 100 + motif[24:72, 24:72] // 5  # pale beside the scene around it

    assert not search(shirts).pairs
    assert search(np.stack([shirts[0], noisy(shirts[0], 1)])).pairs


def test_the_same_shape_in_another_colour_is_another_picture() -> None:
    (scene,) = textured(1)
    red, blue = (with_disc(scene, colour) for colour in ((200, 60, 60), (60, 60, 200)))  # equally bright

    assert indices(search(np.stack([red, blue, noisy(red, 1)]))) == [(0, 2)]


def test_strokes_are_alike_by_chance() -> None:
    strokes = []
    for lean in (0, 1, 2, 3):
        image = Image.new("L", (280, 280))
        ImageDraw.Draw(image).line((130 + 2 * lean, 40, 150 - 2 * lean, 240), fill=255, width=30 + 2 * lean)
        strokes.append(np.asarray(image.resize((28, 28), Image.Resampling.BOX))[..., None])

    assert not search(np.stack(strokes)).pairs


def test_flat_pictures_are_not_compared() -> None:
    black = np.zeros((48, 48, 3), np.uint8)
    grey = np.full_like(black, 127)
    pictures = np.stack([black, black, grey, noisy(grey, 1, 3), noisy(grey, 2, 3), with_disc(black, (9, 9, 9))])

    found = search(pictures)

    assert not found.pairs
    assert found.plain == 6


def test_pairs_within_a_group_are_left_out() -> None:
    (picture,) = textured(1)
    copies = np.stack([picture, noisy(picture, 1), noisy(picture, 2)])

    assert sorted(indices(search(copies, [5, 5, 1]))) == [(0, 2), (1, 2)]
    assert not search(copies, [5, 5, 5]).pairs


def test_the_most_similar_pair_comes_first_and_every_time() -> None:
    pictures = textured(4)
    copies = np.stack([noisy(picture, 1, levels) for picture, levels in zip(pictures, (40, 4, 60, 20), strict=True)])
    both = np.concatenate([pictures, copies])

    found = search(both)

    assert indices(found) == [(1, 5), (3, 7), (0, 4), (2, 6)]
    assert search(both) == found


@pytest.mark.parametrize("block", [1, 4, 5, 11])
def test_pairs_are_found_across_blocks_and_in_a_last_one_that_is_not_full(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    pictures = textured(11)
    for original, copy in ((3, 4), (0, 10), (7, 9), (1, 2)):
        pictures[copy] = noisy(pictures[original], copy)
    monkeypatch.setattr(near_duplicates, "BLOCK", block)

    found = search(pictures)

    assert sorted(indices(found)) == [(0, 10), (1, 2), (3, 4), (7, 9)]
    assert found.compared == 11


@pytest.mark.parametrize("videos", [1, 2])
def test_of_a_crowd_each_picture_is_paired_with_its_most_alike(monkeypatch: pytest.MonkeyPatch, videos: int) -> None:
    (scene,) = textured(1, size=(400, 300))
    frames = np.stack([noisy(scene[:, number : number + 300], number, 2) for number in range(36)])  # the camera turns
    groups = [number if videos == 1 else number % 2 for number in range(36)]

    at_once = search(frames, groups)
    monkeypatch.setattr(near_duplicates, "BLOCK", 8)
    monkeypatch.setattr(near_duplicates, "_CROWD", 0)
    in_blocks = search(frames, groups)

    apart = (1, 2, 3, 4) if videos == 1 else (1, 3, 5, 7)
    nearest = [(first, first + by) for first in range(36) for by in apart if first + by < 36]
    assert sorted(indices(at_once)) == sorted(indices(in_blocks)) == nearest


def test_beyond_the_bound_the_first_pictures_are_compared_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = textured(12)
    for original, copy in ((1, 10), (6, 9)):
        pictures[copy] = noisy(pictures[original], copy)
    monkeypatch.setattr(near_duplicates, "BLOCK", 2)
    monkeypatch.setattr(near_duplicates, "_MOST_COMPARISONS", 30)  # of 66; a strip is finished in any case

    found = search(np.concatenate([np.zeros_like(pictures[:1]), pictures]))

    assert indices(found) == [(2, 11)]
    assert found.compared == 5  # a plain picture and two strips


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(12)))
def test_what_is_found_does_not_depend_on_the_order(order: list[int]) -> None:
    pictures = textured(8)
    every = np.concatenate([pictures, [noisy(picture, 1) for picture in pictures[:4]]])
    groups = [0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0]

    found = search(every[order], [groups[number] for number in order])

    assert {frozenset((order[first], order[second])) for first, second in indices(found)} == {
        frozenset(pair) for pair in ((1, 9), (2, 10), (3, 11))
    }


def test_thumbnails_can_be_taken_of_some_pictures_at_a_time() -> None:
    pictures = textured(7)

    parts = np.concatenate([thumbnails(pictures[:3]), thumbnails(pictures[3:3]), thumbnails(pictures[3:])])

    assert parts.dtype == np.uint8
    assert parts.shape == (7, near_duplicates.SIDE, near_duplicates.SIDE, 3)
    assert np.array_equal(parts, thumbnails(pictures))


def test_nothing_is_found_among_nothing() -> None:
    assert search(textured(1)[:0]) == NearDuplicates(pairs=(), compared=0, plain=0)
