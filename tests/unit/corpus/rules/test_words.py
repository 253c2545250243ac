"""Words and repeated phrases, against the plain definitions."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.letters import DENSE, DENSE_MARKS
from gptmodel.corpus.rules.words import Words

TEXTS = st.text(st.sampled_from("ab1.,  \n\t\x00　，。中文ก\u0e35カé𠀀")) | st.text()


def plain_words(text: str, without_marks: bool) -> list[str]:
    """Split a text with one pattern."""
    marks = DENSE_MARKS if without_marks else ""
    return re.findall(rf"[{DENSE}]|[^\s{DENSE}{marks}]+", text)


def plain_top_ratio(words: list[str], length: int) -> float:
    """Count every phrase."""
    counts = Counter(tuple(words[start : start + length]) for start in range(len(words) - length + 1))
    most = max(counts.values(), default=0)
    longest = max((len("".join(phrase)) for phrase, count in counts.items() if count == most), default=0)
    return most * longest / len("".join(words)) if most > 1 else 0.0


def plain_repeated_ratio(words: list[str], length: int) -> float:
    """Mark the words of every phrase that occurred before."""
    seen, marked = set(), set()
    for start in range(len(words) - length + 1):
        phrase = tuple(words[start : start + length])
        marked |= set(range(start, start + length)) if phrase in seen else set()
        seen.add(phrase)
    return sum(len(words[place]) for place in marked) / len("".join(words)) if words else 0.0


@given(TEXTS)
def test_words_without_scripts_of_their_own_are_what_split_gives(text: str) -> None:
    text = re.sub(f"[{DENSE}]", "", text)
    words = text.split()
    assert len(Words(text)) == len(words)
    assert Words(text).mean_length == (sum(map(len, words)) / len(words) if words else 0)


@given(TEXTS, st.booleans())
def test_words_are_counted_as_by_the_plain_pattern(text: str, without_marks: bool) -> None:
    words, plain = Words(text, without_marks), plain_words(text, without_marks)
    with_letters = sum(bool(re.search(rf"[^\W\d_]|[{DENSE}]", word)) for word in plain)
    assert (len(words), words.num_chars) == (len(plain), len("".join(plain)))
    assert words.letter_ratio == (with_letters / len(plain) if plain else 0)


@given(TEXTS | st.lists(st.sampled_from(["ab", "ba", "c", "中", "a。"]), max_size=60).map(" ".join), st.booleans())
def test_repeated_phrases_are_those_of_the_plain_count(text: str, without_marks: bool) -> None:
    words, plain = Words(text, without_marks), plain_words(text, without_marks)
    for length in (2, 3, 5, 8):
        assert words.top_ratio(length) == plain_top_ratio(plain, length)
        assert words.repeated_ratio(length) == plain_repeated_ratio(plain, length)


@given(st.lists(st.sampled_from(["ab", "ba", "c"]), max_size=80).map(" ".join))
def test_longer_phrases_repeat_less(text: str) -> None:
    ratios = [Words(text).repeated_ratio(length) for length in range(2, 12)]
    assert ratios == sorted(ratios, reverse=True)


@pytest.mark.parametrize(("text", "expected"), [("the cat the cat", 1.0), ("one two three", 0.0), ("", 0.0)])
def test_the_most_frequent_phrase_takes_its_share(text: str, expected: float) -> None:
    assert Words(text).top_ratio(2) == expected
