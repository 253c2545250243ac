"""Characters put right: mojibake repaired, Unicode in one form, nothing invisible, white space in order.

Every function is pure, text in and text out, and leaves clean text as it is: curly quotes, full-width punctuation,
indentation and emoji stay. Cleaning applies them to every document, planted test phrases included.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import regex

from gptmodel.corpus.letters import count_of, not_ascii

if TYPE_CHECKING:
    from ftfy import TextFixerConfig

# What stands for another character, or for none: line ends; spaces but the ideographic one, which opens paragraphs in
# Chinese; C0 without tab and newline, DEL, C1, noncharacters, interlinear marks; zero-width space, word joiner, byte
# order mark, soft hyphen and direction marks, which split what a finder looks for.
_LINE_ENDS = "\r\u000b\u000c\u0085\u2028\u2029"
_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f"
_UNSEEN = (
    "\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufff9-\ufffb\ufffe\uffff"
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
)
_JOINERS = "\u200c\u200d"
_ODD = re.compile(f"[{_LINE_ENDS}{_SPACES}{_UNSEEN}{_JOINERS}]")
_LINE_END, _SPACE = re.compile(f"[{_LINE_ENDS}]"), re.compile(f"[{_SPACES}]")
# ASCII that is never odd: taken out of the bytes in one pass, so that only the rest is looked at.
_PLAIN = bytes(code for code in range(128) if not _ODD.match(chr(code)))

_TERMINAL_ESCAPES = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")
# Joiners mean something only inside emoji and in scripts whose letters join; elsewhere they hide.
_STRAY_JOINERS = regex.compile(
    r"(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F\p{M}\p{Arabic}\p{Syriac}\p{Mongolian}\p{Devanagari}"
    r"\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}\p{Khmer}"
    r"\p{Myanmar}])[\u200c\u200d]"
)
_LINE_END_SPACES = " \t\u3000"
_MANY_BLANK_LINES = re.compile("\n{4,}")

# Every sign of mojibake that ftfy knows holds a character of the first pattern or a match of the second; English with
# curly quotes, Chinese and Russian hold neither.
_SUSPECT = re.compile(
    "[\u0080-\u009f\u00a2-\u00a8\u00aa\u00ac\u00af-\u00b3\u00b5\u00b6\u00b8-\u00ba\u00bc-\u00be\u00c0-\u024f"
    "\u02c6-\u02dd\u0402\u0490\u0491\u2020\u2021\u2030-\u2038\u2044\u20a7\u20ac\u2116\u2202-\u22ff\u2310\u2502-\u2593"
    "\u25ca\ufb01\ufb02\ufffd]"
)
_QUOTED_CAPITALS = re.compile("[ВГРСΒΓΞΟ][«»‘“”„‚‹›•®©™¡¿΄΅˝\uf8ff][ВГРСΒΓΞΟ]")
# ... and two characters beyond ASCII side by side, or one of those that need no other. The common ones (no-break
# space, dashes, apostrophe, ellipsis) count only beside the latter.
_CLOSE = re.compile("[^\x00-\x7f\u00a0\u00ad\u00b4\u00b7\u2013-\u2015\u2019\u2026]{2}|[\u0080-\u009fŒœÂÃÎÐØÙ√]")

_HIGH_BYTES = bytes(range(0x80, 0x100))
# Bytes of other languages come in runs, and mostly as what a western encoding has for letters.
_WESTERN_LETTERS = "\u00c0-\u00ff"
_MIN_WESTERN_RATIO = 0.3
_FOREIGN_WORD = re.compile("[^\x00-\x7f]{4}")
_READ_AS = ("latin-1", "sloppy-windows-1252")
_MIN_LETTERS = 20
_HAN = re.compile("[\u4e00-\u9fff]")
_FREQUENT_HAN = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经"
    "么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知"
    "這個們來為國說時會對發後裡種過還無與開關現經頭學書長門東車馬風飛見聲雲誰將應從萬歸紅燈"
    "山水风月花春秋夜白青江云声红谁将君何未相清千万归"
)  # fmt: skip
_MIN_HAN_RATIO = 0.8
_MIN_FREQUENT_HAN_RATIO = 0.1
_MIN_DISTINCT_HAN = 4
# Accented letters hardly ever stand three in a row; Russian ones do.
_CYRILLIC_RUN = re.compile("[А-Яа-яЁё]{3,}")
_FREQUENT_CYRILLIC = frozenset("оеаинтсрвлкмдпу")
_MIN_CYRILLIC_RATIO = 0.7
_MIN_FREQUENT_CYRILLIC_RATIO = 0.6
_MIN_DISTINCT_CYRILLIC = 8


def repair_mojibake(text: str) -> str:
    """Undo a wrong decoding where there is one; text without one comes back as it is.

    UTF-8 read as Latin-1 or Windows-1252 is repaired line by line with ftfy, in a setting that keeps quotes,
    ligatures and full-width characters; GB18030, Windows-1251 and KOI8-R read so, which ftfy doesn't know, as a whole
    and only where the result is Chinese or Russian beyond doubt.

    Source: ftfy 6.3, https://ftfy.readthedocs.io; `uncurl_quotes` and `fix_character_width` are off because they
    change clean text.

    Example:
        >>> repair_mojibake("l\u00c3\u00a0 o\u00c3\u00b9 il pleut")
        'là où il pleut'
    """
    other = not_ascii(text)
    if not _is_suspect(other):
        return text
    if count_of(_WESTERN_LETTERS, other) >= _MIN_WESTERN_RATIO * len(other) and _FOREIGN_WORD.search(text):
        behind = _behind_western(text)
        if behind is not None:
            return behind
    lines = text.split("\n")
    return "\n".join([line if line.isascii() or not _is_mojibake(line) else _fix(line) for line in lines])


def _is_mojibake(line: str) -> bool:
    from ftfy.badness import is_bad

    # ftfy's look takes 80 ns a character; the ones before it spare it most lines.
    return _is_suspect(not_ascii(line)) and bool(_CLOSE.search(line)) and is_bad(line)


def _is_suspect(text: str) -> bool:
    return bool(_SUSPECT.search(text) or _QUOTED_CAPITALS.search(text))


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


def _behind_western(text: str) -> str | None:
    """Give the Chinese or Russian whose bytes were read as a western encoding; None where there is none for certain."""
    import ftfy.bad_codecs  # noqa: F401  # it registers the sloppy codec

    for western in _READ_AS:
        try:
            data = text.encode(western)
        except UnicodeError:
            continue
        num_high = len(data) - len(data.translate(None, _HIGH_BYTES))
        for encoding, is_language in _LANGUAGES_BEHIND:
            try:
                decoded = data.decode(encoding)
            except UnicodeError:
                continue
            if is_language(decoded, num_high):
                return decoded
    return None


def _is_chinese(decoded: str, num_high: int) -> bool:
    """Tell Chinese from other high bytes that happen to be valid GB18030, such as a table of accented letters."""
    han = _HAN.findall(decoded)
    frequent = [char for char in han if char in _FREQUENT_HAN]
    return (
        len(han) >= max(_MIN_LETTERS, _MIN_HAN_RATIO * num_high / 2)
        and len(frequent) >= _MIN_FREQUENT_HAN_RATIO * len(han)
        and len(set(frequent)) >= _MIN_DISTINCT_HAN
    )


def _is_russian(decoded: str, num_high: int) -> bool:
    """Tell Russian from the accented letters of other languages."""
    letters = "".join(_CYRILLIC_RUN.findall(decoded))
    frequent = [char for char in letters if char in _FREQUENT_CYRILLIC]
    return (
        len(letters) >= max(_MIN_LETTERS, _MIN_CYRILLIC_RATIO * num_high)
        and len(frequent) >= _MIN_FREQUENT_CYRILLIC_RATIO * len(letters)
        and len(set(frequent)) >= _MIN_DISTINCT_CYRILLIC
    )


_LANGUAGES_BEHIND: tuple[tuple[str, Callable[[str, int], bool]], ...] = (
    ("gb18030", _is_chinese), ("cp1251", _is_russian), ("koi8-r", _is_russian),
)  # fmt: skip


def compose(text: str) -> str:
    """Put text into Unicode's composed form NFC, so that equal characters are equal bytes."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def unify(text: str) -> str:
    r"""Write every kind of line end as `\n` and every kind of space as a space, and remove what can't be seen.

    Unseen are control characters, terminal escapes and zero-width characters; joiners stay where they join. Tabs and
    the ideographic space stay.

    Example:
        >>> unify("138\u200b0013\r\n")
        '1380013\n'
    """
    odd = _odd_characters(text)
    if "\r" in odd:
        text = text.replace("\r\n", "\n")
    if "\x1b" in odd:
        text = _TERMINAL_ESCAPES.sub("", text)
    for char in odd - {*_JOINERS}:
        text = text.replace(char, "\n" if _LINE_END.match(char) else " " if _SPACE.match(char) else "")
    return text if odd.isdisjoint(_JOINERS) else _STRAY_JOINERS.sub("", text)


def _odd_characters(text: str) -> set[str]:
    rest = text.encode("utf-8", "surrogatepass").translate(None, _PLAIN)
    return set(_ODD.findall(rest.decode("utf-8", "surrogatepass")))


def tidy_lines(text: str) -> str:
    """Remove white space at line ends, more than two blank lines, and those around the text; indentation stays."""
    lines = text.split("\n")
    stripped = [line.rstrip(_LINE_END_SPACES) for line in lines]
    return tidy_blank_lines(text if stripped == lines else "\n".join(stripped))


def tidy_blank_lines(text: str) -> str:
    """Remove more than two empty lines in a row, and those around the text."""
    if "\n\n\n\n" in text:
        text = _MANY_BLANK_LINES.sub("\n\n\n", text)
    return text.strip("\n")


def put_right(text: str, repair: bool = True) -> str:
    """Apply all of the above in their order.

    Args:
        text: Any text.
        repair: Whether to look for mojibake.
    """
    # NEL is a line end and, as a C1 control, part of mojibake: line ends come after the repair, before the controls.
    text = repair_mojibake(text) if repair else text
    return tidy_lines(compose(unify(text)))
