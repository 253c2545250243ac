import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.intervals import largest_rank_sum, paired_ratio_interval, rank_sum_p_value, upper_bound


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_the_rank_test_counts_every_case_exactly(ranks: list[int]):
    cases = list(itertools.product(range(1, 6), repeat=len(ranks)))
    expected = sum(sum(case) <= sum(ranks) for case in cases) / len(cases)
    assert rank_sum_p_value(ranks, 4) == pytest.approx(expected)


def test_all_first_of_a_hundred_and_one_is_the_product_of_their_chances():
    assert rank_sum_p_value([1] * 4, 100) == pytest.approx(101.0**-4, rel=1e-9)


def test_last_places_give_one():
    assert rank_sum_p_value([11, 11, 11], 10) == pytest.approx(1.0)


def test_no_ranks_say_nothing():
    assert rank_sum_p_value([], 10) == 1.0


def test_uniform_ranks_are_rarely_called_significant():
    draws = np.random.default_rng(0).integers(1, 102, (4000, 8))
    share = np.mean([rank_sum_p_value(row.tolist(), 100) < 0.05 for row in draws])
    assert share == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize("num_trials", [1, 10, 32, 1000])
def test_no_hit_gives_the_closed_form(num_trials: int):
    assert upper_bound(0, num_trials) == pytest.approx(1 - 0.05 ** (1 / num_trials))


def test_a_tabulated_clopper_pearson_bound():
    # One-sided 95 % bound for 1 of 10, as in the tables: 0.394.
    assert upper_bound(1, 10) == pytest.approx(0.3942, abs=5e-5)


def test_the_bound_leaves_five_percent_below():
    bound = upper_bound(3, 40)
    below = sum(math.comb(40, k) * bound**k * (1 - bound) ** (40 - k) for k in range(4))
    assert below == pytest.approx(0.05)


@pytest.mark.parametrize(("num_hits", "num_trials"), [(0, 0), (5, 5)])
def test_nothing_tried_or_all_hit_bounds_nothing(num_hits: int, num_trials: int):
    assert upper_bound(num_hits, num_trials) == 1.0


def test_the_interval_of_equal_differences_is_a_point():
    assert paired_ratio_interval([2.0, 4.0], [1.0, 2.0]) == (pytest.approx(2.0), pytest.approx(2.0))


def test_the_interval_is_the_same_for_the_same_seed():
    values, weights = np.arange(20.0), np.ones(20)
    assert paired_ratio_interval(values, weights, 3) == paired_ratio_interval(values, weights, 3)


def test_the_interval_of_a_mean_is_near_the_normal_one():
    values = np.random.default_rng(1).normal(1.0, 2.0, 400)
    low, high = paired_ratio_interval(values, np.ones(400))
    margin = 1.96 * values.std() / 20
    assert (low, high) == (
        pytest.approx(values.mean() - margin, abs=0.03),
        pytest.approx(values.mean() + margin, abs=0.03),
    )


@given(st.integers(1, 6), st.integers(1, 40), st.sampled_from([0.001, 0.01, 0.1]))
def test_the_largest_rank_sum_is_the_last_that_is_rare_enough(num_ranks: int, num_references: int, limit: float):
    largest = largest_rank_sum(num_ranks, num_references, limit)
    if largest is not None:
        assert rank_sum_p_value(_of_sum(largest, num_ranks, num_references), num_references) < limit
    above = (largest or num_ranks - 1) + 1
    assert rank_sum_p_value(_of_sum(above, num_ranks, num_references), num_references) >= limit


def _of_sum(total: int, num_ranks: int, num_references: int) -> list[int]:
    ranks, left = [], total - num_ranks
    for _ in range(num_ranks):
        more = min(left, num_references)
        ranks.append(1 + more)
        left -= more
    return ranks
