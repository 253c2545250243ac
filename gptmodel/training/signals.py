"""Signals that ask a training to stop: they reach it between steps only, and SIGTERM takes the way of Ctrl-C.

What stands in a program's handlers stays there but for moments, since others look at it: Prefect takes a cancelled run
for cancelled only while the handler of SIGTERM is its own.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

_STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise SystemExit(143) in the main thread, where it would end the process at once.

    Whoever handles SIGTERM already goes on to.
    """
    if not _is_main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let SIGINT and SIGTERM wait until the block is over, then hand them to whoever handles them.

    In other threads than the main one nothing changes: no signal is handled there.
    """
    if not _is_main_thread():
        yield
        return
    arrived: list[int] = []
    with contextlib.ExitStack() as stack:
        stack.callback(_hand_over, arrived)  # last, when the handlers are back
        for number in _STOPPING:
            if callable(handler := signal.getsignal(number)):
                stack.callback(signal.signal, number, handler)
                signal.signal(number, lambda number, _: arrived.append(number))
        yield


def _hand_over(arrived: list[int]) -> None:
    for number in arrived[:1]:
        signal.raise_signal(number)


def _leave(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)  # as a shell says it


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
