"""Where a training keeps what it needs to go on, and the weights that validated best."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from gptmodel.checkpoint import Checkpoint, load_checkpoint
from gptmodel.checkpoint_writer import CheckpointWriter

CHECKPOINTS_DIR = "checkpoints"
_BEST_DIR = "best"


class Checkpoints:
    """The checkpoints of one training, written in the background; the only place of `training` that knows their files.

    A checkpoint that the system refuses, as on a full disk, is told as a warning and costs that checkpoint alone.

    Args:
        folder: Folder of all of them.
        facts: What the training rests on; a checkpoint made with other facts is refused.
        keep: Newest checkpoints that are kept; the one with the lowest score and the best weights are kept besides.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any], keep: int) -> None:
        self._folder, self._facts = folder, dict(facts)
        self._writer = CheckpointWriter(folder, keep)
        self._best = CheckpointWriter(folder / _BEST_DIR, keep=1)

    @property
    def num_failed(self) -> int:
        """Checkpoints that could not be written so far."""
        return self._writer.num_failed + self._best.num_failed

    def save(self, step: int, tensors: dict[str, Tensor], notes: dict[str, Any], score: float | None = None) -> None:
        """Copy what the training needs to go on from a step and write it; the tensors may be changed at once.

        Args:
            step: Optimizer steps done.
            tensors: Weights, optimizer state and states of the random generators, by name.
            notes: What the training remembers besides; JSON values.
            score: Validation loss at this step; None: not measured.
        """
        self._writer.save(Checkpoint(step, tensors, self._facts, notes), score)

    def save_best(self, step: int, weights: dict[str, Tensor]) -> None:
        """Keep a step's weights as the best so far."""
        self._best.save(Checkpoint(step, weights, self._facts))

    def newest(self) -> Checkpoint | None:
        """Give the newest whole checkpoint, or None if there is none.

        Raises:
            ResumeError: It rests on other facts; the message names them.
        """
        return load_checkpoint(self._folder, self._facts)

    def best(self) -> Checkpoint | None:
        """Give the weights kept as the best, or None if there are none.

        Raises:
            DiskFullError: They could not be written.
        """
        self._best.wait()
        return load_checkpoint(self._folder / _BEST_DIR, self._facts)

    def wait(self) -> None:
        """Return when everything saved is on the disk, or was refused and told."""
        for writer in (self._writer, self._best):
            with contextlib.suppress(OSError):
                writer.wait()
