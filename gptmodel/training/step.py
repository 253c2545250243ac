"""One optimizer step: the gradients of a batch, added up over its micro-batches, clipped; then the update."""

import contextlib
from collections.abc import Iterator

from torch import Tensor, nn

from gptmodel.optimizer import Optimizer
from gptmodel.runtime import Loss
from gptmodel.training.data import Batch
from gptmodel.training.group import Group


class Stepper:
    """Turns batches into updates of a model.

    Args:
        module: What is trained: the model as its group wraps it.
        optimizer: Changes its parameters.
        loss_of: Gives the mean loss of a micro-batch.
        group: The processes that train together.
        batch_size: Sequences in one step, over all processes.
        micro_batch_size: Sequences computed at once, in this process.
        gradient_clip: Largest norm of the gradient.
    """

    def __init__(
        self, module: nn.Module, optimizer: Optimizer, loss_of: Loss, group: Group, *, batch_size: int,
        micro_batch_size: int, gradient_clip: float,
    ) -> None:  # fmt: skip
        self._module, self._optimizer, self._loss_of, self._group = module, optimizer, loss_of, group
        self._batch_size, self._micro_batch_size, self._gradient_clip = batch_size, micro_batch_size, gradient_clip

    def gradients(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Give every parameter its gradient; return the batch's mean loss (nats a token) and the gradient's norm.

        Every micro-batch counts by its sequences, so that the sum is what the whole batch at once would give, up to
        rounding. Both figures are scalars on the device, the same in every process of the group.
        """
        total: Tensor | None = None
        for part, is_last in self._micro_batches(batch):
            with contextlib.nullcontext() if is_last else self._group.accumulating(self._module):
                loss = self._loss_of(self._module, *part) * self._share(part)
                loss.backward()
            total = loss.detach() if total is None else total + loss.detach()
        assert total is not None  # noqa: S101  a batch has at least one sequence
        norm = self._group.clip_gradients(self._module, self._gradient_clip)
        return self._group.mean(total), norm

    def update(self) -> None:
        """Change the parameters by their gradients, and forget these."""
        self._optimizer.step()
        self._optimizer.zero_grad()

    def _micro_batches(self, batch: Batch) -> Iterator[tuple[Batch, bool]]:
        num_rows = len(batch.inputs)
        for first in range(0, num_rows, self._micro_batch_size):
            yield batch.rows(first, first + self._micro_batch_size), first + self._micro_batch_size >= num_rows

    def _share(self, part: Batch) -> float:
        """Give what a micro-batch's mean counts; the group then takes the mean over its processes."""
        return len(part.inputs) * self._group.size / self._batch_size
