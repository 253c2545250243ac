from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.account import DocumentAccount
from gptmodel.corpus.distribution import bin_of, bin_start, distribution_of


def account(status: str, lang: str, num_bytes: int, **more: Any) -> DocumentAccount:
    return DocumentAccount("a" * 32, "notes", "a.txt", status, "split", lang=lang, num_bytes=num_bytes, **more)  # type: ignore[arg-type]


def test_documents_are_counted_by_split_language_and_length() -> None:
    found = distribution_of([account("train", "en", 100), account("train", "en", 127), account("test", "zh", 1000)])
    assert found.by_language() == {"en": 2, "zh": 1}
    assert found.languages["train", "en"] == 2
    assert found.lengths_of(split="train") == {6: 2}
    assert found.lengths_of(lang="zh") == found.lengths_of(split="test", lang="zh") == {9: 1}


def test_what_is_out_and_what_is_planted_is_not_counted() -> None:
    out = [account(status, "en", 10) for status in ("dropped", "quarantined", "kept")]
    found = distribution_of([*out, account("train", "en", 10, is_planted=True)])
    assert not found.by_language()


@given(st.integers(1, 10**9))
def test_a_length_lies_in_its_bin(num_bytes: int) -> None:
    assert bin_start(bin_of(num_bytes)) <= num_bytes < bin_start(bin_of(num_bytes) + 1)
