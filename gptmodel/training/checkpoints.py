"""Where a training keeps what it needs to go on, and the weights that validated best."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from gptmodel.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

CHECKPOINTS_DIR = "checkpoints"
_BEST_DIR = "best"


class Checkpoints:
    """The checkpoints of one training; the only place of `training` that writes or reads them.

    Args:
        folder: Folder of all of them.
        facts: What the training rests on; a checkpoint made with other facts is refused.
        keep: Newest checkpoints that are kept; the best weights are kept besides.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any], keep: int) -> None:
        self._folder, self._facts, self._keep = folder, dict(facts), keep

    def save(self, step: int, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        """Write what the training needs to go on from a step.

        Raises:
            DiskFullError: No space is left.
        """
        save_checkpoint(self._folder, Checkpoint(step, tensors, self._facts, notes), self._keep)

    def save_best(self, step: int, weights: dict[str, Tensor]) -> None:
        """Keep a step's weights as the best so far.

        Raises:
            DiskFullError: No space is left.
        """
        save_checkpoint(self._folder / _BEST_DIR, Checkpoint(step, weights, self._facts), keep=1)

    def newest(self) -> Checkpoint | None:
        """Give the newest whole checkpoint, or None if there is none.

        Raises:
            ResumeError: It rests on other facts; the message names them.
        """
        return load_checkpoint(self._folder, self._facts)

    def best(self) -> Checkpoint | None:
        """Give the weights kept as the best, or None if there are none."""
        return load_checkpoint(self._folder / _BEST_DIR, self._facts)

    def wait(self) -> None:
        """Return when everything saved is on the disk."""
