"""Batches read ahead, so that the device never waits for the disk."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

Batch = TypeVar("Batch")

_NUM_AHEAD = 3


class Loader(Generic[Batch]):
    """Give the batches of one step after the other; the next few are read in a thread.

    The order is that of the steps, whatever the thread's speed, and memory holds no more than a few batches.

    Args:
        read: Gives the batch of a step.
        first_step: Step of the first batch.
    """

    def __init__(self, read: Callable[[int], Batch], first_step: int) -> None:
        self._read, self._next_step = read, first_step
        self._ahead: deque[Future[Batch]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")

    def next(self) -> Batch:
        """Give the next step's batch; an error in reading it is raised here."""
        while len(self._ahead) <= _NUM_AHEAD:
            self._ahead.append(self._thread.submit(self._read, self._next_step))
            self._next_step += 1
        return self._ahead.popleft().result()

    def __enter__(self) -> "Loader[Batch]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)
