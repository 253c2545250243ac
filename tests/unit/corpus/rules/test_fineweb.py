"""FineWeb's rules, each just inside and just outside its limit."""

import pytest

from gptmodel.config import CleaningConfig
from gptmodel.corpus.documents import Document
from gptmodel.corpus.rules import Rule, fineweb
from gptmodel.corpus.rules.page import Page


def drops(rule: Rule, text: str) -> bool:
    return rule.drops(Page(Document("0", "web", "a.html", text)), CleaningConfig(rules="web"))


@pytest.mark.parametrize("sentence", ["It rains.", "“Why?”", "下雨了。", "雨です。", "هل تمطر؟", "वर्षा हो रही है।"])
def test_twelve_lines_in_a_hundred_end_as_sentences_do(sentence: str) -> None:
    title = sentence.rstrip(".”?。؟।")
    texts = ["\n".join([sentence] * number + [title] * (100 - number)) for number in (12, 11)]
    assert [drops(fineweb.few_line_ends, text) for text in texts] == [False, True]


def test_thai_whose_sentences_have_no_mark_is_not_judged_by_marks() -> None:
    assert not drops(fineweb.few_line_ends, "ฝนตก\n" * 100)


@pytest.mark.parametrize(("num_others", "expected"), [(8, False), (7, True)])
def test_a_tenth_of_the_characters_in_lines_that_occurred_before_is_the_most(num_others: int, expected: bool) -> None:
    lines = ["0123456789", *(f"line {number:5}" for number in range(num_others)), "0123456789"]
    assert drops(fineweb.duplicate_characters, "\n\n".join(lines)) is expected


@pytest.mark.parametrize(
    ("short", "long"),
    [("x" * 30, "x" * 31), ("山" * 9, "山" * 10), ("カ" * 13, "カ" * 14), ("가" * 12, "가" * 13), ("ص" * 30, "ص" * 31)],
)
def test_two_lines_in_three_are_short_at_most(short: str, long: str) -> None:
    texts = ["\n".join([short] * number + [long] * (100 - number)) for number in (67, 68)]
    assert [drops(fineweb.short_lines, text) for text in texts] == [False, True]
