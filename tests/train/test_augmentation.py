"""Augmentation moves and lights pictures as far as it says, the same for the same seed and epoch."""

import numpy as np
import pytest

from edgeship_train.augmentation import PRESETS, Augmentation
from edgeship_train.batches import epoch_order

EVERY = np.arange(64)


def spot(size: int = 33) -> np.ndarray:
    """64 black pictures with a white spot right of the centre and a grey one below it."""
    pixels = np.zeros((64, size, size, 1), np.uint8)
    pixels[:, 14:19, 24:29] = 255
    pixels[:, 24:27, 15:18] = 90
    return pixels


def centre_of(picture: np.ndarray) -> tuple[float, float]:
    """Of mass, as x and y from the picture's centre, in pixels."""
    weights = picture[..., 0] / picture.sum()
    ys, xs = np.indices(weights.shape)
    return float((weights * xs).sum()) - 16, float((weights * ys).sum()) - 16


def test_nothing_asked_is_nothing_done() -> None:
    pixels = spot()

    assert np.array_equal(PRESETS["none"].draw(0, 0, 64).apply(pixels, EVERY), pixels)


def test_draws_depend_on_seed_and_epoch_alone() -> None:
    strong = PRESETS["strong"]
    first = strong.draw(3, 5, 64).apply(spot(), EVERY)

    assert np.array_equal(first, strong.draw(3, 5, 64).apply(spot(), EVERY))
    assert not np.array_equal(first, strong.draw(3, 6, 64).apply(spot(), EVERY))
    assert not np.array_equal(first, strong.draw(4, 5, 64).apply(spot(), EVERY))
    assert len({picture.tobytes() for picture in first}) == 64


def test_a_batch_gets_what_was_drawn_for_its_pictures() -> None:
    drawn = PRESETS["strong"].draw(0, 0, 64)
    whole = drawn.apply(spot(), EVERY)
    chosen = np.array([40, 3, 17])

    assert np.array_equal(drawn.apply(spot()[chosen], chosen), whole[chosen])


def test_flips_mirror_every_second_picture() -> None:
    pixels = spot()
    flipped = Augmentation(flip="horizontal").draw(0, 0, 64).apply(pixels, EVERY)

    mirrored = [np.allclose(picture, pixels[0][:, ::-1], atol=0.01) for picture in flipped]
    same = [np.allclose(picture, pixels[0], atol=0.01) for picture in flipped]

    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 16 <= sum(mirrored) <= 48
    vertical = Augmentation(flip="vertical").draw(0, 0, 64).apply(pixels, EVERY)
    assert any(np.allclose(picture, pixels[0][::-1], atol=0.01) for picture in vertical)
    assert not any(np.allclose(picture, pixels[0][:, ::-1], atol=0.01) for picture in vertical)


def test_rotation_turns_about_the_centre_within_its_limit() -> None:
    black = {"fill": "constant"}
    start = np.arctan2(*reversed(centre_of(spot()[0])))
    turned = Augmentation(rotation=30, **black).draw(0, 0, 64).apply(spot(), EVERY)  # type: ignore[arg-type]

    angles = [np.degrees(np.arctan2(*reversed(centre_of(picture))) - start) for picture in turned]
    radii = [np.hypot(*centre_of(picture)) for picture in turned]

    assert max(np.abs(angles)) <= 31
    assert max(angles) > 20
    assert min(angles) < -20
    assert np.ptp(radii) < 0.5


@pytest.mark.parametrize(("limits", "low", "high"), [({"shift": 0.1}, -3.4, 3.4), ({"shift": 0.02}, -0.7, 0.7)])
def test_shift_stays_within_its_share_of_the_picture(limits: dict[str, float], low: float, high: float) -> None:
    at = centre_of(spot()[0])
    moved = Augmentation(fill="constant", **limits).draw(0, 0, 64).apply(spot(), EVERY)  # type: ignore[arg-type]

    offsets = np.array([np.subtract(centre_of(picture), at) for picture in moved])

    assert offsets.min() >= low
    assert offsets.max() <= high
    assert np.ptp(offsets) > 0.7 * (high - low)


def test_zoom_goes_both_ways() -> None:
    pixels = spot()
    zoomed = Augmentation(zoom=0.5, fill="constant").draw(0, 0, 64).apply(pixels, EVERY)

    areas = zoomed.sum(axis=(1, 2, 3)) / pixels[0].sum()

    assert areas.min() == pytest.approx(1 / 1.5**2, rel=0.2)
    assert areas.max() > 1.7


def test_light_changes_levels_and_stays_within_them() -> None:
    grey = np.full((64, 8, 8, 3), 100, np.uint8)
    grey[:, :4] = 200
    brighter = Augmentation(brightness=0.2).draw(0, 0, 64).apply(grey, EVERY)
    contrast = Augmentation(contrast=0.5).draw(0, 0, 64).apply(grey, EVERY)
    extreme = Augmentation(brightness=1.0, contrast=1.0).draw(0, 0, 64).apply(grey, EVERY)

    means, spans = brighter.mean(axis=(1, 2, 3)), np.ptp(contrast, axis=(1, 2, 3))
    assert 90 < np.ptp(means) <= 102
    assert np.allclose(np.ptp(brighter, axis=(1, 2, 3)), 100, atol=1)  # rounded
    assert np.allclose(contrast.mean(axis=(1, 2, 3)), 150, atol=0.5)
    assert 80 < np.ptp(spans) <= 100
    assert extreme.min() >= 0
    assert extreme.max() <= 255


def test_every_picture_comes_once_an_epoch_in_another_order() -> None:
    targets = np.array([0] * 90 + [1] * 10)

    orders = [epoch_order(targets, 0, epoch, sampling=False) for epoch in (0, 1, 0)]

    assert sorted(orders[0]) == list(range(100))
    assert not np.array_equal(orders[0], orders[1])
    assert np.array_equal(orders[0], orders[2])


def test_sampling_shows_each_label_as_often() -> None:
    targets = np.array([0] * 90 + [1] * 9 + [2])

    order = epoch_order(targets, 0, 0, sampling=True)

    assert np.bincount(targets[order]).tolist() == [34, 34, 34]
    rare = order[targets[order] == 1]
    assert {list(rare).count(index) for index in range(90, 99)} <= {3, 4}
