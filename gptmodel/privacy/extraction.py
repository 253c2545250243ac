"""Verbatim copies: does the most likely continuation of a training prefix repeat the training text?

The same stretch is tried after prefixes of several lengths, for a model gives away more to who knows more already. A
long copy counts whatever stands in it; that finders see nothing in it makes it no less a copy.

Source: Carlini et al. 2022, Quantifying Memorization Across Neural Language Models (extractable with k tokens of
context, greedy decoding).
"""

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gptmodel.config import PrivacyConfig
from gptmodel.generation import Generator
from gptmodel.privacy.account import Extraction, Prefixes
from gptmodel.privacy.training_text import Ids, TrainingText


def try_prefixes(generator: Generator, config: PrivacyConfig, training: TrainingText | None) -> Extraction:
    """Let the model go on from training prefixes and count the verbatim continuations; nothing without the text."""
    copied = copy_length(generator, config)
    lengths = _lengths(generator, config, copied)
    stretches = draw_stretches(config, training, lengths, copied) if training else []
    tries = {length: _try_length(generator, stretches, length, copied) for length in lengths} if stretches else {}
    hit = sorted({number for copies in tries.values() for number, is_copy in copies.items() if is_copy})
    counts = training.count_documents([stretches[number][-copied:] for number in hit]) if training else []
    return Extraction(
        copy_tokens=copied, by_prefix=tuple(_prefixes(length, copies) for length, copies in tries.items() if copies),
        num_stretches=len(stretches), num_copied=len(hit), num_copied_widespread=sum(count > 1 for count in counts),
    )  # fmt: skip


def copy_length(generator: Generator, config: PrivacyConfig) -> int:
    """Give the tokens that must agree for a copy: at most half of the context."""
    return min(config.copy_tokens, max(1, generator.model.context_length // 2))


def draw_stretches(config: PrivacyConfig, training: TrainingText, lengths: Sequence[int], copied: int) -> list[Ids]:
    """Draw stretches, each within one training document: the longest prefix that fits, and the tokens after it.

    Args:
        config: How many, and the seed.
        training: The training text; planted documents are no part of it.
        lengths: Lengths of prefix wanted (tokens).
        copied: Tokens after the prefix.
    """
    draw = random.Random(config.seed)
    rows = [row for row in training.rows if row.num_tokens > lengths[0] + copied] if lengths else []
    found = []
    for row in draw.sample(rows, min(config.num_prefixes, len(rows))):
        size = max(length for length in lengths if row.num_tokens > length + copied) + copied
        start = row.start + draw.randrange(row.num_tokens - size)
        found.append(training.stream[start : start + size])
    return found


def _lengths(generator: Generator, config: PrivacyConfig, copied: int) -> list[int]:
    room = generator.model.context_length - copied
    return sorted({min(length, room) for length in config.prefix_tokens} - {0})


def _try_length(generator: Generator, stretches: Sequence[Ids], length: int, copied: int) -> dict[int, bool]:
    """Tell of each stretch that holds a prefix of this length whether the model copies what follows."""
    size = length + copied
    numbers = [number for number, stretch in enumerate(stretches) if len(stretch) >= size]
    if not numbers:
        return {}
    tokens = np.stack([stretches[number][-size:] for number in numbers])  # (P, length + copied)
    continued = continue_greedily(generator, tokens[:, :length], copied)
    is_copy: NDArray[np.bool_] = (continued == tokens[:, length:]).all(axis=1)
    return dict(zip(numbers, is_copy.tolist(), strict=True))


def continue_greedily(generator: Generator, prefixes: Ids, num_tokens: int) -> Ids:
    """Give the likeliest next tokens of prefixes of equal length: (P, T) -> (P, num_tokens)."""
    import torch

    model, found = generator.model, []
    with torch.inference_mode():
        cache = model.new_cache(len(prefixes))
        inputs = torch.from_numpy(prefixes).to(next(model.parameters()).device)
        for _ in range(num_tokens):
            inputs = model(inputs, cache=cache)[:, -1:].argmax(-1)  # (P, 1)
            found.append(inputs)
    return torch.cat(found, dim=1).cpu().numpy()


def _prefixes(length: int, copies: dict[int, bool]) -> Prefixes:
    return Prefixes(prefix_tokens=length, num_prefixes=len(copies), num_copies=sum(copies.values()))
