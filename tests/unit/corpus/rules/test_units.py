"""What a word, a line end and a sentence are in the scripts of the world."""

import pytest

from gptmodel.corpus.rules.units import (
    HAN,
    HANGUL,
    KANA,
    KHMER,
    SPACED,
    THAI,
    Family,
    ends_with_mark,
    family_of,
    has_sentences,
    has_words,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("An English sentence.", SPACED),
        ("Русское предложение.", SPACED),
        ("جملة عربية.", SPACED),
        ("一个中文句子。", HAN),
        ("日本語の文です。", KANA),
        ("カタカナ", KANA),
        ("한국어 문장입니다.", HANGUL),
        ("ประโยคภาษาไทย", THAI),
        ("ប្រយោគខ្មែរ", KHMER),
        ("", SPACED),
        ("const [state, setState] = useState(0); // 声明一个名为计数的状态变量并且设为零", HAN),
        ("The character 中 means middle.", SPACED),
    ],
)
def test_the_family_is_that_of_the_script_that_says_most(text: str, family: Family) -> None:
    assert family_of(text) is family


@pytest.mark.parametrize("line", ["Yes.", "No!", "Why?", "“Go.”", "»Geh.«", "是。", "「はい」", "نعم؟", "हाँ।", "បាទ។"])
def test_a_line_ends_with_the_marks_of_its_script(line: str) -> None:
    assert ends_with_mark(line)


@pytest.mark.parametrize("line", ["", "Contents", "and then,", "目录", "说：", "x = 1;", "……"])
def test_a_line_without_mark_does_not_end(line: str) -> None:
    assert not ends_with_mark(line)


@pytest.mark.parametrize(
    ("line", "family", "expected"),
    [
        ("one two three four five", SPACED, True),
        ("one two three four", SPACED, False),
        ("床前明月光疑是地", HAN, True),
        ("床前明月光，疑是", HAN, False),
        ("用 Vue 的 API 写 app", HAN, True),
        ("これはとても長い文章です", KANA, True),
        ("これは長い文です", KANA, False),
    ],
)
def test_five_words_of_a_line_are_counted_in_the_measure_of_its_script(
    line: str, family: Family, expected: bool
) -> None:
    assert has_words(line, family, 5) is expected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("It is 3.5 m. Really? (Yes.) ", 3),
        ("See www.example.org/a.b today", 0),
        ("他来了。她走了！你呢？", 3),
        ("ذهب. هل عاد؟ لا.", 3),
        ("वह गया। वह आया।", 2),
        ('"Go," he said. "Now!"', 2),
    ],
)
def test_sentences_are_counted_by_their_ends(text: str, number: int) -> None:
    assert has_sentences(text, number)
    assert not has_sentences(text, number + 1)
