"""The batches of a training: step n's windows, and the windows that every validation reads."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.errors import CorpusTooSmallError
from gptmodel.mixture import MixedOrder, batch_order
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer
from gptmodel.tokens import BatchOrder, TokenSplit, batch, num_windows, windows_at


@dataclass(frozen=True)
class TrainingData:
    """The packed tokens of a training, and the order in which it reads them."""

    train: TokenSplit
    validation: TokenSplit
    order: BatchOrder | MixedOrder
    tokenizer: Tokenizer
    context_length: int
    vocab_size: int

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Give a step's inputs and targets, int64, (B, T)."""
        inputs, targets = batch(self.train, self.order, step, self.context_length)
        return torch.from_numpy(inputs), torch.from_numpy(targets)

    def validation_batches(self, config: TrainingConfig) -> Iterator[tuple[Tensor, Tensor]]:
        """Give the same batches at each validation: windows at even distances over the split."""
        context = min(self.context_length, len(self.validation) - 1)
        total = num_windows(len(self.validation), context)
        count = min(total, config.num_eval_batches * config.batch_size)
        windows = [place * total // count for place in range(count)]
        for first in range(0, count, config.batch_size):
            inputs, targets = windows_at(self.validation, windows[first : first + config.batch_size], context)
            yield torch.from_numpy(inputs), torch.from_numpy(targets)


def open_data(work: Workspace, model: ModelConfig, training: TrainingConfig) -> TrainingData:
    """Open what the stages `tokenizer` and `pack` made.

    Raises:
        CorpusTooSmallError: The train split is shorter than one window, or there is nothing to validate on.
    """
    tokenizer = Tokenizer.load(work.inputs["tokenizer"])
    train_split, validation = (TokenSplit.open(work.inputs["pack"], name) for name in ("train", "validation"))
    total = num_windows(len(train_split), model.context_length)
    if total < 1 or len(validation) < 2:
        short, needed = ("train", model.context_length + 1) if total < 1 else ("validation", 2)
        raise CorpusTooSmallError(
            expected=f"at least {needed} tokens in the {short} split (context_length {model.context_length})",
            actual=f"{len(train_split if total < 1 else validation)}",
            mend="Add documents, or make model.context_length smaller.",
        )
    order = batch_order(work.inputs["pack"], model.context_length, total, training.batch_size, training.seed)
    return TrainingData(train_split, validation, order, tokenizer, model.context_length, tokenizer.vocab_size)
