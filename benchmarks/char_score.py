"""Score a model of either side: mean nats a character over the whole validation text, in windows that don't overlap.

    python -m benchmarks.char_score WINDOW TOKENS ours MODEL_DIR
    python -m benchmarks.char_score WINDOW TOKENS nanogpt CHECKOUT CHECKPOINT

WINDOW is its length in characters, TOKENS the validation split in that side's own ids, 16-bit. The last line is one
JSON object.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_BATCH = 256


def main() -> None:
    """Score one model."""
    window, tokens, side, *paths = sys.argv[1:]
    load = {"ours": _ours, "nanogpt": _nanogpt}[side]
    logits_of, num_parameters = load(*map(Path, paths))
    loss = mean_loss(logits_of, np.fromfile(tokens, dtype="<u2"), int(window))
    print(json.dumps({"loss": loss, "num_parameters": num_parameters}))


def mean_loss(logits_of: Callable[[Tensor, Tensor], Tensor], tokens: np.ndarray, window: int) -> float:
    """Give mean nats a token over every whole window.

    Args:
        logits_of: (inputs (B, T), targets (B, T)) -> logits (B, T, V); targets for a model that wants them.
        tokens: The stream, (N,).
        window: Tokens predicted in one window, T.
    """
    count = (len(tokens) - 1) // window
    stream = torch.from_numpy(tokens[: count * window + 1].astype(np.int64))
    inputs, targets = stream[:-1].view(count, window), stream[1:].view(count, window)
    total = 0.0
    with torch.no_grad():
        for rows, wanted in zip(inputs.split(_BATCH), targets.split(_BATCH), strict=True):
            logits = logits_of(rows, wanted).float()
            total += F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="sum").item()
    return total / (count * window)


def _ours(folder: Path) -> tuple[Callable[[Tensor, Tensor], Tensor], int]:
    from gptmodel.model_folder import load_model

    model = load_model(folder)
    return lambda inputs, targets: model(inputs), model.num_parameters()


def _nanogpt(checkout: Path, checkpoint: Path) -> tuple[Callable[[Tensor, Tensor], Tensor], int]:
    sys.path.insert(0, str(checkout))
    from model import GPT, GPTConfig  # the peer's own, from its checkout

    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model = GPT(GPTConfig(**saved["model_args"]))
    model.load_state_dict({name.removeprefix("_orig_mod."): value for name, value in saved["model"].items()})
    model.eval()
    return lambda inputs, targets: model(inputs, targets)[0], sum(part.numel() for part in model.parameters())


if __name__ == "__main__":
    main()
