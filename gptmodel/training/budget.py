"""A time budget held on a machine that gets slower or faster: the number of steps is looked at again while they run."""

import time
from collections.abc import Callable

_NUM_LOOKS = 20
# What is planned for steps; the rest is for the last validation and for saving.
_BUDGET_RATIO = 0.97
# A training that will be late is shortened at once, one that will be early made longer only where much is to be won.
# Shares of the budget.
_LATE_RATIO, _EARLY_RATIO = 0.01, 0.05


class Budget:
    """Looks at the clock twenty times in a training.

    Args:
        max_seconds: The budget.
        num_planned: Steps planned before the first one.
        max_steps: Steps that there may be at most.
        spent: Seconds spent before this attempt's first step.
        clock: Gives the seconds.
    """

    def __init__(
        self, max_seconds: float, num_planned: int, max_steps: int, spent: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._seconds, self._max_steps, self._clock = max_seconds * _BUDGET_RATIO, max_steps, clock
        self._interval = max(1, num_planned // _NUM_LOOKS)
        self._started = clock() - spent
        self._seen: tuple[int, float] | None = None

    @property
    def spent(self) -> float:
        """Seconds spent so far, earlier attempts included."""
        return self._clock() - self._started

    def is_due(self, num_done: int) -> bool:
        """Tell whether it is time to look at the clock."""
        return self._seen is None or num_done % self._interval == 0

    def revised(self, num_done: int, num_steps: int) -> int | None:
        """Look at the clock: give another number of steps if that of now will not end with the budget, else None.

        Args:
            num_done: Steps done.
            num_steps: Steps as decided so far.
        """
        seen, self._seen = self._seen, (num_done, self.spent)
        if seen is None:  # the first step compiles: it says nothing of the others
            return None
        return self._fitting(num_done, num_steps, (self._seen[1] - seen[1]) / (num_done - seen[0]))

    def _fitting(self, num_done: int, num_steps: int, pace: float) -> int | None:
        left = self._seconds - self.spent
        needed = (num_steps - num_done) * pace
        early = left - needed > self._seconds * _EARLY_RATIO and num_steps < self._max_steps
        if not (early or needed - left > self._seconds * _LATE_RATIO):
            return None
        fitting = num_done + max(1, int(left / max(pace, 1e-9)))
        return min(self._max_steps, fitting)
