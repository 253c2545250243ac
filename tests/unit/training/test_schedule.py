"""The schedule through changes of its length: it goes on from where it is and ends where it would have ended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import TrainingConfig
from gptmodel.optimizer import learning_rate_at
from gptmodel.training.plan import Change
from gptmodel.training.schedule import Schedule

CONFIG = TrainingConfig(warmup_steps=10)


def test_unchanged_it_is_the_planned_one() -> None:
    schedule = Schedule(100, (), CONFIG)
    assert [schedule.learning_rate(step) for step in range(100)] == [
        learning_rate_at(step, 100, CONFIG) for step in range(100)
    ]


@pytest.mark.parametrize("name", ["cosine", "wsd"])
@given(first=st.integers(1, 98), num_steps=st.integers(2, 300))
def test_a_change_goes_on_smoothly_and_ends_at_the_floor(name: str, first: int, num_steps: int) -> None:
    config = CONFIG.model_copy(update={"schedule": name})
    num_steps = max(num_steps, first + 2)
    planned, changed = Schedule(100, (), config), Schedule(100, [Change(step=first, num_steps=num_steps)], config)
    assert [changed.learning_rate(step) for step in range(first + 1)] == [
        planned.learning_rate(step) for step in range(first + 1)
    ]
    assert changed.learning_rate(num_steps - 1) == pytest.approx(config.min_learning_rate_ratio)
    assert changed.num_steps == num_steps


def test_a_change_to_one_more_step_takes_the_last_learning_rate() -> None:
    schedule = Schedule(100, [Change(step=40, num_steps=41)], CONFIG)
    assert schedule.learning_rate(40) == pytest.approx(CONFIG.min_learning_rate_ratio)


def test_changes_may_follow_one_another() -> None:
    changes = [Change(step=20, num_steps=60), Change(step=30, num_steps=200)]
    schedule = Schedule(100, changes, CONFIG)
    assert schedule.learning_rate(199) == pytest.approx(CONFIG.min_learning_rate_ratio)
    assert schedule.learning_rate(31) < schedule.learning_rate(30)


def samples(schedule: Schedule, num: int) -> list[int]:
    return [step for step in range(schedule.num_steps + 1) if schedule.is_sampled(step, num)]


@given(num_planned=st.integers(1, 700), num=st.integers(2, 9))
def test_samples_are_taken_at_first_last_and_between(num_planned: int, num: int) -> None:
    steps = samples(Schedule(num_planned, (), CONFIG), num)
    assert (steps[0], steps[-1]) == (0, num_planned)
    assert len(steps) == min(num, num_planned + 1)


def test_samples_follow_a_change() -> None:
    assert samples(Schedule(100, (), CONFIG), 3) == [0, 50, 100]
    assert samples(Schedule(100, [Change(step=20, num_steps=60)], CONFIG), 3) == [0, 35, 60]
