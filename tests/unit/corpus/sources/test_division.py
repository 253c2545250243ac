"""Dividing long texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.sources.division import divide

BLANK_FREE = st.text(alphabet="ab\u4e2d \n", max_size=200).filter(lambda text: "\n\n" not in text)


def test_a_short_text_stays_whole() -> None:
    assert list(divide(["ab", "cd"], 10)) == ["abcd"]


@pytest.mark.parametrize("blank", ["\n\n", "\n \t\n", "\n\u3000\n"])
def test_a_long_text_is_cut_at_its_last_blank_line(blank: str) -> None:
    text = "aaaa\nbbbb" + blank + "cccc\ndddd\neeee"
    assert next(divide([text], 18)) == "aaaa\nbbbb" + blank


def test_without_blank_lines_the_cut_is_at_a_line_end() -> None:
    assert list(divide(["aaaa\nbbbb\ncccc\n"], 12)) == ["aaaa\nbbbb\n", "cccc\n"]


def test_without_line_ends_the_cut_is_at_the_limit() -> None:
    assert list(divide(["a" * 25], 10)) == ["a" * 10, "a" * 10, "a" * 5]


def test_a_blank_line_near_the_start_does_not_leave_a_tiny_part() -> None:
    assert next(divide(["a\n\n" + "b" * 50 + "\n" + "c" * 60], 100)) == "a\n\n" + "b" * 50 + "\n"


@pytest.mark.parametrize("text", ["", " ", "\n\n\n" * 50])
def test_a_blank_text_has_no_parts(text: str) -> None:
    assert list(divide([text], 10)) == []


def test_blank_parts_are_left_out() -> None:
    parts = list(divide(["a\n" + "\n" * 40 + "b"], 10))
    assert [part.strip() for part in parts] == ["a", "b"]


@given(BLANK_FREE, st.integers(1, 40))
def test_no_part_is_longer_than_the_limit_and_nothing_but_blanks_is_lost(text: str, limit: int) -> None:
    parts = list(divide([text], limit))
    assert all(0 < len(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(st.lists(st.text(alphabet="ab \n", max_size=20), max_size=12), st.integers(1, 30))
def test_the_pieces_a_text_comes_in_do_not_matter_for_what_is_kept(chunks: list[str], limit: int) -> None:
    pieces, whole = list(divide(chunks, limit)), list(divide(["".join(chunks)], limit))
    assert pieces == whole
