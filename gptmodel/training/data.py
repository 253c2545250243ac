"""The batches of a training: step n's windows, and the windows that every validation reads."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.errors import CorpusTooSmallError
from gptmodel.mixture import MixedOrder, batch_order
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer
from gptmodel.tokens import DOCUMENTS_FILE, BatchOrder, TokenSplit, num_windows, windows_at

_MOST_NAMED = 20


class Batch(NamedTuple):
    """Windows as a model reads them.

    Attributes:
        inputs: Token ids, int64, (B, T).
        targets: The token that follows each, int64, (B, T).
        documents: Number of the document that each input belongs to, counted in its window, int64, (B, T); None: the
            model looks across their borders.
    """

    inputs: Tensor
    targets: Tensor
    documents: Tensor | None = None

    def rows(self, first: int, end: int) -> "Batch":
        """Give the windows first:end of it."""
        return self._mapped(lambda tensor: tensor[first:end])

    def to(self, device: str) -> "Batch":
        """Give it on a device; the copy to a GPU goes on while the caller does."""
        if device == "cpu":
            return self
        return self._mapped(lambda tensor: tensor.pin_memory().to(device, non_blocking=True))

    def _mapped(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        documents = None if self.documents is None else change(self.documents)
        return Batch(change(self.inputs), change(self.targets), documents)


@dataclass(frozen=True)
class TrainingData:
    """The packed tokens of a training, and the order in which it reads them.

    Attributes:
        train: Tokens of the train split.
        validation: Tokens of the validation split.
        order: Says which windows a step reads.
        tokenizer: The tokens' vocabulary.
        context_length: Tokens of a window.
        within_documents: Whether a batch says which document each token belongs to.
        folder: Folder of the stage `pack`.
    """

    train: TokenSplit
    validation: TokenSplit
    order: BatchOrder | MixedOrder
    tokenizer: Tokenizer
    context_length: int
    within_documents: bool
    folder: Path

    @property
    def vocab_size(self) -> int:
        """Tokens in the vocabulary."""
        return self.tokenizer.vocab_size

    def batch(self, windows: Sequence[int]) -> Batch:
        """Give windows of the train split by number."""
        return self._batch(self.train, windows, self.context_length)

    def validation_batches(self, config: TrainingConfig, num_rows: int) -> Iterator[Batch]:
        """Give the same windows at each validation, at even distances over the split, `num_rows` at a time."""
        context = min(self.context_length, len(self.validation) - 1)
        total = num_windows(len(self.validation), context)
        count = min(total, config.num_eval_batches * config.batch_size)
        windows = [place * total // count for place in range(count)]
        for first in range(0, count, num_rows):
            yield self._batch(self.validation, windows[first : first + num_rows], context)

    def describe(self, step: int) -> str:
        """Tell which batch a step reads: its windows, and the ids of the documents in them; never text."""
        windows = self.order.windows(step)
        named = f"batch {step}: windows {', '.join(str(window) for window in windows)}"
        documents = self._documents_in(windows)
        return f"{named}; documents {_some(documents)}" if documents else named

    def _batch(self, split: TokenSplit, windows: Sequence[int], context_length: int) -> Batch:
        inputs, targets = (torch.from_numpy(one) for one in windows_at(split, windows, context_length))
        if not self.within_documents:
            return Batch(inputs, targets)
        # The end of a document is its last token.
        ends = (inputs == self.tokenizer.end_of_document_id).long()
        return Batch(inputs, targets, ends.cumsum(1) - ends)

    def _documents_in(self, windows: Sequence[int]) -> list[str]:
        """Give the ids of the documents that windows of the train split hold; none where their table is missing."""
        import pyarrow.dataset as ds

        path = self.folder / DOCUMENTS_FILE
        if not path.exists():
            return []
        table = ds.dataset(path).to_table(["id", "start"], filter=ds.field("split") == "train")
        starts = table["start"].to_numpy()  # ascending: documents lie one after the other
        firsts = np.array(windows) * self.context_length
        begin = np.searchsorted(starts, firsts, "right") - 1
        end = np.searchsorted(starts, firsts + self.context_length, "right")
        places = dict.fromkeys(place for first, last in zip(begin, end, strict=True) for place in range(first, last))
        return [str(table["id"][int(place)]) for place in places]


def open_data(work: Workspace, model: ModelConfig, training: TrainingConfig) -> TrainingData:
    """Open what the stages `tokenizer` and `pack` made.

    Raises:
        CorpusTooSmallError: The train split is shorter than one window, or there is nothing to validate on.
    """
    tokenizer, folder = Tokenizer.load(work.inputs["tokenizer"]), work.inputs["pack"]
    train_split, validation = (TokenSplit.open(folder, name) for name in ("train", "validation"))
    total = num_windows(len(train_split), model.context_length)
    if total < 1 or len(validation) < 2:
        short, needed = ("train", model.context_length + 1) if total < 1 else ("validation", 2)
        raise CorpusTooSmallError(
            expected=f"at least {needed} tokens in the {short} split (context_length {model.context_length})",
            actual=f"{len(train_split if total < 1 else validation)}",
            mend="Add documents, or make model.context_length smaller.",
        )
    order = batch_order(folder, model.context_length, total, training.batch_size, training.seed)
    within = training.attend_within_documents
    return TrainingData(train_split, validation, order, tokenizer, model.context_length, within, folder)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
