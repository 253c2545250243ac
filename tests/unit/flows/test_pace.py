"""The time a stage still takes: told late enough to be true, at the speed it has come to."""

import pytest

from flows import pace
from flows.pace import Pace


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(pace, "time", made)
    return made


def follow(clock: Clock, *points: tuple[float, float]) -> float | None:
    """Report shares done at seconds since the start; give what is left after the last."""
    measured, started, left = Pace(), clock.now, None
    for second, done_ratio in points:
        clock.now = started + second
        left = measured.left(done_ratio)
    return left


def test_at_an_even_speed_the_rest_takes_as_long_as_it_must(clock: Clock) -> None:
    assert follow(clock, *((second, second / 100) for second in range(41))) == pytest.approx(60)


def test_at_the_beginning_nothing_is_said(clock: Clock) -> None:
    assert follow(clock, (0, 0.0), (1, 0.1)) is None


def test_without_any_progress_nothing_is_said(clock: Clock) -> None:
    assert follow(clock, *((second, 0.0) for second in range(100))) is None


def test_what_was_there_before_makes_nothing_seem_faster(clock: Clock) -> None:
    assert follow(clock, (0, 0.9), (10, 0.95)) == pytest.approx(10)


def test_a_slow_beginning_is_forgotten(clock: Clock) -> None:
    slow = [(float(second), 0.0) for second in range(45)]
    fast = [(45.0 + second, second / 100) for second in range(51)]
    assert follow(clock, *slow, *fast) == pytest.approx(50, rel=0.1)


def test_at_the_end_nothing_is_left(clock: Clock) -> None:
    assert follow(clock, (0, 0.0), (10, 1.0)) == 0.0


def test_however_often_it_is_asked_it_remembers_little(clock: Clock) -> None:
    measured = Pace()
    for number in range(20_000):
        clock.now += 0.1
        measured.left(number / 20_000)
    assert len(measured._points) < 120


@pytest.mark.parametrize(("seconds", "words"), [
    (4, "a few seconds left"), (33, "about 30 s left"), (89, "about 90 s left"), (130, "about 2 min left"),
    (5399, "about 1 h 30 min left"), (7300, "about 2 h 2 min left"),
])  # fmt: skip
def test_time_is_said_no_more_precisely_than_it_is_known(seconds: float, words: str) -> None:
    assert f"{pace._duration(seconds)} left" == words


def test_the_time_left_stands_behind_a_message_once_it_can_be_told(clock: Clock) -> None:
    measured = Pace()
    assert measured.added_to("begun", 0.1, ", ") == "begun"
    clock.now += 10
    assert measured.added_to("shard 5", 0.5, ", ") == "shard 5, about 10 s left"
