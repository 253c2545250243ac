"""Checkpoints written in the background, so that the training's next step does not wait for the disk.

Saving copies the tensors into CPU memory that is kept for the next time, and a thread writes the copy. One write is in
flight at most, so the memory taken is one copy of the state. A write that fails is told and leaves the older
checkpoints; the training goes on and tries again with its next checkpoint, since hours of work are worth more than one.
"""

import contextvars
import copy
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from gptmodel.checkpoint import Checkpoint, save_checkpoint
from gptmodel.errors import GPTModelError

logger = logging.getLogger(__name__)


class CheckpointWriter:
    """Writes one training's checkpoints, one after the other.

    Args:
        folder: Folder of all checkpoints of the training.
        keep: Newest checkpoints kept; the one with the lowest score is kept besides.

    Attributes:
        num_failed: Checkpoints that could not be written so far.

    Example:
        >>> with CheckpointWriter(folder) as writer:
        ...     writer.save(Checkpoint(step, tensors, facts))
    """

    def __init__(self, folder: Path, keep: int = 2) -> None:
        self.num_failed = 0
        self._folder, self._keep = folder, keep
        self._copies: dict[str, Tensor] = {}
        self._thread: threading.Thread | None = None
        self._step: int | None = None
        self._error: Exception | None = None

    @property
    def num_bytes(self) -> int:
        """CPU memory that the copy takes, bytes."""
        return sum(tensor.nbytes for tensor in self._copies.values())

    @property
    def is_writing(self) -> bool:
        """Whether a write is in flight."""
        return self._thread is not None and self._thread.is_alive()

    def save(self, checkpoint: Checkpoint, score: float | None = None) -> None:
        """Copy a checkpoint and begin to write it; it counts when `wait` has returned, or the next `save`.

        Waits for the write before, if that is still going on. The step that was saved last is not written again.

        Args:
            checkpoint: What to write; its tensors may be changed as soon as this returns.
            score: How good the model is at this step, lower is better; None: not measured.

        Raises:
            Exception: The write before failed by anything but the system's refusal (OSError), which is only told.
        """
        self._join()
        if self._error is not None and not isinstance(self._error, OSError):
            raise self._error
        if checkpoint.step == self._step:
            return
        tensors, copied = self._copied(checkpoint.tensors)
        snapshot = replace(checkpoint, tensors=tensors, notes=copy.deepcopy(checkpoint.notes))
        self._thread = _thread(self._write, snapshot, score, copied)
        self._error, self._step = None, checkpoint.step
        self._thread.start()

    def wait(self) -> None:
        """Wait until what was saved last is on the disk.

        Raises:
            DiskFullError: It is not: no space was left.
            Exception: Whatever else kept it from being written.
        """
        self._join()
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the last write; what made it fail is raised if nothing else was."""
        if error is None:
            self.wait()
        else:
            self._join()

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _copied(self, tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Callable[[], None]]:
        """Copy tensors to the CPU, and give what waits until a GPU has done it."""
        on_gpu = False
        for name, tensor in tensors.items():
            held = self._copies.get(name)
            if held is None or held.shape != tensor.shape or held.dtype != tensor.dtype:
                held = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
                self._copies[name] = held
            # On the stream of the step: the next change of a weight comes after the copy without anyone waiting.
            held.copy_(tensor.detach(), non_blocking=tensor.is_cuda)
            on_gpu |= tensor.is_cuda
        self._copies = {name: self._copies[name] for name in tensors}
        return dict(self._copies), _recorded() if on_gpu else _nothing

    def _write(self, checkpoint: Checkpoint, score: float | None, copied: Callable[[], None]) -> None:
        try:
            copied()
            save_checkpoint(self._folder, checkpoint, self._keep, score)
        except Exception as error:
            self._error, self._step = error, None
            self.num_failed += 1
            said = error.actual if isinstance(error, GPTModelError) else error
            logger.warning("no checkpoint of step %d (%s); the next one is tried again", checkpoint.step, said)


def _thread(write: Callable[..., None], *arguments: Any) -> threading.Thread:
    # With the caller's context, by which a flow's log knows its run.
    return threading.Thread(target=contextvars.copy_context().run, args=(write, *arguments), name="checkpoint")


def _recorded() -> Callable[[], None]:
    event = torch.cuda.Event()
    event.record()
    return event.synchronize


def _nothing() -> None:
    """Wait for nothing: the copies are there."""
