"""Words, and hashes that depend on the characters alone."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.dedup.stretches import Block, blocks, runs

TEXTS = st.lists(st.text(max_size=30), min_size=1, max_size=6)


def words(text: str) -> list[str]:
    block = Block([text])
    return [text[start:end] for start, end in zip(*block.words(), strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One, two-three!", ["One", "two", "three"]),
        ("snake_case x2", ["snake_case", "x2"]),
        ("今天 go 学校", ["今", "天", "go", "学", "校"]),
        ("naïve Ελλάδα", ["naïve", "Ελλάδα"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("...", []),
        ("", []),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text(st.characters(codec="ascii"), max_size=200))
def test_words_of_plain_text_are_runs_of_letters_and_digits(text: str) -> None:
    assert words(text) == re.findall(r"\w+", text, re.ASCII)


@given(TEXTS)
def test_each_word_knows_its_text(texts: list[str]) -> None:
    block = Block(texts)
    first, end = block.words()
    found = [
        (int(text), block.codes[a:b].tolist()) for text, a, b in zip(block.text_of(first), first, end, strict=True)
    ]
    assert found == [(number, [ord(c) for c in word]) for number, text in enumerate(texts) for word in words(text)]


@given(st.text(max_size=20), st.text(max_size=50), st.text(max_size=50))
def test_a_stretch_has_the_same_hash_wherever_it_stands(stretch: str, before: str, after: str) -> None:
    alone, inside = Block([stretch]), Block([before + stretch + after])
    start = np.array([len(before)])
    assert inside.hashes(start, start + len(stretch)) == alone.hashes(np.array([0]), np.array([len(stretch)]))


@given(st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=30, unique=True))
def test_different_stretches_have_different_hashes(texts: list[str]) -> None:
    block = Block(texts)
    assert len(set(block.hashes(block.starts[:-1], block.starts[1:] - 1).tolist())) == len(texts)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20), st.integers(1, 6))
def test_a_run_depends_on_its_members_alone(values: list[int], length: int) -> None:
    hashes = np.array(values, dtype=np.uint64)
    expected = [runs(hashes[at : at + length], length)[0] for at in range(len(values) - length + 1)]
    assert runs(hashes, length).tolist() == expected


@given(TEXTS)
def test_blocks_hold_all_texts_in_order(texts: list[str]) -> None:
    found = [code for block in blocks(texts) for code in block.codes.tolist()]
    assert found == [ord(char) for text in texts for char in f"{text}\n"]


def test_a_text_longer_than_a_block_is_one_by_itself() -> None:
    sizes = [len(block.starts) - 1 for block in blocks(["a", "b" * 300_000, "c", "d"])]
    assert sizes == [1, 1, 2]
