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
    """

    def __init__(self, batches: Sequence[Batch], tokenizer: Tokenizer, loss_of: Loss) -> None:
        self._batches, self._loss_of = batches, loss_of
        self._num_bytes = sum(len(tokenizer.decode_bytes(one.targets.flatten().tolist())) for one in batches)

    def validate(self, module: nn.Module) -> Validation:
        """Judge a model as it is, without dropout."""
        loss = mean_loss(module, self._batches, self._loss_of)
        num_tokens = sum(one.targets.numel() for one in self._batches)
        return Validation(loss, bits_per_byte(loss * num_tokens, self._num_bytes))


def mean_loss(module: nn.Module, batches: Iterable[Batch], loss_of: Loss) -> float:
    """Give the mean loss over batches, nats a token, without dropout."""
    total, count = 0.0, 0
    with torch.no_grad(), evaluating(module):
        for batch in batches:
            total += loss_of(module, *batch).item() * batch.targets.numel()
            count += batch.targets.numel()
    return total / count


@contextlib.contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Switch dropout off for a while."""
    module.eval()
    try:
        yield
    finally:
        module.train()
