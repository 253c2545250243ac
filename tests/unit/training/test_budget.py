"""A time budget on a machine whose speed changes: a training simulated by its clock."""

import pytest

from gptmodel.training.budget import Budget

MAX_SECONDS, PLANNED, MAX_STEPS = 100.0, 400, 1000


def simulated(pace_at: dict[int, float], spent: float = 0.0) -> tuple[int, float, list[int]]:
    """Give steps taken, seconds taken, and the changes, of a training whose steps take so long from some step on."""
    now = [0.0]
    budget = Budget(MAX_SECONDS, PLANNED, MAX_STEPS, spent, clock=lambda: now[0])
    done, num_steps, changes, pace = 0, PLANNED, list[int](), 0.0
    while done < num_steps:
        pace = pace_at.get(done, pace)
        now[0] += pace
        done += 1
        if done < num_steps and budget.is_due(done) and (revised := budget.revised(done, num_steps)) is not None:
            num_steps = revised
            changes.append(revised)
    return done, now[0] + spent, changes


def test_a_steady_machine_changes_nothing() -> None:
    assert simulated({0: 0.24}) == (400, pytest.approx(96.0), [])


@pytest.mark.parametrize("factor", [1.2, 2, 10])
@pytest.mark.parametrize("since", [0, 100, 300])
def test_a_machine_that_gets_slower_ends_in_time_with_fewer_steps(factor: float, since: int) -> None:
    done, seconds, changes = simulated({0: 0.24} | {since: 0.24 * factor})
    assert done < PLANNED
    # At worst one look's worth of slow steps is seen too late.
    assert seconds <= MAX_SECONDS + PLANNED / 20 * 0.24 * factor
    assert seconds <= MAX_SECONDS or factor > 2
    assert changes


def test_a_machine_that_gets_faster_takes_more_steps() -> None:
    done, seconds, _ = simulated({0: 0.24, 100: 0.12})
    assert done > PLANNED * 1.3
    assert 90 <= seconds <= MAX_SECONDS


def test_no_more_steps_than_the_schedule_may_have() -> None:
    assert simulated({0: 0.001})[0] == MAX_STEPS


def test_a_slow_first_step_says_nothing_of_the_others() -> None:
    assert simulated({0: 10.0, 1: 0.22})[2] == []


def test_seconds_of_earlier_attempts_count() -> None:
    done, seconds, _ = simulated({0: 0.24}, spent=60.0)
    assert done < 200
    assert seconds <= MAX_SECONDS
