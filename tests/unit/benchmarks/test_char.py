"""What the rounds of the char benchmark come to."""

import pytest

from benchmarks.char import Speed, affordable_steps, speed_of, training_answer
from benchmarks.char_sides import Figures


def run(loss: float, seconds: float) -> Figures:
    return {"loss": loss, "seconds": seconds, "num_tokens": 10, "num_parameters": 5, "peak_mb": 100.0}


def test_a_speed_leaves_the_start_out() -> None:
    marks = [(1, 30.0), (2, 40.0), (3, 40.5), (4, 41.0), (5, 41.5)]
    assert speed_of(marks, tokens_per_step=100) == Speed(30.0, 0.5, 200.0)


def test_seconds_before_the_first_step_follow_from_a_later_mark() -> None:
    marks = [(5, 12.0), (10, 14.0), (15, 16.0), (20, 18.0)]
    assert speed_of(marks, tokens_per_step=4) == Speed(pytest.approx(10.4), pytest.approx(0.4), pytest.approx(10.0))


def test_steps_within_the_peers_time_leave_room_for_our_start() -> None:
    theirs, ours = Speed(2.0, 0.05, 1.0), Speed(6.0, 0.02, 1.0)
    assert affordable_steps(ours, theirs, 2000) == int((0.95 * (2 + 2000 * 0.05 * 1.04) - 6) / 0.02)
    assert affordable_steps(Speed(1000.0, 1.0, 1.0), theirs, 2000) == 1


def test_a_round_compares_with_its_own_neighbour() -> None:
    rounds = [
        {"nanogpt": run(1.9, 60), "same_tokens": run(1.6, 30), "reach": run(1.8, 6), "reach_cold": run(1.8, 30)},
        {"nanogpt": run(1.8, 80), "same_tokens": run(1.7, 20), "reach": run(1.9, 20)},
    ]
    figures, ratios = training_answer(rounds)
    assert figures["reach"]["time_ratio"] == {"median": 0.175, "smallest": 0.1, "largest": 0.25}
    assert figures["reach"]["loss_above_nanogpt"]["largest"] == pytest.approx(0.1)
    assert ratios["nanogpt vs ours, time to its loss, warm"] == 7.0
    assert ratios["nanogpt vs ours, time to its loss, cold"] == 2.0


def test_without_the_peer_there_are_figures_and_no_ratios() -> None:
    figures, ratios = training_answer([{"same_tokens": run(1.6, 30)}])
    assert figures["same_tokens"]["loss"]["median"] == 1.6
    assert ratios == {}
