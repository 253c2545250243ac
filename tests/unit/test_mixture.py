"""Mixing weights: each source in its proportion, every window once a pass, computable in both directions."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.mixture import Group, MixedOrder, batch_order
from gptmodel.tokens import BatchOrder

CONTEXT = 10


def groups_of(max_windows: int) -> st.SearchStrategy[list[tuple[float, int]]]:
    """Give a strategy of up to four groups of (weight, windows)."""
    weights = st.floats(0.1, 5).map(lambda value: round(value, 2))
    return st.lists(st.tuples(weights, st.integers(1, max_windows)), min_size=1, max_size=4)


def order(groups: list[tuple[float, int]], batch_size: int = 4, seed: int = 7) -> MixedOrder:
    """Make an order over groups of (weight, windows)."""
    rows = [Group(weight=weight, num_tokens=size * CONTEXT) for weight, size in groups]
    return MixedOrder(rows, CONTEXT, sum(size for _, size in groups), batch_size, seed)


def read(mixed: MixedOrder, num_steps: int) -> list[int]:
    return [window for step in range(num_steps) for window in mixed.windows(step)]


def test_a_source_of_weight_two_is_read_twice_as_often() -> None:
    counts = Counter(window < 100 for window in read(order([(2.0, 100), (1.0, 100)], batch_size=10), 30))
    assert counts == {True: 200, False: 100}


def test_weights_are_dealt_evenly_from_the_first_batch_on() -> None:
    mixed = order([(3.0, 50), (1.0, 50)], batch_size=8)
    assert [sum(window < 50 for window in mixed.windows(step)) for step in range(5)] == [6] * 5


@given(groups_of(100))
def test_each_pass_of_a_group_visits_every_window_once(groups: list[tuple[float, int]]) -> None:
    windows = read(order(groups), 80)
    first = 0
    for _, size in groups:
        mine = [window for window in windows if first <= window < first + size]
        for at in range(0, len(mine) - size + 1, size):
            assert sorted(mine[at : at + size]) == list(range(first, first + size))
        first += size


@given(groups_of(400), st.integers(1, 5), st.integers(0, 60))
def test_the_steps_that_read_a_window_are_known(
    groups: list[tuple[float, int]], batch_size: int, num_steps: int
) -> None:
    mixed = order(groups, batch_size)
    read_at: dict[int, list[int]] = {}
    for step in range(num_steps):
        for window in mixed.windows(step):
            read_at.setdefault(window, []).append(step)
    for window in {*list(read_at)[:10], 0, sum(size for _, size in groups) - 1}:
        assert mixed.steps_of(window, num_steps) == read_at.get(window, [])


def test_another_seed_gives_another_order() -> None:
    groups = [(2.0, 100), (1.0, 100)]
    assert read(order(groups, seed=1), 5) != read(order(groups, seed=2), 5)


def test_a_window_across_a_border_belongs_to_the_group_it_begins_in() -> None:
    rows = [Group(weight=1.0, num_tokens=15), Group(weight=3.0, num_tokens=25)]
    mixed = MixedOrder(rows, CONTEXT, 4, 1, 0)
    # Two windows of weight 1 (the second begins at token 10), two of weight 3: one in four reads is of the first two.
    assert Counter(window < 2 for window in read(mixed, 400)) == {True: 100, False: 300}


@pytest.mark.parametrize("has_file", [True, False])
def test_without_a_mixture_the_order_is_the_plain_one(tmp_path: Path, has_file: bool) -> None:
    if has_file:
        (tmp_path / "mixture.json").write_text('[{"weight": 1.0, "num_tokens": 50}, {"weight": 2.0, "num_tokens": 50}]')
    kind = type(batch_order(tmp_path, CONTEXT, 10, 2, 0))
    assert kind is (MixedOrder if has_file else BatchOrder)
