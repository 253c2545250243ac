"""Counting how often a key came before."""

from collections import Counter
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.sources.occurrences import Occurrences


@given(st.lists(st.integers(0, 40), max_size=300))
def test_each_key_is_counted_from_zero(keys: list[int]) -> None:
    seen, expected = Occurrences(), Counter[int]()
    for key in keys:
        assert seen.count(sha256(str(key).encode()).digest()) == expected[key]
        expected[key] += 1


def test_many_keys_are_kept_apart_as_the_table_grows() -> None:
    seen, digests = Occurrences(), [sha256(str(key).encode()).digest() for key in range(5000)]
    assert [seen.count(digest) for digest in digests] == [0] * 5000
    assert [seen.count(digest) for digest in digests] == [1] * 5000


def test_a_digest_of_zeros_is_a_key_like_others() -> None:
    seen = Occurrences()
    assert [seen.count(bytes(32)) for _ in range(3)] == [0, 1, 2]
