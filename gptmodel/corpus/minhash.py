"""MinHash signatures of texts, and the pairs of texts that they call near duplicates.

A text becomes the set of its runs of n words (characters in scripts without spaces); its signature keeps the smallest
value of each of several hash functions over that set, so that the share of equal places estimates the Jaccard
similarity. Which texts are joined depends on each pair alone, so more texts only ever join more. Called by dedup.

Source: Broder 1997; Lee et al. 2021, Deduplicating Training Data; FineWeb's setting of 14 bands of 8 (Penedo et al.
2024). Signatures are 32 bits a place.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import xxhash

from gptmodel.config import DedupConfig

Hashes = npt.NDArray[np.uint64]
Signatures = npt.NDArray[np.uint32]

# Scripts written without spaces: each character is a token. Everything else: words and numbers.
_DENSE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_TOKENS = re.compile(f"[{_DENSE}]|[^\\W{_DENSE}]+")
_NO_TOKENS = np.iinfo(np.uint32).max

# Shingles hashed at once: large enough that numpy's calls cost nothing, small enough for the processor's cache.
_BLOCK = 1 << 15
_TOKEN_CACHE = 1 << 18


class MinHasher:
    """Makes signatures, texts in bulk.

    Args:
        config: `ngram`, `num_bands`, `rows_per_band` and `seed`.
    """

    def __init__(self, config: DedupConfig) -> None:
        self._ngram = config.ngram
        self._size = config.num_bands * config.rows_per_band
        self._multiply = _random_words(f"multiply/{config.seed}", self._size) | np.uint64(1)
        self._add = _random_words(f"add/{config.seed}", self._size)
        self._tokens: dict[str, int] = {}

    def signatures(self, texts: Iterable[str]) -> Iterator[Signatures]:
        """Give signatures in the texts' order, blocks of shape (number of texts, bands x rows).

        A text without any word or letter gets a signature that `has_tokens` tells from all others.
        """
        block: list[Hashes] = []
        size = 0
        for text in texts:
            block.append(self._shingles(text))
            size += len(block[-1])
            if size >= _BLOCK:
                yield self._sign(block)
                block, size = [], 0
        if block:
            yield self._sign(block)

    def _shingles(self, text: str) -> Hashes:
        tokens = _TOKENS.findall(text)
        if not tokens:
            return np.zeros(0, dtype=np.uint64)
        hashes = np.fromiter(map(self._token, tokens), dtype=np.uint64, count=len(tokens))
        length = min(self._ngram, len(tokens))
        runs = hashes[: len(hashes) - length + 1].copy()
        for place in range(1, length):
            # Mixed at each place: a plain sum or polynomial would make runs collide in regular ways.
            runs = _mix(runs) + hashes[place : len(hashes) - length + 1 + place]
        return _mix(runs) >> np.uint64(32)

    def _token(self, token: str) -> int:
        value = self._tokens.get(token)
        if value is None:
            if len(self._tokens) >= _TOKEN_CACHE:
                self._tokens.clear()
            value = self._tokens[token] = xxhash.xxh3_64_intdigest(token.encode("utf-8", "surrogatepass"))
        return value

    def _sign(self, block: Sequence[Hashes]) -> Signatures:
        signatures = np.full((len(block), self._size), _NO_TOKENS, dtype=np.uint32)
        full = [row for row, hashes in enumerate(block) if len(hashes)]
        if not full:
            return signatures
        starts = np.cumsum([0, *(len(block[row]) for row in full)])[:-1]
        values = np.concatenate([block[row] for row in full])
        for place in range(self._size):
            # Multiply-shift (Dietzfelbinger 1996): 2-independent from 32 to 32 bits in 64-bit arithmetic.
            hashed = (values * self._multiply[place] + self._add[place]) >> np.uint64(32)
            signatures[full, place] = np.minimum.reduceat(hashed, starts)
        return signatures


def has_tokens(signatures: Signatures) -> npt.NDArray[np.bool_]:
    """Tell, for each row, whether its text had any token."""
    return np.asarray((signatures != _NO_TOKENS).any(axis=1))


def join_similar(signatures: Signatures, config: DedupConfig) -> npt.NDArray[np.int64]:
    """Give each row's group: rows that share a band and are similar enough, and those joined through others.

    Args:
        signatures: Shape (texts, bands x rows).
        config: `num_bands` and `min_similarity`.

    Returns:
        The smallest row number of each row's group, shape (texts,).
    """
    groups = _Groups(len(signatures))
    usable = np.flatnonzero(has_tokens(signatures))
    for band in np.split(signatures, config.num_bands, axis=1):
        for bucket in _buckets(band, usable):
            _join_bucket(bucket, signatures, config.min_similarity, groups)
    return np.array([groups.find(row) for row in range(len(signatures))], dtype=np.int64)


class _Groups:
    """Union-find in which the smallest row stands for its group."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, row: int) -> int:
        parent = self._parent
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    def join(self, left: int, right: int) -> None:
        low, high = sorted((self.find(left), self.find(right)))
        self._parent[high] = low


def _buckets(band: Signatures, rows: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.intp]]:
    """Give the rows that agree in a whole band, at least two at a time."""
    keys = np.zeros(len(rows), dtype=np.uint64)
    for column in band[rows].T:
        keys = _mix(keys + column)
    _, bucket_of, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    order = np.argsort(bucket_of, kind="stable")
    ends = np.cumsum(sizes)
    for bucket in np.flatnonzero(sizes > 1):
        yield rows[order[ends[bucket] - sizes[bucket] : ends[bucket]]]


def _join_bucket(bucket: npt.NDArray[np.intp], signatures: Signatures, min_similarity: float, groups: _Groups) -> None:
    """Join the similar rows of a bucket: a search that compares each row reached with those not reached yet.

    It finds what comparing all pairs would, without listing them: where many are alike, most are reached at once.
    """
    rest = bucket
    while len(rest) > 1:
        queue, rest = [int(rest[0])], rest[1:]
        while queue and len(rest):
            row = queue.pop()
            similar = (signatures[rest] == signatures[row]).mean(axis=1) >= min_similarity
            for other in rest[similar]:
                groups.join(row, int(other))
                queue.append(int(other))
            rest = rest[~similar]


def _mix(values: Hashes) -> Hashes:
    """Scatter 64-bit values (the finaliser of MurmurHash3)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return np.asarray(values ^ (values >> np.uint64(33)))


def _random_words(seed: str, count: int) -> Hashes:
    """Draw 64-bit words that are the same with every version of numpy."""
    return np.array([xxhash.xxh3_64_intdigest(f"{seed}/{place}".encode()) for place in range(count)], np.uint64)
