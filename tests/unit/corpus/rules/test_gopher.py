"""Gopher's rules, each just inside and just outside its limit, in English and in scripts with measures of their own."""

from itertools import islice, product

import pytest

from gptmodel.config import CleaningConfig
from gptmodel.corpus.documents import Document
from gptmodel.corpus.rules import Rule, gopher
from gptmodel.corpus.rules.page import Page


def drops(rule: Rule, text: str, lang: str = "en") -> bool:
    return rule.drops(Page(Document("0", "web", "a.html", text, lang)), CleaningConfig(rules="web"))


def words(number: int, letters: str = "abcdefghij") -> list[str]:
    """Give so many different words of four letters."""
    return ["".join(word) for word in islice(product(letters, repeat=4), number)]


def han(number: int) -> str:
    """Give so many different Chinese characters."""
    return "".join(map(chr, range(0x4E00, 0x4E00 + number)))


def kana(number: int) -> str:
    return "カナ" * (number // 2) + "ノ" * (number % 2)


@pytest.mark.parametrize(
    ("enough", "short"),
    [
        (" ".join(words(50)), " ".join(words(49))),
        (" ".join(words(50, "ابتثجح")), " ".join(words(49, "ابتثجح"))),
        (han(75), han(74)),
        (kana(113), kana(112)),
        (han(15) + " " + " ".join(words(40)), han(14) + " " + " ".join(words(40))),
    ],
)
def test_fifty_words_are_enough_in_the_measure_of_the_script(enough: str, short: str) -> None:
    assert [drops(gopher.few_words, text) for text in (enough, short)] == [False, True]


@pytest.mark.parametrize(("most", "more"), [("a " * 100_000, "a " * 100_001), ("山" * 150_000, "山" * 150_001)])
def test_a_hundred_thousand_words_are_the_most(most: str, more: str) -> None:
    assert [drops(gopher.many_words, text) for text in (most, more)] == [False, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc def", False),
        ("abc de", True),
        ("abcdefghij klmnopqrst", False),
        ("abcdefghij klmnopqrstu", True),
        ("나는 학교에 간다", False),
        ("나 그 가", True),
        ("가나다라마바사 아자차카타파하", True),
        ("这个句子没有空格也没有词", False),
        ("これは空白のない日本語の長い文です", False),
        ("كتب الولد رسالة", False),
    ],
)
def test_words_are_three_to_ten_characters_long_on_average(text: str, expected: bool) -> None:
    assert drops(gopher.word_length, text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# " + " ".join(words(9)), False),
        ("# #" + " ".join(words(9)), True),
        ("wait... " + " ".join(words(9)), False),
        ("wait... … " + " ".join(words(9)), True),
        (han(15) + "…", False),
        (han(15) + "……", True),
    ],
)
def test_one_symbol_of_a_kind_for_ten_words_is_the_most(text: str, expected: bool) -> None:
    assert drops(gopher.many_symbols, text) is expected


@pytest.mark.parametrize("bullet", ["- ", "• ", "* ", "・"])
def test_nine_bullets_in_ten_lines_are_the_most(bullet: str) -> None:
    texts = [f"\n{bullet}point" * number + "\nline" * (10 - number) for number in (9, 10)]
    assert [drops(gopher.bullet_lines, text) for text in texts] == [False, True]


@pytest.mark.parametrize("end", ["...", "…", "……"])
def test_three_ellipses_in_ten_lines_are_the_most(end: str) -> None:
    texts = [f"\nread more{end}" * number + "\nline" * (10 - number) for number in (3, 4)]
    assert [drops(gopher.ellipsis_lines, text) for text in texts] == [False, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two three four 5", False),
        ("one two three 4 5", True),
        ("一二三四 5", False),
        ("一二三 4 5", True),
        ("一二三四，。！", False),
        ("ที่นี่", False),
    ],
)
def test_four_words_in_five_hold_a_letter(text: str, expected: bool) -> None:
    assert drops(gopher.few_words_of_letters, text) is expected


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("The end of days", "en", False),
        ("The end in days", "en", True),
        ("我的书", "zh", False),
        ("红色书包", "zh", True),
        ("猫が庭で寝る", "ja", False),
        ("البيت في المدينة من الحجر", "ar", False),
        ("the end in days", "eo", False),
        ("the end in days", "und", False),
    ],
)
def test_two_stop_words_are_asked_of_a_language_with_a_list(text: str, lang: str, expected: bool) -> None:
    assert drops(gopher.few_stop_words, text, lang) is expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a", "a", "a", "a", *words(6)], False),
        (["a", "a", "a", "a", "a", *words(6)], True),
        ([*words(6), "wxyzwxyz", "wxyzwxyz"], False),
        ([*words(5), "wxyzwxyz", "wxyzwxyz"], True),
        (["春眠", "春眠", "不觉晓", "处处闻啼鸟", "夜来风雨声", "花落知多少"], False),
    ],
)
def test_lines_and_paragraphs_that_occurred_before_are_held_against_both_limits(
    lines: list[str], expected: bool
) -> None:
    assert drops(gopher.duplicate_lines, "\n".join(lines)) is expected
    assert drops(gopher.duplicate_paragraphs, "\n\n".join(lines)) is expected
    assert drops(gopher.duplicate_paragraphs, "\n".join(lines)) is False


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([f"{' '.join(words(40)[start : start + 8])} wxyz wxyy" for start in range(0, 40, 8)], False),
        ([f"{' '.join(words(40)[start : start + 7])} wxyz wxyy" for start in range(0, 35, 7)], True),
        (["wxyz wxyy", *words(3)], False),
        ([f"{han(60)[start : start + 12]}你好吗" for start in range(0, 60, 12)], False),
        ([f"{han(60)[start : start + 11]}你好吗" for start in range(0, 55, 11)], True),
    ],
)
def test_the_most_frequent_phrase_takes_a_fifth_at_most(texts: list[str], expected: bool) -> None:
    assert drops(gopher.frequent_phrase, " ".join(texts)) is expected


@pytest.mark.parametrize(
    ("num_others", "length", "expected"),
    [(90, 5, False), (25, 5, False), (22, 5, True), (80, 10, False), (79, 10, True), (10_000 - 20, 9, False)],
)
def test_phrases_that_occurred_before_are_held_against_the_limit_of_their_length(
    num_others: int, length: int, expected: bool
) -> None:
    phrase = words(length, "uvwxyz")
    assert drops(gopher.repeated_phrases, " ".join([*phrase, *words(num_others), *phrase])) is expected


def test_a_repeated_phrase_of_chinese_is_half_as_long_again() -> None:
    others = han(30)
    texts = [f"{phrase}{others}{phrase}" for phrase in ("中国人民银行总", "中国人民银行总部")]
    assert [drops(gopher.repeated_phrases, text) for text in texts] == [False, True]
