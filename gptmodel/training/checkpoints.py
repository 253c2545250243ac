"""Where a training keeps what it needs to go on, and the weights that validated best."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from gptmodel.checkpoint import Checkpoint, load_checkpoint
from gptmodel.checkpoint_writer import CheckpointWriter
from gptmodel.training.group import Alone, Group
from gptmodel.training.sharded_writer import ShardedWriter

CHECKPOINTS_DIR = "checkpoints"
_BEST_DIR = "best"


class Checkpoints:
    """The checkpoints of one training, written in the background; the only place of `training` that knows their files.

    A checkpoint that the system refuses, as on a full disk, is told as a warning and costs that checkpoint alone.

    Args:
        folder: Folder of all of them.
        facts: What the training rests on; a checkpoint made with other facts is refused.
        keep: Newest checkpoints that are kept; the one with the lowest score and the best weights are kept besides.
        group: The processes that train together: the first writes, or where the model is cut among them, each its part.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any], keep: int, group: Group | None = None) -> None:
        self._folder, self._facts, self._group = folder, dict(facts), group or Alone()
        self._writer, self._best = self._writer_of(folder, keep), self._writer_of(folder / _BEST_DIR, 1)

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
        if self._writes:
            self._writer.save(Checkpoint(step, tensors, self._facts, notes), score)

    def save_best(self, step: int, weights: dict[str, Tensor]) -> None:
        """Keep a step's weights as the best so far."""
        if self._writes:
            self._best.save(Checkpoint(step, weights, self._facts))

    def newest(self) -> Checkpoint | None:
        """Give the newest whole checkpoint, or None if there is none.

        Raises:
            ResumeError: It rests on other facts; the message names them.
        """
        return self._loaded(self._folder)

    def best(self) -> Checkpoint | None:
        """Give the weights kept as the best, or None if there are none.

        Raises:
            DiskFullError: They could not be written.
        """
        self._best.wait()
        self._group.barrier()
        return self._loaded(self._folder / _BEST_DIR)

    def wait(self) -> None:
        """Return when everything saved is on the disk, or was refused and told."""
        for writer in (self._writer, self._best):
            with contextlib.suppress(OSError):
                writer.wait()

    @property
    def _writes(self) -> bool:
        return self._group.is_first or self._group.sharded

    def _writer_of(self, folder: Path, keep: int) -> CheckpointWriter | ShardedWriter:
        if self._group.sharded:
            return ShardedWriter(folder, keep, self._group)
        return CheckpointWriter(folder, keep)

    def _loaded(self, folder: Path) -> Checkpoint | None:
        """Read the newest one, whoever wrote it, as this process holds it."""
        checkpoint = load_checkpoint(folder, self._facts)
        return None if checkpoint is None else replace(checkpoint, tensors=self._group.placed(checkpoint.tensors))
