"""Counting words within a bound: exact below it, and beyond it the same sample whatever the order."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import TokenizerConfig
from gptmodel.tokenizer import learn, learning
from gptmodel.tokenizer.words import WordCounter

WORDS = [f"{'w' * (n % 9)}{n}" for n in range(200)]
texts = st.lists(st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join), max_size=12)


def counted(some: list[str], max_bytes: int) -> Counter[str]:
    counter = WordCounter(str.split, max_bytes)
    for text in some:
        counter.add(text)
    return Counter(counter.repeated())


@given(texts)
def test_below_the_bound_all_words_are_counted(some: list[str]) -> None:
    assert counted(some, 10_000) == Counter(" ".join(some).split())


@given(texts, st.randoms(), st.integers(20, 700))
def test_which_words_stay_does_not_depend_on_the_order(some: list[str], random: object, bound: int) -> None:
    other = [*some]
    random.shuffle(other)  # type: ignore[attr-defined]
    assert counted(some, bound) == counted(other, bound)


@given(texts, st.integers(20, 700))
def test_words_that_stay_keep_all_their_occurrences_within_the_bound(some: list[str], bound: int) -> None:
    kept, all_words = counted(some, bound), Counter(" ".join(some).split())
    assert all(all_words[word] == count for word, count in kept.items())
    assert sum(len(word) for word in kept) <= bound


def test_counted_words_give_the_same_vocabulary_as_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [f"The list number {n} isn't 使用Python模块 的列表。  x!\n\n Привет, 〇汉 {n}.\n" for n in range(40)]
    config = TokenizerConfig(vocab_size=420)
    plain = learn(some, config, ["<EMAIL>"])
    monkeypatch.setattr(learning, "MAX_WORD_BYTES", 3000)
    by_words = learn(some, config, ["<EMAIL>"], num_bytes=3001)
    assert plain.vocab_size == by_words.vocab_size
    numbers = range(plain.vocab_size)
    assert [plain.decode_bytes([n]) for n in numbers] == [by_words.decode_bytes([n]) for n in numbers]
