"""What ends a training: figures that are no numbers, and a loss far above the recent ones."""

import math

import pytest

from gptmodel.errors import TrainingError
from gptmodel.training.spikes import LossGuard


def guard(losses: list[float], max_jump: float | None = 3.0) -> LossGuard:
    one = LossGuard(max_jump, lambda step: f"batch {step}")
    for step, loss in enumerate(losses):
        one.check(step, loss, 1.0)
        one.note(loss)
    return one


@pytest.mark.parametrize(("loss", "norm", "named"), [(math.nan, 1.0, "a loss"), (1.0, math.inf, "a gradient norm")])
def test_what_is_no_number_is_named_with_its_batch(loss: float, norm: float, named: str) -> None:
    with pytest.raises(TrainingError, match=rf"{named} that is a number; got (nan|inf) at step 7 \(batch 7\)"):
        guard([]).check(7, loss, norm)


def test_a_jump_is_named_with_its_batch() -> None:
    with pytest.raises(TrainingError, match=r"at most 3 above the recent ones' median, 2\.500; got 5\.600 at step 20"):
        guard([2.5] * 20).check(20, 5.6, 1.0)


def test_a_loss_below_the_bound_passes() -> None:
    guard([2.5] * 20).check(20, 5.4, 1.0)


def test_the_first_losses_are_no_measure() -> None:
    guard([2.5] * 9).check(9, 50.0, 1.0)


def test_without_a_bound_nothing_is_a_jump() -> None:
    guard([2.5] * 20, max_jump=None).check(20, 50.0, 1.0)


def test_a_few_wild_losses_do_not_raise_the_bound() -> None:
    with pytest.raises(TrainingError, match="median, 2"):
        guard([2.0] * 12 + [4.9] * 5).check(17, 5.1, 1.0)


def test_a_falling_loss_never_trips() -> None:
    guard([8.0 * 0.97**step for step in range(300)])


def test_a_guard_goes_on_from_the_recent_losses() -> None:
    first = guard([2.5] * 80)
    assert len(first.recent) == 50
    with pytest.raises(TrainingError):
        LossGuard(3.0, str, first.recent).check(80, 5.6, 1.0)
