"""Characters put right: what is repaired, and above all what stays as it is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.characters import put_right, remove_invisible, repair_mojibake, tidy_space, unify_newlines

CHINESE = "\n".join(
    (
        "我们的团队在这个月完成了三个项目，其中最大的一个是为学校建立新的图书馆。",
        "大家都说这里的书很多，来的人也很多，以后还会有更多的活动。",
    )
)
CLEAN = [
    "“Curly quotes” and ‘single ones’ — with an em dash…",
    "全角逗号，句号。问号？（括号）：分号；１２３ＡＢＣ",
    "　　段落开头有全角空格。",
    "def f(x):\n    if x:\n\treturn 1\n\n\ndef g(): ...",
    "family 👨‍👩‍👧 and a flag 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "می‌خواهم",
    "क्‍ष",
    "Le cœur a ses raisons; à Noël, où êtes-vous? Straße, naïve, ﬁnance, 5 °C, ½ £, © ® ™",
    "Привет, мир! Γειά σου Κόσμε",
    "&lt;b&gt; &amp; 25 &#37;",
    "┌──┐ │ab│ └──┘",
]


@pytest.mark.parametrize("text", CLEAN)
def test_clean_text_stays_as_it_is(text: str) -> None:
    assert put_right(text) == text


@pytest.mark.parametrize("wrong", ["latin-1", "cp1252"])
@pytest.mark.parametrize("text", ["là où il pleut", "Größe und Übung: fünf Äpfel", "she said “don’t”"])
def test_utf8_read_as_a_western_encoding_is_repaired(text: str, wrong: str) -> None:
    try:
        broken = text.encode().decode(wrong)
    except UnicodeDecodeError:
        pytest.skip("has bytes that this encoding lacks")
    assert repair_mojibake(broken) == text


def test_utf8_read_wrongly_twice_is_repaired() -> None:
    assert repair_mojibake("là où il pleut".encode().decode("latin-1").encode().decode("latin-1")) == "là où il pleut"


def test_chinese_utf8_read_as_latin_1_is_repaired() -> None:
    assert put_right(CHINESE.encode().decode("latin-1")) == CHINESE


def test_gbk_read_as_latin_1_is_repaired() -> None:
    assert put_right(CHINESE.encode("gbk").decode("latin-1")) == CHINESE


def test_a_table_of_accented_letters_is_not_taken_for_chinese() -> None:
    table = "".join(map(chr, range(0xC0, 0x100))) * 3
    assert not any("\u4e00" <= char <= "\u9fff" for char in repair_mojibake(table))


def test_only_lines_with_mojibake_are_repaired() -> None:
    assert repair_mojibake("“kept” ﬁnance\nlÃ\u00a0 oÃ¹ il pleut") == "“kept” ﬁnance\nlà où il pleut"


def test_mojibake_stays_when_repair_is_off() -> None:
    assert put_right("cafÃ©", repair=False) == "cafÃ©"


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\x00", "\x1b"]
)
def test_invisible_characters_inside_a_number_are_removed(hidden: str) -> None:
    assert remove_invisible(f"138{hidden}0013{hidden}8000") == "13800138000"


def test_a_joiner_between_chinese_characters_is_removed() -> None:
    assert remove_invisible("张\u200d三") == "张三"


def test_terminal_colours_are_removed() -> None:
    assert remove_invisible("\x1b[1;31mred\x1b[0m") == "red"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_every_line_end_becomes_a_newline(end: str) -> None:
    assert unify_newlines(f"a{end}b") == "a\nb"


def test_odd_spaces_become_spaces_and_trailing_ones_go() -> None:
    assert tidy_space("\n a\u00a0b\u2009c \t\u3000\n\n\n\n\n\nd ") == " a b c\n\n\nd"


def test_text_is_composed() -> None:
    assert put_right("e\u0301") == "é"


@given(st.text())
def test_the_result_is_in_order_whatever_comes(text: str) -> None:
    result = put_right(text)
    assert unicodedata.is_normalized("NFC", result)
    assert not any(char in result for char in "\r\x00\x1b\u200b\ufeff\u2028\x85")
    assert all(line == line.rstrip(" \t") for line in result.split("\n"))


@given(st.text())
def test_putting_right_without_repair_twice_changes_nothing_more(text: str) -> None:
    once = put_right(text, repair=False)
    assert put_right(once, repair=False) == once
