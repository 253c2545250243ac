"""Characters put right: mojibake repaired, Unicode in one form, nothing invisible, white space in order.

Every function is pure, text in and text out, and leaves clean text as it is: curly quotes, full-width punctuation,
indentation and emoji stay. Cleaning applies them to every document, planted test phrases included.
"""

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import regex

if TYPE_CHECKING:
    from ftfy import TextFixerConfig

_NEWLINES = re.compile("\r\n?|[\u000b\u000c\u0085\u2028\u2029]")
_TERMINAL_ESCAPES = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")
# C0 without tab and newline, DEL, C1, noncharacters and interlinear marks.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufff9-\ufffb\ufffe\uffff]")
# Zero-width space, word joiner, byte order mark, soft hyphen, direction marks: they split what a finder looks for.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
# Joiners mean something only inside emoji and in scripts whose letters join; elsewhere they hide.
_STRAY_JOINERS = regex.compile(
    r"(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F\p{M}\p{Arabic}\p{Syriac}\p{Mongolian}\p{Devanagari}"
    r"\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}\p{Khmer}"
    r"\p{Myanmar}])[\u200c\u200d]"
)
# The ideographic space U+3000 stays: it opens paragraphs in Chinese.
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f]")
_MANY_BLANK_LINES = re.compile("\n{4,}")

# Every sign of mojibake that ftfy knows holds one of these; text without them (Chinese, English with curly quotes)
# needs no slower look.
_SUSPECT = re.compile(
    "[\u0080-\u009f\u00a2-\u00a8\u00aa\u00ac\u00af-\u00b3\u00b5\u00b6\u00b8-\u00ba\u00bc-\u00be\u00c0-\u1fff"
    "\u2020\u2021\u2030-\u2038\u203b-\u2121\u2123-\u2bff\ufb01\ufb02\ufffd]"
)

_LATIN_1 = re.compile("[\u0080-\u00ff]")
_HAN = re.compile("[\u4e00-\u9fff]")
_FREQUENT_HAN = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经"
    "么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知"
    "這個們來為國說時會對發後裡種過還無與開關現經頭學書長門東車馬風飛見聲雲誰將應從萬歸紅燈"
    "山水风月花春秋夜白青江云声红谁将君何未相清千万归"
)  # fmt: skip
_MIN_HAN = 20
_MIN_HAN_RATIO = 0.8
_MIN_FREQUENT_RATIO = 0.1
_MIN_DISTINCT_FREQUENT = 4


def repair_mojibake(text: str) -> str:
    """Undo a wrong decoding where there is one; text without one comes back as it is.

    UTF-8 read as Latin-1 or Windows-1252 is repaired line by line with ftfy, in a setting that keeps quotes,
    ligatures and full-width characters; GBK read as Latin-1, which ftfy doesn't know, only where the result is Chinese
    beyond doubt.

    Source: ftfy 6.3, https://ftfy.readthedocs.io; `uncurl_quotes` and `fix_character_width` are off because they
    change clean text.

    Example:
        >>> repair_mojibake("l\u00c3\u00a0 o\u00c3\u00b9 il pleut")
        'là où il pleut'
    """
    if text.isascii() or not _SUSPECT.search(text):
        return text
    from ftfy.badness import is_bad

    chinese = _chinese_behind_latin_1(text)
    if chinese is not None:
        return chinese
    if not is_bad(text):
        return text
    return "\n".join(_fix(line) if is_bad(line) else line for line in text.split("\n"))


def _fix(line: str) -> str:
    from ftfy import fix_text

    return fix_text(line, _ftfy_setting())


@lru_cache(maxsize=1)
def _ftfy_setting() -> "TextFixerConfig":
    from ftfy import TextFixerConfig

    return TextFixerConfig(
        uncurl_quotes=False, fix_latin_ligatures=False, fix_character_width=False, unescape_html=False,
        normalization="NFC", explain=False,
    )  # fmt: skip


def _chinese_behind_latin_1(text: str) -> str | None:
    high = len(_LATIN_1.findall(text))
    if high < 2 * _MIN_HAN:
        return None
    try:
        decoded = text.encode("latin-1").decode("gbk")
    except UnicodeError:
        return None
    return decoded if _is_chinese(decoded, high) else None


def _is_chinese(decoded: str, num_high_bytes: int) -> bool:
    """Tell Chinese from other high bytes that happen to be valid GBK, such as a table of accented letters."""
    han = _HAN.findall(decoded)
    frequent = [char for char in han if char in _FREQUENT_HAN]
    return (
        2 * len(han) >= _MIN_HAN_RATIO * num_high_bytes
        and len(frequent) >= _MIN_FREQUENT_RATIO * len(han)
        and len(set(frequent)) >= _MIN_DISTINCT_FREQUENT
    )


def compose(text: str) -> str:
    """Put text into Unicode's composed form NFC, so that equal characters are equal bytes."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def remove_invisible(text: str) -> str:
    """Remove control characters, terminal escapes and zero-width characters; joiners stay where they join.

    Example:
        >>> remove_invisible("138\u200b0013")
        '1380013'
    """
    text = _CONTROLS.sub("", _TERMINAL_ESCAPES.sub("", text))
    return text if text.isascii() else _STRAY_JOINERS.sub("", _INVISIBLE.sub("", text))


def unify_newlines(text: str) -> str:
    r"""Write every kind of line end as `\n`."""
    return _NEWLINES.sub("\n", text)


def tidy_space(text: str) -> str:
    """Write odd spaces as a space, drop those at line ends and more than two blank lines; indentation stays."""
    lines = _SPACES.sub(" ", text).split("\n")
    return _MANY_BLANK_LINES.sub("\n\n\n", "\n".join(line.rstrip(" \t\u3000") for line in lines)).strip("\n")


def put_right(text: str, repair: bool = True) -> str:
    """Apply all of the above in their order.

    Args:
        text: Any text.
        repair: Whether to look for mojibake.
    """
    # NEL is a line end and, as a C1 control, part of mojibake: line ends come after the repair, before the controls.
    text = repair_mojibake(text) if repair else text
    return tidy_space(compose(remove_invisible(unify_newlines(text))))
