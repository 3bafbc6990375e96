"""Scores are compared with how often they are right, by the book, and few pictures prove nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeship_train.reporting.comparison import mcnemar
from edgeship_train.reporting.reliability import Reliability, reliability


def measured(confidences: list[float], right: list[bool]) -> Reliability:
    """Of answers to a question with eight labels."""
    scores = np.zeros((len(confidences), 8), np.float32)
    scores[:, 0] = confidences
    return reliability(scores, np.where(right, 0, 1).astype(np.int64))


def test_the_error_is_the_one_computed_by_hand() -> None:
    found = measured([0.95, 0.95, 0.95, 0.55], [True, True, False, True])

    # bin 14: 3 answers, accuracy 2/3; bin 8: 1 answer, accuracy 1
    assert found.ece == pytest.approx(3 / 4 * (0.95 - 2 / 3) + 1 / 4 * (1 - 0.55))
    assert found.confidence == pytest.approx(0.85)
    assert found.accuracy == 0.75
    assert [(number, one.samples) for number, one in enumerate(found.bins) if one.samples] == [(8, 1), (14, 3)]
    assert found.bins[14].accuracy == pytest.approx(2 / 3)
    assert found.bins[14].confidence == pytest.approx(0.95)


def test_every_score_has_its_bin() -> None:
    found = measured([1.0, 0.1999, 0.2001, 0.125], [True, True, True, True])

    assert [(number, one.samples) for number, one in enumerate(found.bins) if one.samples] == [
        (1, 1),
        (2, 1),
        (3, 1),
        (14, 1),
    ]
    assert found.bins[2].high == found.bins[3].low == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("confidence", "hits", "of", "word"),
    [
        (0.99, 80, 100, "Over-confident"),
        (0.6, 95, 100, "Under-confident"),
        (0.8, 80, 100, "Reliable"),
        (0.85, 80, 100, "Reliable"),
        (0.99, 8, 10, "Too few pictures"),
    ],
)
def test_the_verdict_says_what_the_pictures_can_tell(confidence: float, hits: int, of: int, word: str) -> None:
    assert measured([confidence] * of, [number < hits for number in range(of)]).verdict.startswith(word)


def test_errors_that_cancel_out_are_seen() -> None:
    found = measured([0.95] * 100 + [0.55] * 100, [number < 75 for number in range(100)] * 2)

    assert found.accuracy == found.confidence == pytest.approx(0.75)
    assert found.ece == pytest.approx(0.2)
    assert found.verdict.startswith("Right on average, but")


def test_scores_that_are_exactly_right_stay_within_chance() -> None:
    random = np.random.default_rng(7)
    confidences = random.uniform(0.5, 1, 400)

    inside = [
        found.ece <= found.ece_by_chance
        for found in (measured(list(confidences), list(random.random(400) < confidences)) for _ in range(20))
    ]

    assert sum(inside) >= 17


@given(st.lists(st.tuples(st.floats(0.125, 1), st.booleans()), min_size=1, max_size=50))
def test_the_error_is_at_least_the_difference_of_the_means(answers: list[tuple[float, bool]]) -> None:
    found = measured([score for score, _ in answers], [right for _, right in answers])

    assert found.ece >= abs(found.confidence - found.accuracy) - 1e-9
    assert sum(one.samples for one in found.bins) == len(answers)


@pytest.mark.parametrize(
    ("one", "other", "p_value"),
    [(0, 0, 1.0), (3, 3, 1.0), (5, 0, 2 / 2**5), (0, 5, 2 / 2**5), (8, 2, 2 * (1 + 10 + 45) / 2**10)],
)
def test_mcnemar_is_the_one_computed_by_hand(one: int, other: int, p_value: float) -> None:
    assert mcnemar(one, other) == pytest.approx(p_value)


def test_mcnemar_takes_any_number_of_pictures() -> None:
    assert mcnemar(15_000, 14_000) < 1e-4
    assert mcnemar(9_000, 1) == 0.0
