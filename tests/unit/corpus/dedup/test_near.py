"""Joining: what comparing all pairs would find, in any order, all at once or a few texts at a time."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import DedupConfig
from gptmodel.corpus.dedup.minhash import MinHasher, Signatures, band_keys
from gptmodel.corpus.dedup.near import StoredSignatures, connect, join_similar

CONFIG = DedupConfig()
ROWS = st.lists(st.lists(st.integers(0, 2), min_size=6, max_size=6), min_size=1, max_size=25)


def stored(signatures: Signatures, config: DedupConfig) -> StoredSignatures:
    """Keep signatures in two files, as if they came from two shards."""
    half = len(signatures) // 2
    files = [signatures[:half], signatures[half:]]
    bands = [
        np.stack([band_keys(f, band, config.rows_per_band) for band in range(config.num_bands)], axis=1) for f in files
    ]
    file_of = np.array([0] * half + [1] * (len(signatures) - half))
    row_of = np.array([*range(half), *range(len(signatures) - half)])
    return StoredSignatures(files, bands, file_of, row_of)


def joined(signatures: Signatures, config: DedupConfig = CONFIG) -> list[int]:
    groups = np.arange(len(signatures))
    join_similar(stored(signatures, config), config, groups, np.ones(len(signatures), dtype=bool))
    return groups.tolist()


def all_pairs(signatures: Signatures, config: DedupConfig) -> list[int]:
    """The definition itself: compare every pair, join until nothing changes."""
    size = len(signatures)
    bands = np.stack(np.split(signatures, config.num_bands, axis=1))
    group = list(range(size))
    for left in range(size):
        for right in range(left + 1, size):
            candidates = (bands[:, left] == bands[:, right]).all(axis=1).any()
            if candidates and (signatures[left] == signatures[right]).mean() >= config.min_similarity:
                low, high = sorted((group[left], group[right]))
                group = [low if number == high else number for number in group]
    return group


@given(ROWS, st.floats(0, 1))
def test_joining_equals_comparing_all_pairs(rows: list[list[int]], min_similarity: float) -> None:
    config = DedupConfig(num_bands=3, rows_per_band=2, min_similarity=min_similarity)
    signatures = np.array(rows, dtype=np.uint32)
    assert joined(signatures, config) == all_pairs(signatures, config)


@given(ROWS, st.floats(0, 1), st.data())
def test_comparing_only_fresh_texts_finds_the_same(rows: list[list[int]], min_similarity: float, data) -> None:
    config = DedupConfig(num_bands=3, rows_per_band=2, min_similarity=min_similarity)
    signatures = np.array(rows, dtype=np.uint32)
    num_known = data.draw(st.integers(0, len(rows)))
    groups = np.arange(len(rows))
    groups[:num_known] = all_pairs(signatures[:num_known], config)
    is_fresh = np.arange(len(rows)) >= num_known
    join_similar(stored(signatures, config), config, groups, is_fresh)
    assert groups.tolist() == all_pairs(signatures, config)


def test_similar_texts_are_joined_and_others_not() -> None:
    draw = [[f"word{n}" for n in random.Random(seed).choices(range(5000), k=300)] for seed in (1, 2)]
    texts = [" ".join(draw[0]), " ".join(draw[1]), " ".join([*draw[0][:150], "inserted", *draw[0][150:]])]
    assert joined(np.concatenate(list(MinHasher(CONFIG).signatures(texts)))) == [0, 1, 0]


def test_texts_without_words_are_never_joined() -> None:
    assert joined(np.concatenate(list(MinHasher(CONFIG).signatures(["...", "!!!", "", "one two"])))) == [0, 1, 2, 3]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_connected_numbers_have_the_smallest_as_their_group(edges: list[tuple[int, int]]) -> None:
    groups = np.arange(31)
    pairs = np.array(edges, dtype=np.int64).reshape(-1, 2)
    connect(groups, pairs[:, 0], pairs[:, 1])
    expected = list(range(31))
    for left, right in edges:
        low, high = sorted((expected[left], expected[right]))
        expected = [low if number == high else number for number in expected]
    assert groups.tolist() == expected
