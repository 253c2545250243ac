"""What a model's bits per byte are compared with: a unigram model of the same tokens, and a compressor.

Both see the same bytes as the model, so their figures are comparable whatever the tokenizer. Evaluation calls this
room; nothing here reads a file or imports torch.
"""

import lzma
import math

import numpy as np
from numpy.typing import NDArray


def unigram_bits(train_counts: NDArray[np.int64], test_counts: NDArray[np.int64]) -> float:
    """Give the bits a unigram model needs for the test tokens: frequencies of train, one added to each.

    Args:
        train_counts: Occurrences of each token id in the training split, shape (vocab_size,).
        test_counts: Occurrences of each token id in the test split, shape (vocab_size,).

    Example:
        >>> unigram_bits(np.array([1, 1]), np.array([3, 5]))
        8.0
    """
    smoothed = train_counts.astype(np.float64) + 1.0
    bits = -np.log2(smoothed / smoothed.sum())
    return float((test_counts * bits).sum())


def count_tokens(ids: NDArray[np.int64], vocab_size: int) -> NDArray[np.int64]:
    """Count each token id's occurrences, shape (vocab_size,)."""
    return np.bincount(ids, minlength=vocab_size).astype(np.int64)


def xz_bits(text: bytes) -> int:
    """Give the bits that xz at its strongest setting needs for the text alone, container included."""
    return 8 * len(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))


def bits_per_byte(nats: float, num_bytes: int) -> float:
    """Turn a text's total loss in nats into bits for each of its UTF-8 bytes; 0 for no bytes.

    Example:
        >>> round(bits_per_byte(math.log(2) * 6, 3), 6)
        2.0
    """
    return nats / math.log(2) / num_bytes if num_bytes else 0.0
