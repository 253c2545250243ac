"""C4's rules: what they take out, what they drop, and what they leave as it is."""

import pytest

from gptmodel.config import CleaningConfig
from gptmodel.corpus.documents import Document
from gptmodel.corpus.rules import Edit, Rule, c4
from gptmodel.corpus.rules.page import Page


def page(text: str) -> Page:
    return Page(Document("0", "web", "a.html", text))


def drops(rule: Rule, text: str) -> bool:
    return rule.drops(page(text), CleaningConfig(rules="web"))


@pytest.mark.parametrize(("text", "expected"), [("Lorem Ipsum dolor", True), ("Lorem dolor ipsum", False)])
def test_a_page_with_lorem_ipsum_goes(text: str, expected: bool) -> None:
    assert drops(c4.lorem_ipsum, text) is expected


@pytest.mark.parametrize(("text", "expected"), [("if (x) { y }", True), ("(x) [y] ｛z｝", False)])
def test_a_page_with_a_curly_bracket_goes(text: str, expected: bool) -> None:
    assert drops(c4.curly_bracket, text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rains. It snows. It thaws.", False),
        ("It rains. It snows.", True),
        ("下雨了。下雪了。天晴了。", False),
        ("下雨了。下雪了，天晴了。", True),
        ("雨です。雪です。晴れです。", False),
        ("تمطر. هل تثلج؟ لا!", False),
        ("تمطر. هل تثلج؟", True),
        ("ฝนตก หิมะตก", False),
    ],
)
def test_a_page_has_three_sentences(text: str, expected: bool) -> None:
    assert drops(c4.few_sentences, text) is expected


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        (c4.citation_marks, "Rain falls.[1] Snow.[citation needed]\nHistory[edit]", "Rain falls. Snow.\nHistory"),
        (c4.lines_without_end, "Menu\nIt rains.\nRead more...\n“Go!”\nand then,", "It rains.\n“Go!”"),
        (c4.lines_without_end, "目录\n下雨了。\n更多……\n「はい」\n首页，", "下雨了。\n「はい」"),
        (c4.lines_without_end, "القائمة\nهل تمطر؟", "هل تمطر؟"),
        (c4.lines_without_end, "It rains.\n\nMenu\n\nIt snows.", "It rains.\n\n\nIt snows."),
        (c4.lines_of_few_words, "One two three four five.\nOne two three four.", "One two three four five."),
        (c4.lines_of_few_words, "今天下雨了，雨很大。\n下雨了。", "今天下雨了，雨很大。"),
        (c4.lines_of_few_words, "今日は朝から雨が降っています。\n雨です。", "今日は朝から雨が降っています。"),
        (c4.javascript_lines, "Please turn on JavaScript.\nIt rains.", "It rains."),
        (c4.policy_lines, "Read our Privacy Policy.\nIt rains.\nThis site uses cookies.", "It rains."),
    ],
)
def test_an_editing_rule_takes_out_what_it_is_for(rule: Edit, before: str, after: str) -> None:
    assert rule.edit(page(before)) == after


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (c4.citation_marks, "See [a] and [12a] and [edited]."),
        (c4.lines_without_end, "\n  It rains.  \n\n\n\nIt snows!\n"),
        (c4.lines_without_end, "ฝนตก\nหิมะตก"),
        (c4.lines_of_few_words, "\nOne two three four five six\n\n\n\n今天下雨了，雨很大。"),
        (c4.javascript_lines, "Java script and scripts of Java."),
        (c4.policy_lines, "The policy on privacy, cookies we use, the terms we use."),
    ],
)
def test_a_text_with_nothing_to_take_out_is_the_very_text(rule: Edit, text: str) -> None:
    assert rule.edit(page(text)) is text
