"""Reading ahead: the same batches in the same order, a bounded number of them, and errors where they belong."""

import threading

import pytest

from gptmodel.training.loader import Loader


def test_batches_come_in_the_order_of_the_steps() -> None:
    with Loader(lambda step: step * 10, 3) as loader:
        assert [loader.next() for _ in range(20)] == [step * 10 for step in range(3, 23)]


def test_the_next_batches_are_read_before_they_are_asked_for() -> None:
    read = threading.Event()
    with Loader(lambda step: read.set() if step == 1 else None, 0) as loader:
        loader.next()
        assert read.wait(timeout=30)


def test_no_more_than_a_few_batches_are_read_ahead() -> None:
    steps: list[int] = []
    with Loader(steps.append, 0) as loader:
        loader.next()
    assert len(steps) <= 4


def test_an_error_in_reading_is_raised_at_its_step() -> None:
    def read(step: int) -> int:
        if step == 2:
            raise OSError("gone")
        return step

    with Loader(read, 0) as loader:
        assert [loader.next(), loader.next()] == [0, 1]
        with pytest.raises(OSError, match="gone"):
            loader.next()


def test_the_thread_ends_with_the_block() -> None:
    before = threading.active_count()
    with Loader(lambda step: step, 0) as loader:
        loader.next()
    assert threading.active_count() == before
