"""Bound the words that merges are learned from, so that learning takes bounded memory whatever the text.

The library's trainer holds every distinct word with all its pairs: some 60 bytes of memory for each byte of text that
never repeats, as runs of Han characters do. Up to a bound of distinct words it reads the texts as they are. Beyond it,
words are sampled by a hash of their own: a word's priority is its hash times the square of its length, and those with
the highest priorities go, so that long words go first and short ones stay. Words that stay keep all their occurrences.
Which ones stay depends on the set of words alone: what is left out on the way ranks above what is left in the end,
whatever came first.

Source: coordinated sampling by priority, Duffield, Lund, Thorup, "Priority sampling", 2007.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

from gptmodel.tokenizer.pieces import Cut

_HASHES = 1 << 64


class WordCounter:
    """Counts the words of texts within a bound of distinct ones.

    Args:
        cut: Cuts a text into words.
        max_bytes: UTF-8 bytes of the distinct words, at most.
    """

    def __init__(self, cut: Cut, max_bytes: int) -> None:
        self._cut = cut
        self._max_bytes = max_bytes
        self._counts: Counter[str] = Counter()
        self._num_bytes = 0
        self._limit = float("inf")  # priorities from here on are left out

    @property
    def is_sample(self) -> bool:
        """Whether words were left out."""
        return self._limit < float("inf")

    def add(self, text: str) -> None:
        """Count a text's words."""
        for word, count in Counter(self._cut(text)).items():
            if word in self._counts:
                self._counts[word] += count
            elif not self.is_sample or _priority(word) < self._limit:
                self._counts[word] = count
                self._num_bytes += len(word.encode())
        if self._num_bytes > self._max_bytes:
            self._leave_out(self._max_bytes * 3 // 4)

    def repeated(self) -> Iterator[str]:
        """Give every word as often as it was counted; beyond the bound, words that take half of it."""
        if self.is_sample:
            self._leave_out(self._max_bytes // 2)
        for word, count in self._counts.items():
            for _ in range(count):
                yield word

    def _leave_out(self, max_bytes: int) -> None:
        """Leave out the words from the first on, by priority, with which the others would take more than this."""
        ranked = sorted((_priority(word), word) for word in self._counts)
        totals = accumulate(len(word.encode()) for _, word in ranked)
        kept = next((place for place, total in enumerate(totals) if total > max_bytes), len(ranked))
        self._limit = ranked[kept][0] if kept < len(ranked) else self._limit
        for _, word in ranked[kept:]:
            del self._counts[word]
        self._num_bytes = sum(len(word.encode()) for word in self._counts)


def _priority(word: str) -> float:
    code = word.encode()
    return int.from_bytes(hashlib.blake2b(code, digest_size=8).digest()) / _HASHES * len(code) ** 2
