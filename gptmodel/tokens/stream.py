"""The packed stream of a split, memory-mapped, and the windows that are cut from it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gptmodel.errors import StoreError
from gptmodel.tokenizer.cache import TOKEN

Tokens = npt.NDArray[np.int64]


class TokenSplit:
    """One split's stream of token ids, memory-mapped.

    Example:
        >>> split = TokenSplit.open(folder, "train")        # doctest: +SKIP
        >>> split[10:20]                                    # doctest: +SKIP
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._parts: list[Any] = [np.memmap(path, dtype=TOKEN, mode="r") for path in files if path.stat().st_size]
        self._starts = np.cumsum([0, *(len(part) for part in self._parts)])

    @classmethod
    def open(cls, folder: Path, split: str) -> "TokenSplit":
        """Open a split of the pack stage's folder.

        Raises:
            StoreError: The folder holds no file of that split.
        """
        files = sorted(folder.glob(f"{split}-*.bin"))
        if not files:
            raise StoreError(
                expected=f"token files of the split {split} in {folder}",
                actual="none",
                mend="Compute them again: gptmodel run --force pack",
            )
        return cls(files)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, where: slice) -> Tokens:
        """Give tokens a:b as int64, shape (b - a,), across files."""
        start, stop, step = where.indices(len(self))
        if step != 1:
            raise ValueError(f"a step of 1 is possible, got {step}")
        pieces = [np.empty(0, dtype=np.int64)]
        for part, first in zip(self._parts, self._starts, strict=False):
            if first < stop and start < first + len(part):
                pieces.append(part[max(start - first, 0) : stop - first].astype(np.int64))
        return np.concatenate(pieces)


def num_windows(num_tokens: int, context_length: int) -> int:
    """Give the number of windows in a stream.

    Window w is the stretch of context_length + 1 tokens from w * context_length on: its last token is the next one's
    first, so every token but the very first is a target exactly once, and at most context_length - 1 tokens at the end
    of the stream are left over.
    """
    return max(0, (num_tokens - 1) // context_length)


def windows_at(split: TokenSplit, windows: Sequence[int], context_length: int) -> tuple[Tokens, Tokens]:
    """Give windows by number as (inputs, targets), both int64, shape (len(windows), context_length)."""
    starts = (window * context_length for window in windows)
    rows = np.stack([split[start : start + context_length + 1] for start in starts])  # (B, T + 1)
    return rows[:, :-1], rows[:, 1:]
