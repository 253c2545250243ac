"""The words of one document as spans and numbers, and the phrases that it says again.

Words are never made into strings: where they begin and end, how long they are and which of them are equal is worked
out for all of them at once. A phrase of n words occurs again only where both phrases of n - 1 words inside it do, so
each length looks at the few places that the one before it left.
"""

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gptmodel.corpus.letters import DENSE, DENSE_MARKS

Numbers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

_LETTER, _SPACE, _DENSE, _MARK = 1, 2, 4, 8
_CLASSES = {_LETTER: r"[^\W\d_]+", _SPACE: r"\s+", _DENSE: f"[{DENSE}]+", _MARK: f"[{DENSE_MARKS}]+"}

# Odd, so that powers of it have an inverse modulo 2**64; the golden ratio's digits have no structure.
_BASE = 0x9E3779B97F4A7C15
_PAIR = np.uint64(0xC2B2AE3D27D4EB4F)


class Words:
    """The words of a text: what stands between white space, and each character of a script without spaces.

    Two words count as equal where their hashes of 64 bits are.

    Args:
        text: The text.
        without_marks: Whether the marks of Chinese and Japanese stand between words like white space.
    """

    def __init__(self, text: str, without_marks: bool = False) -> None:
        self._chars = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        self._classes = _class_table()[self._chars]
        self._starts, self._ends = _spans(self._classes, _SPACE | _MARK if without_marks else _SPACE)
        self._repeated: list[_Phrases] = []

    def __len__(self) -> int:
        return len(self._starts)

    @cached_property
    def num_chars(self) -> int:
        """Characters of all words."""
        return int(self._chars_before[-1])

    @cached_property
    def num_dense(self) -> int:
        """Words that are a character of a script without spaces."""
        return int(np.count_nonzero(self._classes & _DENSE))

    @property
    def mean_length(self) -> float:
        """Characters of the other words on average; 0 without such."""
        num_others = len(self) - self.num_dense
        return (self.num_chars - self.num_dense) / num_others if num_others else 0.0

    @property
    def letter_ratio(self) -> float:
        """Share of the words that hold a letter; 0 without words."""
        # The vowel signs of Thai and Khmer are no letters to Unicode, but words here.
        letters_before = _sums(self._classes & (_LETTER | _DENSE) != 0)
        holding = letters_before[self._ends] > letters_before[self._starts]
        return int(np.count_nonzero(holding)) / len(self) if len(self) else 0.0

    def top_ratio(self, length: int) -> float:
        """Give the share of the words' characters that are in the most frequent phrase of so many words (>= 2).

        Of several equally frequent ones the longest counts; 0 where no phrase occurs twice.
        """
        phrases = self._phrases(length)
        if not len(phrases.starts):
            return 0.0
        counts = np.bincount(phrases.numbers)
        starts = phrases.starts[counts[phrases.numbers] == counts.max()]
        longest = (self._chars_before[starts + length] - self._chars_before[starts]).max()
        return int(counts.max()) * int(longest) / self.num_chars

    def repeated_ratio(self, length: int) -> float:
        """Give the share of the words' characters that are in phrases of so many words (>= 2) which occurred before."""
        phrases = self._phrases(length)
        if not len(phrases.starts):
            return 0.0
        first = np.unique(phrases.numbers, return_index=True)[1]
        starts = np.delete(phrases.starts, first)
        # Phrases overlap; what two of them share counts once.
        ends = np.minimum(starts + length, np.append(starts[1:], len(self)))
        return int((self._chars_before[ends] - self._chars_before[starts]).sum()) / self.num_chars

    @cached_property
    def _chars_before(self) -> Numbers:
        """Characters of the words before each word, and of all words at the end, shape (words + 1,)."""
        return _sums(self._ends - self._starts)

    def _phrases(self, length: int) -> "_Phrases":
        while len(self._repeated) < length - 1:
            self._repeated.append(self._longer(self._repeated[-1]) if self._repeated else self._pairs())
        return self._repeated[length - 2]

    def _pairs(self) -> "_Phrases":
        hashes = _hashes(self._chars, self._starts, self._ends)
        return _Phrases.among(np.arange(len(self) - 1), hashes[:-1] * _PAIR + hashes[1:])

    def _longer(self, known: "_Phrases") -> "_Phrases":
        """Give the repeated phrases that are one word longer than the known ones."""
        number_at = np.full(len(self) + 1, -1, dtype=np.int64)
        number_at[known.starts] = known.numbers
        starts = known.starts[number_at[known.starts + 1] >= 0]
        return _Phrases.among(starts, number_at[starts] * (len(self) + 1) + number_at[starts + 1])


@dataclass(frozen=True)
class _Phrases:
    """The phrases of one length that occur at least twice.

    Attributes:
        starts: Numbers of their first words, ascending, shape (occurrences,).
        numbers: For each occurrence a number that is the phrase's own, shape (occurrences,).
    """

    starts: Numbers
    numbers: Numbers

    @staticmethod
    def among(starts: Numbers, keys: Numbers | Hashes) -> "_Phrases":
        """Keep the phrases whose key occurs at least twice."""
        _, numbers, counts = np.unique(keys, return_inverse=True, return_counts=True)
        again = counts[numbers] > 1
        return _Phrases(starts[again], numbers[again])


def _spans(classes: npt.NDArray[np.uint8], between: int) -> tuple[Numbers, Numbers]:
    """Give where words start and end, each of shape (words,), where characters of some classes stand between them."""
    inside = classes & between == 0
    first, last = inside.copy(), inside.copy()
    first[1:] &= ~inside[:-1]
    last[:-1] &= ~inside[1:]
    alone = classes & _DENSE != 0
    if alone.any():
        first |= alone
        last |= alone
        first[1:] |= inside[1:] & alone[:-1]
        last[:-1] |= inside[:-1] & alone[1:]
    return np.flatnonzero(first), np.flatnonzero(last) + 1


def _hashes(chars: npt.NDArray[np.uint32], starts: Numbers, ends: Numbers) -> Hashes:
    """Give the polynomial hash of each word, modulo 2**64, shape (words,)."""
    powers, inverses = _powers(1 << len(chars).bit_length())
    # One is added, so that NUL counts too.
    sums = _sums(((chars + np.uint32(1)) * powers[: len(chars)]).view(np.int64)).view(np.uint64)
    return np.asarray((sums[ends] - sums[starts]) * inverses[starts])


def _sums(values: npt.NDArray[Any]) -> Numbers:
    """Give the sums of the values before each place, and of all at the end, shape (values + 1,)."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


@cache
def _powers(count: int) -> tuple[Hashes, Hashes]:
    """Give the powers of the base from 0 on, and their inverses modulo 2**64."""
    both = []
    for base in (_BASE, pow(_BASE, -1, 1 << 64)):
        factors = np.full(count, base, dtype=np.uint64)
        factors[0] = 1
        both.append(np.multiply.accumulate(factors))
    return both[0], both[1]


@cache
def _class_table() -> npt.NDArray[np.uint8]:
    """Give the classes of every character, one bit each, by code point."""
    every = "".join(map(chr, range(0x110000)))
    table = np.zeros(len(every), dtype=np.uint8)
    for bit, pattern in _CLASSES.items():
        for match in re.finditer(pattern, every):
            table[match.start() : match.end()] |= bit
    return table
