"""How likely a model finds given tokens: losses in nats, by window and by document.

Evaluation scores held-out documents with it, the leak test ranks phrases with it. Nothing here samples, reads a file
or knows what a token means. Logits are made for the scored positions alone and a slice at a time, so a large
vocabulary needs no large memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

    from gptmodel.model import GPTModel

_LOGITS_AT_A_TIME = 2**23  # 32 MiB of fp32 logits


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of tokens, some of which are scored given those before them.

    Attributes:
        ids: Token ids; all but the last are the model's input, all but the first may be scored.
        first: Index in `ids` of the first scored token, at least 1; every token from it on is scored.
    """

    ids: NDArray[np.int64]
    first: int = 1


def document_windows(ids: NDArray[np.int64], start_id: int, context_length: int) -> Iterator[Window]:
    """Cut a document into windows in which each of its tokens is scored exactly once.

    The document is read from its start, after the end-of-document token. Longer ones than the context are read in
    windows that overlap by half: from the second window on, a token sees at least context_length // 2 tokens before
    it, so a cut costs the model little.

    Args:
        ids: The document's tokens, its end included, shape (num_tokens,).
        start_id: The end-of-document token, which stands before every document.
        context_length: Longest input of the model (tokens).
    """
    stream = np.concatenate([[start_id], ids]).astype(np.int64)
    scored = 1  # the first position of the stream that no window has scored
    while scored < len(stream):
        begin = 0 if scored == 1 else scored - max(1, context_length // 2)
        end = min(begin + context_length + 1, len(stream))
        yield Window(stream[begin:end], scored - begin)
        scored = end


def document_losses(
    model: "GPTModel", documents: Sequence[NDArray[np.int64]], start_id: int, batch_size: int
) -> NDArray[np.float64]:
    """Give each document's total loss in nats, shape (num_documents,).

    Args:
        model: The model, on any device.
        documents: Token ids of each document, its end included.
        start_id: The end-of-document token.
        batch_size: Windows in one forward pass.
    """
    windows: list[Window] = []
    owners: list[int] = []
    for number, ids in enumerate(documents):
        for window in document_windows(ids, start_id, model.context_length):
            windows.append(window)
            owners.append(number)
    return _sums(owners, window_losses(model, windows, batch_size), len(documents))


def to_fastest_device(model: "GPTModel") -> "GPTModel":
    """Move a model to the GPU where there is one, and give it back."""
    import torch

    return model.to("cuda") if torch.cuda.is_available() else model


def window_losses(model: "GPTModel", windows: Sequence[Window], batch_size: int) -> NDArray[np.float64]:
    """Give the summed loss of each window's scored tokens in nats, shape (num_windows,).

    Args:
        model: The model; put into evaluation mode.
        windows: What to score, none longer than model.context_length + 1 tokens.
        batch_size: Windows in one forward pass; those of like length go together.
    """
    import torch

    model.eval()
    losses = np.zeros(len(windows), dtype=np.float64)
    order = sorted(range(len(windows)), key=lambda number: len(windows[number].ids))
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            picked = order[start : start + batch_size]
            losses[picked] = _batch_losses(model, [windows[number] for number in picked])
    return losses


def _batch_losses(model: "GPTModel", windows: Sequence[Window]) -> NDArray[np.float64]:
    import torch

    length = max(len(window.ids) for window in windows)
    tokens = np.zeros((len(windows), length), dtype=np.int64)  # (B, T + 1); what pads the end is never scored
    wanted = np.zeros((len(windows), length - 1), dtype=bool)  # (B, T)
    for row, window in enumerate(windows):
        tokens[row, : len(window.ids)] = window.ids
        wanted[row, window.first - 1 : len(window.ids) - 1] = True
    device = next(model.parameters()).device
    ids, mask = torch.from_numpy(tokens).to(device), torch.from_numpy(wanted).to(device)
    # No attention mask: the padding stands at the end, and no position sees what comes after it.
    hidden = model.hidden_states(ids[:, :-1])[mask]  # (N, D)
    return _sums(np.nonzero(wanted)[0], _token_losses(model, hidden, ids[:, 1:][mask]), len(windows))


def _token_losses(model: "GPTModel", hidden: "torch.Tensor", targets: "torch.Tensor") -> NDArray[np.float64]:
    import torch
    from torch.nn import functional

    step, parts = max(1, _LOGITS_AT_A_TIME // int(model.config["vocab_size"])), []
    for at in range(0, len(hidden), step):
        logits = model.logits(hidden[at : at + step]).float()
        parts.append(functional.cross_entropy(logits, targets[at : at + step], reduction="none"))
    return torch.cat(parts).double().cpu().numpy() if parts else np.zeros(0)


def _sums(owners: Sequence[int] | NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    totals = np.zeros(size, dtype=np.float64)
    np.add.at(totals, np.asarray(owners, dtype=np.int64), values)
    return totals
