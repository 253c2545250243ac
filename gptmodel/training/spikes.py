"""A loss or gradient that is no number, or a loss far above the recent ones, ends a training with its batch named."""

import math
import statistics
from collections.abc import Callable, Iterable

from gptmodel.errors import TrainingError

_NUM_RECENT = 50
_FEWEST = 10


class LossGuard:
    """Looks at each step's loss and gradient norm.

    The median of the last 50 losses is not moved by a few wild ones, and while the loss falls it lies above the loss,
    so that a healthy training stays far below the bound.

    Args:
        max_jump: How far above the median a loss may lie, nats a token; None: as far as it likes.
        describe: Tells of a step which batch it read, for the message.
        recent: Losses before the first step looked at, oldest first.
    """

    def __init__(self, max_jump: float | None, describe: Callable[[int], str], recent: Iterable[float] = ()) -> None:
        self._max_jump, self._describe = max_jump, describe
        self.recent = list(recent)[-_NUM_RECENT:]

    def check(self, step: int, loss: float, gradient_norm: float) -> None:
        """Look at a step; `note` counts its loss among the recent ones.

        Raises:
            TrainingError: A figure is not a number, or the loss jumped.
        """
        for name, value in (("loss", loss), ("gradient norm", gradient_norm)):
            if not math.isfinite(value):
                raise TrainingError(
                    expected=f"a {name} that is a number",
                    actual=f"{value} at step {step} ({self._describe(step)})",
                    mend="Lower training.learning_rate, or set training.precision to fp32.",
                )
        if self._max_jump is not None and len(self.recent) >= _FEWEST:
            self._check_jump(step, loss, statistics.median(self.recent), self._max_jump)

    def note(self, loss: float) -> None:
        """Count a loss among the recent ones."""
        self.recent = [*self.recent[1 - _NUM_RECENT :], loss]

    def _check_jump(self, step: int, loss: float, usual: float, max_jump: float) -> None:
        if loss > usual + max_jump:
            raise TrainingError(
                expected=f"a loss of at most {max_jump:g} above the recent ones' median, {usual:.3f}",
                actual=f"{loss:.3f} at step {step} ({self._describe(step)})",
                mend="Look at these documents, lower training.learning_rate, or raise training.max_loss_jump, with "
                "which the training goes on from its last checkpoint.",
            )
