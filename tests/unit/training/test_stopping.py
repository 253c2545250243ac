"""Early stopping: gains, patience, the best step, and going on from a state."""

import json

from hypothesis import given
from hypothesis import strategies as st

from gptmodel.training.stopping import Stopping


def after(scores: list[float], patience: int | None = 2, min_gain: float = 0.0) -> Stopping:
    stopping = Stopping(patience, min_gain)
    for step, score in enumerate(scores):
        stopping.note(step, score)
    return stopping


def test_it_is_over_after_so_many_validations_without_a_gain() -> None:
    assert not after([3.0, 2.0, 2.5]).is_over
    assert after([3.0, 2.0, 2.5, 2.1]).is_over


def test_a_gain_in_between_begins_anew() -> None:
    assert not after([3.0, 3.1, 2.9, 3.0]).is_over


def test_a_gain_smaller_than_asked_for_is_none() -> None:
    assert after([3.0, 2.96, 2.92], min_gain=0.1).is_over


def test_small_gains_add_up_to_one() -> None:
    assert not after([3.0, 2.94, 2.88, 2.82], min_gain=0.1).is_over


def test_the_best_is_kept_even_where_its_gain_is_small() -> None:
    stopping = after([3.0, 2.96, 2.98], min_gain=0.1)
    assert (stopping.best_step, stopping.best) == (1, 2.96)


def test_noting_tells_whether_it_is_the_best() -> None:
    stopping = Stopping(2, 0.0)
    assert [stopping.note(step, score) for step, score in enumerate([3.0, 2.0, 2.0, 1.0])] == [True, True, False, True]


def test_without_patience_it_is_never_over() -> None:
    assert not after([1.0, *[2.0] * 50], patience=None).is_over


@given(st.lists(st.floats(0, 10), max_size=8), st.lists(st.floats(0, 10), max_size=8))
def test_a_state_that_was_written_goes_on_as_if_it_had_never_been(first: list[float], rest: list[float]) -> None:
    whole, taken_up = after(first), Stopping.of(json.loads(json.dumps(after(first).state(), allow_nan=False)))
    for step, score in enumerate(rest):
        assert whole.note(step, score) == taken_up.note(step, score)
    assert whole == taken_up
