"""What a model in training makes of the held-out windows: nats a token, bits a byte."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import nn

from gptmodel.baselines import bits_per_byte
from gptmodel.runtime import Loss
from gptmodel.tokenizer import Tokenizer
from gptmodel.training.data import Batch
from gptmodel.training.group import Alone, Group


class Validation(NamedTuple):
    """One validation."""

    loss: float
    """Mean loss, nats a token."""
    bits_per_byte: float
    """The same loss over the UTF-8 bytes that the tokens stand for; ends of documents count with their loss alone."""


class Validator:
    """Judges a model by the same windows each time.

    Args:
        batches: The windows, where the model is.
        tokenizer: Tells how many bytes they are.
        loss_of: Gives the mean loss of a batch.
        group: The processes that share the batches; None: this one alone.
    """

    def __init__(
        self, batches: Sequence[Batch], tokenizer: Tokenizer, loss_of: Loss, group: Group | None = None
    ) -> None:
        self._loss_of, self._group = loss_of, group or Alone()
        own = self._group.own_part(range(len(batches)))
        self._own = [batches[number] for number in own]
        # Each forward pass of a model that is cut among processes needs all of them: who has less to do repeats one.
        num_rounds = -(-len(batches) // self._group.size)
        num_repeated = num_rounds - len(own) if self._group.sharded else 0
        self._repeated = [batches[0] for _ in range(num_repeated)]
        self._num_tokens = sum(one.targets.numel() for one in batches)
        self._num_bytes = sum(len(tokenizer.decode_bytes(one.targets.flatten().tolist())) for one in batches)

    def validate(self, module: nn.Module) -> Validation:
        """Judge a model as it is, without dropout; all processes must ask."""
        own = summed_loss(module, self._own, self._loss_of)
        summed_loss(module, self._repeated, self._loss_of)
        total = self._group.mean(torch.tensor(own, dtype=torch.float64)).item() * self._group.size
        return Validation(total / self._num_tokens, bits_per_byte(total, self._num_bytes))


def mean_loss(module: nn.Module, batches: Sequence[Batch], loss_of: Loss) -> float:
    """Give the mean loss over batches, nats a token, without dropout."""
    return summed_loss(module, batches, loss_of) / sum(batch.targets.numel() for batch in batches)


def summed_loss(module: nn.Module, batches: Iterable[Batch], loss_of: Loss) -> float:
    """Give the loss over batches, nats in all, without dropout."""
    total = 0.0
    with torch.no_grad(), evaluating(module):
        for batch in batches:
            total += loss_of(module, *batch).item() * batch.targets.numel()
    return total


@contextlib.contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Switch dropout off for a while."""
    module.eval()
    try:
        yield
    finally:
        module.train()
