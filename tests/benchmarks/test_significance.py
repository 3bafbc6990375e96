"""Tests and intervals against SciPy's, and their levels by simulation."""

import numpy as np
import pytest
from scipy import stats

from edgeship_benchmarks.measuring.intervals import median_interval
from edgeship_benchmarks.reporting.significance import holm, mcnemar, proportions, yuen


@pytest.mark.parametrize(("lost", "won"), [(11, 0), (7, 12), (3, 3), (0, 0), (400, 460), (1, 0)])
def test_mcnemar_is_the_exact_binomial_test(lost: int, won: int) -> None:
    expected = stats.binomtest(lost, lost + won).pvalue if lost + won else 1.0

    assert mcnemar(lost, won) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("sizes", [(5, 5), (9, 12), (15, 40)])
def test_yuen_is_scipys(sizes: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(0, 1, sizes[0]), random.normal(0.8, 2, sizes[1])
    expected = stats.ttest_ind(second, first, equal_var=False, trim=0.2)
    low, high = expected.confidence_interval(0.98)

    difference = yuen(first.tolist(), second.tolist())

    assert difference.p_value == pytest.approx(expected.pvalue, rel=1e-4)
    assert (difference.low, difference.high) == (pytest.approx(low, rel=1e-4), pytest.approx(high, rel=1e-4))


def test_what_else_sets_groups_apart_widens_the_interval() -> None:
    first, second = [1.0, 1.1, 0.9, 1.05, 0.95], [1.3, 1.4, 1.2, 1.35, 1.25]

    sure, unsure = yuen(first, second), yuen(first, second, variance_between=0.2**2)

    assert sure.p_value < 0.02 < unsure.p_value
    assert unsure.low < sure.low < sure.high < unsure.high


def test_equal_values_do_not_differ_and_unequal_ones_do() -> None:
    assert yuen([1.0] * 5, [1.0] * 5).p_value == 1
    assert yuen([1.0] * 5, [2.0] * 5).p_value == 0


def test_holm_corrects_the_smallest_most_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == [pytest.approx(0.03), pytest.approx(0.06), pytest.approx(0.06)]
    assert holm([0.5, 0.6]) == [1, 1]
    assert holm([]) == []


def test_proportions_is_the_pooled_z_test() -> None:
    expected = stats.chi2_contingency([[300, 72], [330, 42]], correction=False).pvalue

    assert proportions(300, 372, 330, 372) == pytest.approx(expected)
    assert proportions(10, 10, 20, 20) == 1


def test_an_interval_of_five_runs_from_the_lowest_to_the_highest() -> None:
    interval = median_interval([3.0, 1.0, 2.0, 5.0, 4.0])

    assert (interval.median, interval.low, interval.high) == (3, 1, 5)
    assert interval.half_width == pytest.approx(2 / 3)


def test_fewer_than_five_values_have_no_interval() -> None:
    assert median_interval([1.0, 2.0, 3.0, 4.0]).half_width is None


@pytest.mark.parametrize("count", [8, 15])
def test_about_nineteen_intervals_in_twenty_enclose_the_median(count: int) -> None:
    random = np.random.default_rng(count)
    intervals = [median_interval(random.lognormal(0, 0.02, count).tolist()) for _ in range(400)]

    enclosing = sum(one.low is not None and one.high is not None and one.low <= 1 <= one.high for one in intervals)
    assert enclosing / 400 > 0.92
