"""Decisions: smoothed, agreed on, or refused; each source has a memory of its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeship_runtime.decision import Decider, Rules
from edgeship_runtime.threshold import fit_threshold

LABELS = ("cat", "dog", "owl")


def scores(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


CAT, DOG, UNSURE = scores(0.8, 0.1, 0.1), scores(0.1, 0.8, 0.1), scores(0.4, 0.3, 0.3)


def test_a_picture_stands_alone() -> None:
    decider = Decider(LABELS, Rules(smooth_s=5, threshold=0.5))

    assert decider.decide(CAT, "a.jpg").label == "cat"
    assert decider.decide(DOG, "a.jpg").label == "dog"


def test_below_the_threshold_there_is_no_answer_and_the_reason_is_said() -> None:
    decider = Decider(LABELS, Rules(threshold=0.5))

    decision = decider.decide(UNSURE, "a.jpg")

    assert decision.label is None
    assert decision.score == pytest.approx(0.4)
    assert decision.reason == "cat 0.400 is below 0.500"
    assert Decider(LABELS, Rules(threshold=0.4)).decide(UNSURE, "a.jpg").label == "cat"


def test_so_many_frames_in_a_row_must_agree() -> None:
    decider = Decider(LABELS, Rules(agree=3))

    frames = [CAT, CAT, CAT, DOG, CAT, CAT, CAT, CAT]
    decisions = [decider.decide(frame, "camera:0", at) for at, frame in enumerate(frames)]

    assert [decision.label for decision in decisions] == [None, None, "cat", None, None, None, "cat", "cat"]
    assert decisions[1].reason == "2 of 3 frames agree on cat"


def test_a_frame_below_the_threshold_agrees_with_nobody() -> None:
    decider = Decider(LABELS, Rules(agree=2, threshold=0.5))

    labels = [decider.decide(frame, "x", at).label for at, frame in enumerate([CAT, UNSURE, CAT, CAT])]

    assert labels == [None, None, None, "cat"]


def test_smoothing_outlasts_one_wrong_frame() -> None:
    frames = [CAT] * 10 + [DOG] + [CAT] * 3
    plain, smooth = Decider(LABELS, Rules()), Decider(LABELS, Rules(smooth_s=0.5))

    assert "dog" in [plain.decide(frame, "x", at / 10).label for at, frame in enumerate(frames)]
    assert {smooth.decide(frame, "x", at / 10).label for at, frame in enumerate(frames)} == {"cat"}


@given(st.integers(1, 50))
def test_smoothing_does_not_depend_on_the_frame_rate(rate: int) -> None:
    """After one time constant a step has got to 1 − 1/e, however many frames came."""
    decider = Decider(LABELS, Rules(smooth_s=2.0))
    decider.decide(scores(0, 1, 0), "x", 0.0)
    for number in range(1, rate + 1):
        last = decider.decide(scores(1, 0, 0), "x", 2.0 * number / rate)

    assert last.label == "cat"
    assert last.score == pytest.approx(1 - np.exp(-1), abs=1e-4)


def test_sources_do_not_share_a_memory() -> None:
    decider = Decider(LABELS, Rules(agree=2, smooth_s=10))
    decider.decide(CAT, "camera:0", 0)

    assert decider.decide(CAT, "camera:1", 0).reason == "1 of 2 frames agree on cat"
    assert decider.decide(DOG, "camera:1", 0.1).score == pytest.approx(0.79, abs=0.01)


def test_what_was_seen_before_a_gap_is_forgotten() -> None:
    decider = Decider(LABELS, Rules(agree=2, smooth_s=10))
    decider.decide(CAT, "x", 0)
    decider.forget("x")

    decision = decider.decide(DOG, "x", 0.1)

    assert (decision.label, decision.score) == (None, pytest.approx(0.8))


def test_a_memory_of_pictures_does_not_grow() -> None:
    decider = Decider(LABELS, Rules(agree=2, smooth_s=10))
    for number in range(1000):
        decider.decide(CAT, f"{number}.jpg")

    assert not decider._past


@pytest.mark.parametrize(
    "rules", [{"smooth_s": -1}, {"smooth_s": float("nan")}, {"agree": 0}, {"threshold": 1.1}, {"threshold": -0.1}]
)
def test_rules_that_cannot_be_are_refused(rules: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        Rules(**rules)  # type: ignore[arg-type]


# The threshold


def test_a_threshold_lies_between_the_mistakes_and_the_rest() -> None:
    """Best scores of 0.3 to 0.59 are wrong, those above are right."""
    best = np.arange(60) / 100 + 0.3
    rows = np.stack([best, 1 - best, np.zeros_like(best)], axis=1).astype(np.float32)
    rows[:30, 1] = 0.1
    targets = np.where(np.arange(60) < 30, 2, 0)

    assert fit_threshold(rows, targets) == pytest.approx(0.595, abs=0.001)


@example(11488, 4)  # two best scores within a ten-thousandth
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_no_threshold_has_more_right_than_wrong(seed: int, labels: int) -> None:
    """Against all there are, one after another."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (40, labels))
    rows = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    targets = np.array([random.choice(labels, p=row / row.sum()) for row in rows.astype(np.float64)])

    def gain(threshold: float) -> int:
        kept = rows.max(axis=1) >= threshold
        return int(np.where(rows.argmax(axis=1) == targets, 1, -1)[kept].sum())

    threshold = fit_threshold(rows, targets)
    best = max(gain(float(score)) for score in rows.max(axis=1))

    assert (best <= 0) if threshold is None else (gain(threshold) == best)


def test_a_network_without_mistakes_still_gets_a_threshold() -> None:
    rows = np.tile(scores(0.8, 0.1, 0.1), (30, 1))

    assert fit_threshold(rows, np.zeros(30, np.int64)) == pytest.approx((1 / 3 + 0.8) / 2, abs=1e-4)


def test_too_few_pictures_give_none() -> None:
    assert fit_threshold(np.tile(CAT, (19, 1)), np.zeros(19, np.int64)) is None
