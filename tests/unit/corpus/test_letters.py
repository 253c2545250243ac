"""Characters counted by sort, against the plain definitions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.letters import DENSE, HAN, count_letters, count_of, count_visible, not_ascii

TEXTS = st.text(st.characters(exclude_categories=()) | st.sampled_from("ab1_ \n\t\x1c　é中の๑ก\u0e35𠀀😀"))


@given(TEXTS)
def test_letters_are_what_the_pattern_for_letters_matches(text: str) -> None:
    assert count_letters(text) == len(re.findall(r"[^\W\d_]", text))


@given(TEXTS)
def test_visible_is_what_is_no_white_space(text: str) -> None:
    assert count_visible(text) == sum(not char.isspace() for char in text)


@given(TEXTS)
def test_what_is_not_ascii_keeps_its_order(text: str) -> None:
    assert not_ascii(text) == "".join(char for char in text if ord(char) > 127)


@pytest.mark.parametrize(("text", "number"), [("", 0), ("Route 66", 0), ("66号公路", 3), ("𠀀々〇", 3)])
def test_characters_of_a_script_are_counted(text: str, number: int) -> None:
    assert count_of(HAN, text) == number


def test_thai_khmer_kana_and_han_have_no_spaces_and_hangul_has() -> None:
    assert [count_of(DENSE, char) for char in "กខ្のカ中가a"] == [1, 1, 1, 1, 1, 1, 0, 0]
