"""How far along its schedule a training is: step by step as planned, faster or slower from where the plan changed."""

from collections.abc import Iterable
from typing import NamedTuple

from gptmodel.config import TrainingConfig
from gptmodel.optimizer import learning_rate_at
from gptmodel.training.plan import Change


class _Stretch(NamedTuple):
    first_step: int
    place: float  # of its first step
    pace: float  # places a step


class Schedule:
    """The learning rate and the progress of each step, through all changes of the number of steps.

    A step has a place, from 0 to `num_planned`: the step of the planned schedule whose learning rate it takes. Without
    a change both are the same; after one the places left are gone through in the steps left, so that the learning rate
    goes on from where it is and ends where it would have ended.

    Args:
        num_planned: Steps planned before the first one.
        changes: What was decided since, in the order of their steps.
        config: The optimisation.
    """

    def __init__(self, num_planned: int, changes: Iterable[Change], config: TrainingConfig) -> None:
        self._num_planned, self._config = num_planned, config
        self._stretches = [_Stretch(0, 0.0, 1.0)]
        self.num_steps = num_planned
        for change in changes:
            self.change(change)

    def change(self, change: Change) -> None:
        """Take a change over; its step lies beyond those of all changes before."""
        place = self._place(change.step)
        steps_left = change.num_steps - 1 - change.step
        last = float(self._num_planned - 1)
        stretch = (place, (last - place) / steps_left) if steps_left > 0 else (last, 1.0)
        self._stretches.append(_Stretch(change.step, *stretch))
        self.num_steps = change.num_steps

    def learning_rate(self, step: int) -> float:
        """Give the learning rate of a step as a share of its peak."""
        return learning_rate_at(self._place(step), self._num_planned, self._config)

    def is_sampled(self, num_done: int, num_samples: int) -> bool:
        """Tell whether one of `num_samples` points, the first and the last included, lies at so many steps done."""
        return num_done == 0 or self._part(num_done, num_samples) > self._part(num_done - 1, num_samples)

    def _part(self, num_done: int, num_samples: int) -> int:
        if num_done >= self.num_steps:
            return num_samples - 1
        # A hair more than the place, so that a rounding error below a whole number does no harm.
        return int((self._place(num_done) + 1e-6) * (num_samples - 1) / self._num_planned)

    def _place(self, step: int) -> float:
        stretch = next(one for one in reversed(self._stretches) if one.first_step <= step)
        return stretch.place + (step - stretch.first_step) * stretch.pace
