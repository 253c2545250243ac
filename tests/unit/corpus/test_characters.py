"""Characters put right: what is repaired, and above all what stays as it is."""

import re
import unicodedata

import ftfy
import pytest
import regex
from ftfy.badness import MOJIBAKE_CATEGORIES, is_bad
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.characters import put_right, repair_mojibake, tidy_lines, unify

CHINESE = "\n".join(
    (
        "我们的团队在这个月完成了三个项目，其中最大的一个是为学校建立新的图书馆。",
        "大家都说这里的书很多，来的人也很多，以后还会有更多的活动。",
    )
)
RUSSIAN = "Первый компонент возвращает разметку, а второй содержит методы, которые поддерживаются только браузером."
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


@pytest.mark.parametrize("western", ["latin-1", "sloppy-windows-1252"])
@pytest.mark.parametrize(
    ("text", "encoding"), [(CHINESE, "gbk"), (f"{CHINESE}😢", "gb18030"), (RUSSIAN, "cp1251"), (RUSSIAN, "koi8-r")]
)
def test_chinese_and_russian_read_as_a_western_encoding_are_repaired(text: str, encoding: str, western: str) -> None:
    assert put_right(text.encode(encoding).decode(western)) == text


@pytest.mark.parametrize(
    "text",
    [
        "".join(map(chr, range(0xC0, 0x100))) * 3,
        "På søndag må vi gå på en lang tur, så får vi se på båten på sjøen. Åå, så vått! " * 5,
        "Así empezó la canción del año: él pidió más café, y según José todavía está aquí. " * 5,
    ],
)
def test_accented_letters_are_not_taken_for_chinese_or_russian(text: str) -> None:
    assert not re.search("[\u0400-\u04ff\u4e00-\u9fff]", repair_mojibake(text))


def test_only_lines_with_mojibake_are_repaired() -> None:
    assert repair_mojibake("“kept” ﬁnance\nlÃ\u00a0 oÃ¹ il pleut") == "“kept” ﬁnance\nlà où il pleut"


def test_mojibake_stays_when_repair_is_off() -> None:
    assert put_right("cafÃ©", repair=False) == "cafÃ©"


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\x00", "\x1b"]
)
def test_invisible_characters_inside_a_number_are_removed(hidden: str) -> None:
    assert unify(f"138{hidden}0013{hidden}8000") == "13800138000"


def test_a_joiner_between_chinese_characters_is_removed() -> None:
    assert unify("张\u200d三") == "张三"


def test_terminal_colours_are_removed() -> None:
    assert unify("\x1b[1;31mred\x1b[0m") == "red"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_every_line_end_becomes_a_newline(end: str) -> None:
    assert unify(f"a{end}b") == "a\nb"


def test_odd_spaces_become_spaces() -> None:
    assert unify("a\u00a0b\u2009c\td\u3000e") == "a b c\td\u3000e"


def test_space_at_line_ends_and_many_blank_lines_go() -> None:
    assert tidy_lines("\n a b \t\u3000\n\n\n\n\n\nc ") == " a b\n\n\nc"


@pytest.mark.parametrize("text", [*CLEAN, CHINESE, RUSSIAN, "a\n\n\nb\n  c"])
def test_text_in_order_is_the_very_text(text: str) -> None:
    assert put_right(text) is text


def test_text_is_composed() -> None:
    assert put_right("e\u0301") == "é"


ODD = "\r\n\x0b\x0c\x85\u2028\u00a0\u2003\u3000\t \x00\x1b[3mA\u200b\u2060\ufeff\u00ad\u200c\u200d\u202eé\u0301क्म中👨"
ANY_TEXT = st.text() | st.text(st.sampled_from(ODD))


def plainly_put_right(text: str) -> str:
    """Put right without mojibake as one substitution after the other, each over the whole text."""
    joining = r"\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F\p{M}" + "".join(
        rf"\p{{{script}}}"
        for script in "Arabic Syriac Mongolian Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada "
        "Malayalam Sinhala Khmer Myanmar".split()
    )
    text = re.sub("\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", text)
    text = re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", text)
    text = re.sub("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufff9-\ufffb\ufffe\uffff]", "", text)
    text = re.sub("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]", "", text)
    text = regex.sub(rf"(?<![{joining}])[\u200c\u200d]", "", text)
    text = unicodedata.normalize("NFC", text)
    text = re.sub("[\u00a0\u1680\u2000-\u200a\u202f\u205f]", " ", text)
    text = "\n".join(line.rstrip(" \t\u3000") for line in text.split("\n"))
    return re.sub("\n{4,}", "\n\n\n", text).strip("\n")


@given(ANY_TEXT)
def test_putting_right_is_the_plain_substitutions(text: str) -> None:
    assert put_right(text, repair=False) == plainly_put_right(text)


def plainly_repaired(line: str) -> str:
    setting = ftfy.TextFixerConfig(
        uncurl_quotes=False, fix_latin_ligatures=False, fix_character_width=False, unescape_html=False,
        normalization="NFC", explain=False,
    )  # fmt: skip
    return ftfy.fix_text(line, setting) if is_bad(line) else line


# Every character of ftfy's categories, the ends of ranges among them, and what its patterns name besides.
SIGNS = "".join(MOJIBAKE_CATEGORIES.values()) + "\x85\x9d ÂÃÎÐØÙŒœ°µ√≈‚ÄвЂГўВβ€āΒΞСРàabZ .中"


@given(st.text(st.sampled_from(SIGNS), max_size=12))
def test_repair_asks_ftfy_about_every_line_that_may_be_bad(line: str) -> None:
    assert repair_mojibake(line) == plainly_repaired(line)


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
