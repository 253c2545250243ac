"""Which texts are near duplicates: their signatures share a band and agree in enough places, or others join them.

Signatures lie in files and are read a band, or a few rows, at a time, so that memory grows by some 30 bytes a text.
Whether two texts are joined depends on the two alone; so what an earlier run found holds, as long as no text of a
group is gone, and only texts that came since need to be compared. Called by dedup.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gptmodel.config import DedupConfig
from gptmodel.corpus.dedup.minhash import Signatures, has_words
from gptmodel.corpus.dedup.stretches import Hashes, Places

_PAIRS = 1 << 14


class StoredSignatures:
    """Signatures of texts that lie in several files.

    Args:
        signatures: Of each file the signatures, uint32, shape (rows, bands x rows per band).
        bands: Of each file the band keys of the same rows, uint64, shape (rows, bands).
        file_of: File that each text's signature is in, shape (texts,).
        row_of: Its row there, shape (texts,).
    """

    def __init__(
        self, signatures: Sequence[Signatures], bands: Sequence[Hashes], file_of: Places, row_of: Places
    ) -> None:
        self._signatures = signatures
        self._bands = bands
        self._file_of = file_of
        self._row_of = row_of

    def __len__(self) -> int:
        return len(self._file_of)

    def band(self, number: int) -> Hashes:
        """Give the key of a band for each text, shape (texts,)."""
        keys = np.empty(len(self), dtype=np.uint64)
        for file, bands in enumerate(self._bands):
            mine = np.flatnonzero(self._file_of == file)
            keys[mine] = bands[self._row_of[mine], number]
        return keys

    def rows(self, texts: Places) -> Signatures:
        """Give the signatures of some texts, shape (len(texts), bands x rows per band)."""
        width = self._signatures[0].shape[1] if self._signatures else 0
        found = np.empty((len(texts), width), dtype=np.uint32)
        files = self._file_of[texts]
        for file in np.unique(files):
            mine = np.flatnonzero(files == file)
            found[mine] = self._signatures[file][self._row_of[texts[mine]]]
        return found


def open_signatures(signatures: Path, bands: Path, config: DedupConfig) -> tuple[Signatures, Hashes]:
    """Map a file of signatures and one of band keys into memory, as `StoredSignatures` takes them."""
    width = config.num_bands * config.rows_per_band
    return _mapped(signatures, np.dtype("<u4"), width), _mapped(bands, np.dtype("<u8"), config.num_bands)


def _mapped(path: Path, kind: np.dtype[Any], width: int) -> npt.NDArray[Any]:
    if not path.stat().st_size:  # an empty file can't be mapped
        return np.zeros((0, width), dtype=kind)
    return np.memmap(path, dtype=kind, mode="r").reshape(-1, width)


def join_similar(
    stored: StoredSignatures, config: DedupConfig, groups: Places, is_fresh: npt.NDArray[np.bool_]
) -> None:
    """Join the groups of similar texts.

    Args:
        stored: The texts' signatures.
        config: `num_bands` and `min_similarity`.
        groups: The group of each text, named by the smallest number in it, shape (texts,); changed in place.
        is_fresh: Texts to compare with all others, shape (texts,); pairs of two others are taken as settled.
    """
    if not is_fresh.any():
        return
    for number in range(config.num_bands):
        keys = stored.band(number)
        candidates = _candidates(keys, is_fresh)
        edges = [*_edges(keys, candidates, stored, groups, config.min_similarity)]
        if edges:
            connect(groups, *np.concatenate(edges).T)


def connect(groups: Places, left: Places, right: Places) -> None:
    """Join the groups of the texts left[n] and right[n] for each n; a group is named by the smallest number in it.

    Source: hooking and pointer jumping (Shiloach and Vishkin 1982), a sweep over all texts at a time.
    """
    while True:
        first, second = groups[left], groups[right]
        if (first == second).all():
            return
        np.minimum.at(groups, np.maximum(first, second), np.minimum(first, second))
        while (groups[groups] != groups).any():
            groups[:] = groups[groups]


def _candidates(keys: Hashes, is_fresh: npt.NDArray[np.bool_]) -> Places:
    """Give the texts that share their key with a fresh one, in the order of their keys."""
    if not is_fresh.all():
        wanted = np.flatnonzero(np.isin(keys, np.unique(keys[is_fresh])))
        return np.asarray(wanted[np.argsort(keys[wanted], kind="stable")])
    return np.argsort(keys, kind="stable")


def _edges(
    keys: Hashes, candidates: Places, stored: StoredSignatures, groups: Places, min_similarity: float
) -> Iterator[npt.NDArray[np.int64]]:
    """Give pairs of texts to be joined, shape (pairs, 2), from the buckets of texts with equal keys."""
    starts = np.flatnonzero(np.diff(keys[candidates], prepend=~keys[candidates[:1]]))
    sizes = np.diff(starts, append=len(candidates))
    pairs = starts[sizes == 2]
    for at in range(0, len(pairs), _PAIRS):
        left, right = candidates[pairs[at : at + _PAIRS]], candidates[pairs[at : at + _PAIRS] + 1]
        apart = groups[left] != groups[right]
        left, right = left[apart], right[apart]
        signatures, others = stored.rows(left), stored.rows(right)
        similar = _agree(signatures, others, min_similarity) & has_words(signatures)
        yield np.stack([left[similar], right[similar]], axis=1)
    for start, size in zip(starts[sizes > 2], sizes[sizes > 2], strict=True):
        bucket = candidates[start : start + size]
        if (groups[bucket] != groups[bucket[0]]).any():
            yield from _bucket_edges(bucket, stored.rows(bucket), min_similarity)


def _bucket_edges(bucket: Places, signatures: Signatures, min_similarity: float) -> Iterator[npt.NDArray[np.int64]]:
    """Join the similar texts of a bucket: a search that compares each text reached with those not reached yet.

    It finds what comparing all pairs would, without listing them: where many are alike, most are reached at once.
    """
    rest = np.flatnonzero(has_words(signatures))
    while len(rest) > 1:
        queue, rest = [int(rest[0])], rest[1:]
        while queue and len(rest):
            row = queue.pop()
            similar = _agree(signatures[rest], signatures[row], min_similarity)
            reached = rest[similar]
            yield np.stack([np.full(len(reached), bucket[row]), bucket[reached]], axis=1)
            queue += reached.tolist()
            rest = rest[~similar]


def _agree(signatures: Signatures, others: Signatures, min_similarity: float) -> npt.NDArray[np.bool_]:
    return np.asarray((signatures == others).mean(axis=1) >= min_similarity)
