"""MinHash signatures: short rows of numbers whose share of equal places estimates how similar two texts are.

A text becomes the set of its runs of n words (characters in scripts without spaces); its signature keeps the smallest
value of each of several hash functions over that set. Called by dedup; near.py joins what is similar.

Source: Broder 1997; Lee et al. 2021, Deduplicating Training Data; FineWeb's setting of 14 bands of 8 (Penedo et al.
2024). Signatures are 32 bits a place.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import xxhash

from gptmodel.config import DedupConfig
from gptmodel.corpus.dedup.stretches import Block, Hashes, Places, blocks, mix, runs

Signatures = npt.NDArray[np.uint32]

_NO_WORDS = np.iinfo(np.uint32).max


class MinHasher:
    """Makes signatures, texts in bulk.

    Args:
        config: `ngram`, `num_bands`, `rows_per_band` and `seed`.
    """

    def __init__(self, config: DedupConfig) -> None:
        self._ngram = config.ngram
        self.size = config.num_bands * config.rows_per_band
        self._multiply = _random_words(f"multiply/{config.seed}", self.size) | np.uint32(1)
        self._add = _random_words(f"add/{config.seed}", self.size)

    def signatures(self, texts: Iterable[str]) -> Iterator[Signatures]:
        """Give signatures in the texts' order, blocks of shape (number of texts, bands x rows).

        A text without any word or letter gets a signature that `has_words` tells from all others.
        """
        for block in blocks(texts):
            yield self._sign(*self._shingles(block))

    def _shingles(self, block: Block) -> tuple[Hashes, Places]:
        """Give the runs of words of a block's texts one after the other, and how many each text has."""
        first, end = block.words()
        words = block.hashes(first, end)
        num_words = np.diff(np.searchsorted(first, block.starts))
        places = np.cumsum(num_words) - num_words  # of each text's first word
        whole = runs(words, self._ngram)
        counts = np.where(num_words >= self._ngram, num_words - self._ngram + 1, np.minimum(num_words, 1))
        ends = np.cumsum(counts)
        shingles = np.empty(ends[-1], dtype=np.uint64)
        is_long = num_words >= self._ngram
        inside = np.arange(len(shingles)) - np.repeat(ends - counts, counts) + np.repeat(places, counts)
        kept = np.repeat(is_long, counts)
        shingles[kept] = whole[inside[kept]]
        for text in np.flatnonzero((num_words > 0) & ~is_long):  # shorter than a run: the text is one
            mine = words[places[text] : places[text] + num_words[text]]
            shingles[ends[text] - 1] = runs(mine, len(mine))[0]
        return shingles, counts

    def _sign(self, shingles: Hashes, counts: Places) -> Signatures:
        signatures = np.full((len(counts), self.size), _NO_WORDS, dtype=np.uint32)
        full = np.flatnonzero(counts)
        if not len(full):
            return signatures
        starts = (np.cumsum(counts) - counts)[full]
        values = (shingles >> np.uint64(32)).astype(np.uint32)
        hashed = np.empty_like(values)
        for place in range(self.size):
            # Multiply-add modulo 2**32 on values that are mixed already: a permutation for each odd factor.
            np.multiply(values, self._multiply[place], out=hashed)
            np.add(hashed, self._add[place], out=hashed)
            signatures[full, place] = np.minimum.reduceat(hashed, starts)
        return signatures


def has_words(signatures: Signatures) -> npt.NDArray[np.bool_]:
    """Tell, for each row, whether its text had any word."""
    return np.asarray((signatures != _NO_WORDS).any(axis=1))


def band_keys(signatures: Signatures, band: int, rows_per_band: int) -> Hashes:
    """Give one number for each row's band: rows that agree in the whole band have the same, shape (rows,)."""
    keys = np.zeros(len(signatures), dtype=np.uint64)
    for column in range(band * rows_per_band, (band + 1) * rows_per_band):
        keys = mix(keys + signatures[:, column])
    return keys


def _random_words(seed: str, count: int) -> Signatures:
    """Draw 32-bit words that are the same with every version of numpy."""
    return np.array([xxhash.xxh3_64_intdigest(f"{seed}/{place}".encode()) >> 32 for place in range(count)], np.uint32)
