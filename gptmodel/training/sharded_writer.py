"""Checkpoints of a model that is cut among processes: each writes the part it holds, the first makes them count.

All processes see the same folder. Writing holds the step: a copy in the background, as `CheckpointWriter` keeps one,
would cost the memory that cutting the model saves.
"""

import contextlib
import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from gptmodel.checkpoint import Checkpoint, StateFile, begin_checkpoint, commit_checkpoint, write_state
from gptmodel.training.group import Group

logger = logging.getLogger(__name__)


class ShardedWriter:
    """Writes one training's checkpoints, as `CheckpointWriter` does for a single process; all processes must ask.

    Args:
        folder: Folder of all checkpoints of the training.
        keep: Newest checkpoints kept; the one with the lowest score is kept besides.
        group: The processes.

    Attributes:
        num_failed: Checkpoints that could not be written so far; the same in every process.
    """

    def __init__(self, folder: Path, keep: int, group: Group) -> None:
        self.num_failed = 0
        self._folder, self._keep, self._group = folder, keep, group
        self._step: int | None = None

    def save(self, checkpoint: Checkpoint, score: float | None = None) -> None:
        """Write a checkpoint; one that the system refuses any of the processes is told and costs itself alone.

        Args:
            checkpoint: What to write: of each cut tensor the rows that this process holds.
            score: How good the model is at this step, lower is better; None: not measured.
        """
        if checkpoint.step == self._step:
            return
        partial = self._begin(checkpoint.step)
        entries = self._group.gather(None if partial is None else self._write(partial, checkpoint.tensors))
        written = None not in entries and partial is not None and self._commit(partial, checkpoint, entries, score)
        if self._group.broadcast(written):
            self._step = checkpoint.step
        else:
            self.num_failed += 1
            logger.warning("the checkpoint of step %d could not be written", checkpoint.step)

    def wait(self) -> None:
        """Wait for nothing: what was saved is on the disk."""

    def _begin(self, step: int) -> Path | None:
        path = None
        if self._group.is_first:
            with _told():
                path = str(begin_checkpoint(self._folder, step))
        path = self._group.broadcast(path)
        return None if path is None else Path(path)

    def _write(self, partial: Path, tensors: Mapping[str, Tensor]) -> dict[str, Any] | None:
        name = f"state-{self._group.rank:05d}-of-{self._group.size:05d}.safetensors"
        with _told():
            return asdict(write_state(partial, name, self._group.pieces(tensors)))
        return None

    def _commit(
        self, partial: Path, checkpoint: Checkpoint, entries: list[dict[str, Any]], score: float | None
    ) -> bool:
        """Make it count, in the first process; tell whether that went well."""
        if not self._group.is_first:
            return True
        with _told():
            commit_checkpoint(partial, checkpoint, [StateFile(**entry) for entry in entries], self._keep, score)
            return True
        shutil.rmtree(partial, ignore_errors=True)
        return False


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Tell of what the system refuses, and go on."""
    try:
        yield
    except OSError as error:
        logger.warning("%s", error)
