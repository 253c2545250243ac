"""Early stopping: which validation was the best, and whether better ones may still be hoped for."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Stopping:
    """Follows the validations of a training.

    Attributes:
        patience: Validations in a row without a gain after which it is over; None: it never is.
        min_gain: By how much a validation must lie below the lowest one that was a gain, bits per byte.
        best: The lowest validation, bits per byte.
        best_step: Its step; None before the first validation.
        reference: The lowest validation that was a gain.
        num_without_gain: Validations since then.
    """

    patience: int | None
    min_gain: float
    best: float = float("inf")
    best_step: int | None = None
    reference: float = float("inf")
    num_without_gain: int = 0

    def note(self, step: int, bits_per_byte: float) -> bool:
        """Take note of a validation; tell whether it is the best so far."""
        if bits_per_byte < self.reference - self.min_gain:
            self.reference, self.num_without_gain = bits_per_byte, 0
        else:
            self.num_without_gain += 1
        is_best = bits_per_byte < self.best
        if is_best:
            self.best, self.best_step = bits_per_byte, step
        return is_best

    @property
    def is_over(self) -> bool:
        """Tell whether the training should end."""
        return self.patience is not None and self.num_without_gain >= self.patience

    def state(self) -> dict[str, Any]:
        """Give what `Stopping(**state)` goes on from; JSON values, None for no validation yet."""
        return {name: None if value == float("inf") else value for name, value in asdict(self).items()}

    @classmethod
    def of(cls, state: dict[str, Any]) -> "Stopping":
        """Go on from a state."""
        return cls(**{name: value for name, value in state.items() if value is not None or name == "patience"})
