"""Signals that ask a training to stop: they wait for the end of a step, and the program's own handlers get them."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from gptmodel.training.signals import held_back, terminable


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Begin with Python's own handlers and put back what was there."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_ctrl_c_waits_for_the_end_of_the_block() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), held_back():
        os.kill(os.getpid(), signal.SIGINT)
        done.append("all of it")
    assert done == ["all of it"]


def test_sigterm_leaves_like_ctrl_c_where_nobody_handles_it() -> None:
    with pytest.raises(SystemExit) as caught, terminable():
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.code == 143


def test_sigterm_waits_too() -> None:
    done = []
    with pytest.raises(SystemExit), terminable(), held_back():
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("all of it")
    assert done == ["all of it"]


def test_another_ones_handler_of_sigterm_stays_and_gets_the_signal_afterwards() -> None:
    seen: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: seen.append("handled"))
    with terminable():
        with held_back():
            os.kill(os.getpid(), signal.SIGTERM)
            assert seen == []
        assert seen == ["handled"]


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with held_back():
        os.kill(os.getpid(), signal.SIGINT)


def test_a_signal_is_not_lost_when_the_block_fails() -> None:
    with pytest.raises(KeyboardInterrupt), held_back():
        os.kill(os.getpid(), signal.SIGINT)
        raise ValueError


def test_the_handlers_are_back_afterwards() -> None:
    with terminable(), held_back():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_another_thread_changes_no_handler() -> None:
    seen = []

    def look() -> None:
        with terminable(), held_back():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
