"""Texts as one array of characters in which any stretch's hash is a subtraction away.

Duplicates are found by hashing words, runs of words and lines of every document. Done character by character in Python
that would cost more than all other stages; here a block of texts becomes an array of code points, its words and lines
become arrays of places, and all are hashed at once. A stretch's hash depends on its characters alone, not on where it
stands. Called by minhash, repeated_lines and contamination.

Source: Karp and Rabin 1987, "Efficient randomized pattern-matching algorithms": prefix sums of a polynomial in a fixed
odd base; here modulo 2**64, where the base can be inverted, and scattered at the end.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

OTHER, WORD, DENSE, SPACE = range(4)
"""Classes of characters: signs; letters, digits and marks; scripts written without spaces; white space."""

# Thai and Lao, Myanmar, Khmer, Kana, Han: written without spaces, so that each character counts as a word.
_DENSE_RANGES = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
_NUM_CODES = 0x110000
_BASE = 0x9E3779B97F4A7C15
_BLOCK_CHARS = 1 << 18


class Block:
    """A few texts as one array of code points.

    Args:
        texts: The texts, in order.

    Attributes:
        codes: Code points of all texts, each followed by a line feed, uint32, shape (characters,).
        classes: Class of each character, uint8, shape (characters,).
        starts: Place of each text's first character, and the end of the last, int64, shape (texts + 1,).
    """

    def __init__(self, texts: Sequence[str]) -> None:
        joined = "".join(f"{text}\n" for text in texts)
        self.codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        self.classes = _class_table()[self.codes]
        self.starts: Places = np.cumsum([0, *(len(text) + 1 for text in texts)], dtype=np.int64)
        powers, self._inverses = _powers(len(self.codes) + 1)
        self._prefix = np.zeros(len(self.codes) + 1, dtype=np.uint64)
        np.cumsum((self.codes + np.uint64(1)) * powers[: len(self.codes)], out=self._prefix[1:])

    def hashes(self, first: Places, end: Places) -> Hashes:
        """Hash the stretches from `first` up to, not including, `end`; equal texts have equal hashes (64 bits)."""
        return mix((self._prefix[end] - self._prefix[first]) * self._inverses[first])

    def words(self) -> tuple[Places, Places]:
        """Give first place and end of each word, in order; each character of a dense script is a word."""
        is_word = self.classes == WORD
        edges = np.flatnonzero(np.diff(is_word, prepend=False, append=False))
        dense = np.flatnonzero(self.classes == DENSE)
        first, end = np.concatenate([edges[::2], dense]), np.concatenate([edges[1::2], dense + 1])
        order = np.argsort(first, kind="stable") if len(dense) else slice(None)
        return first[order], end[order]

    def text_of(self, places: Places) -> Places:
        """Give the number of the text that each place is in."""
        return np.searchsorted(self.starts, places, side="right") - 1


def blocks(texts: Iterable[str]) -> Iterator[Block]:
    """Give texts in blocks that fit into the processor's cache; a longer text is a block by itself."""
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and size + len(text) > _BLOCK_CHARS:
            yield Block(batch)
            batch, size = [], 0
        batch.append(text)
        size += len(text) + 1
    if batch:
        yield Block(batch)


def mix(values: Hashes) -> Hashes:
    """Scatter 64-bit values (the finaliser of MurmurHash3)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return np.asarray(values ^ (values >> np.uint64(33)))


def runs(hashes: Hashes, length: int) -> Hashes:
    """Hash each run of `length` hashes that follow one another, in order, shape (len(hashes) - length + 1,)."""
    num_runs = max(0, len(hashes) - length + 1)
    found = hashes[:num_runs].copy()
    for place in range(1, length):
        # Mixed at each place: a plain sum or polynomial would make runs collide in regular ways.
        found = mix(found) + hashes[place : num_runs + place]
    return mix(found)


@lru_cache(maxsize=1)
def _class_table() -> npt.NDArray[np.uint8]:
    """Give the class of every code point; marks belong to the word whose letters they stand on."""
    table = np.zeros(_NUM_CODES, dtype=np.uint8)
    for code in range(0x20000):
        char = chr(code)
        if char == "_" or unicodedata.category(char)[0] in "LNM":
            table[code] = WORD
        elif char.isspace():
            table[code] = SPACE
    for first, last in _DENSE_RANGES:
        table[first : last + 1] = DENSE
    return table


class _Powers:
    """Powers of the base and of its inverse modulo 2**64, as many as were asked for so far."""

    base: Hashes = np.ones(1, dtype=np.uint64)
    inverse: Hashes = np.ones(1, dtype=np.uint64)


def _powers(count: int) -> tuple[Hashes, Hashes]:
    if len(_Powers.base) < count:
        size = max(count, 2 * _BLOCK_CHARS)
        _Powers.base = _power_row(_BASE, size)
        _Powers.inverse = _power_row(pow(_BASE, -1, 2**64), size)
    return _Powers.base, _Powers.inverse


def _power_row(base: int, count: int) -> Hashes:
    factors = np.full(count, base, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)
