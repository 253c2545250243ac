"""A text as the finders see it: full-width forms folded to ASCII, and shared cheap scans done once.

Folding is one character for one, so that offsets stay those of the text itself.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import Any

# Full-width ASCII variants (FF01 to FF5E) lie at a fixed distance from ASCII; the ideographic space is a space.
_FOLDED = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0x00A0: 0x20, 0x2011: 0x2D}
_FULL_WIDTH = "[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff20\uff0b\u00a0\u2011]"

_HAN = re.compile("[\u4e00-\u9fff]")

# At least six digits, loosely joined: what every number kind here has. A cheap first sieve for all of them.
_NUMBER = r"[+(\d](?:(?:[ ().\-/]{0,3}|[ \-]?\n)\d){5,}[)\dXx]?"


@cache
def linear(pattern: str) -> Any:
    """Compile a pattern over bytes for RE2, which scans in linear time and several times faster than `re`."""
    import re2

    options = re2.Options()
    options.max_mem = 64 << 20
    options.log_errors = False
    return re2.compile(pattern.encode(), options)


def fold(text: str) -> str:
    """Give the text with full-width digits, letters and signs as ASCII, at the same offsets."""
    if text.isascii() or not linear(_FULL_WIDTH).search(text.encode("utf-8", "surrogatepass")):
        return text
    return text.translate(_FOLDED)


def fold_all(text: str) -> str:
    """Give the text with every full-width form as ASCII, marks included, at the same offsets.

    Example:
        >>> fold_all("工号：７（夜）")
        '工号:7(夜)'
    """
    return text if text.isascii() else text.translate(_FOLDED)


class Passage:
    """One text under search.

    Attributes:
        text: The folded text; same length as the original.
    """

    def __init__(self, text: str) -> None:
        self.text = fold(text)

    @cached_property
    def numbers(self) -> list[tuple[int, int]]:
        """Regions with at least six digits that may hold phones, cards or identifiers, as (start, end)."""
        return [match.span() for match in linear(_NUMBER).finditer(self.ascii)]

    @cached_property
    def ascii(self) -> bytes:
        """One byte a character, `?` for what is not ASCII: what RE2 scans at full speed, at the same offsets."""
        return self.text.encode("ascii", "replace")

    @cached_property
    def ascii_lower(self) -> bytes:
        """The same in lower case."""
        return self.ascii.lower()

    @cached_property
    def has_han(self) -> bool:
        """Whether the text has Chinese characters."""
        return not self.text.isascii() and _HAN.search(self.text) is not None

    def near(self, sieve: str, width: int, words: Sequence[str] = ()) -> list[tuple[int, int]]:
        """Give the stretches that are worth a slower pattern: around what a cheap one finds, merged where they touch.

        Args:
            sieve: An RE2 pattern over `ascii_lower`.
            width: Characters taken in before and after each match.
            words: Words that count as matches too; the way to look for what is not ASCII.
        """
        spans = [match.span() for match in linear(sieve).finditer(self.ascii_lower)]
        for word in words:
            spans += ((at, at + len(word)) for at in _places(self.text, word))
        stretches: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if stretches and start - width <= stretches[-1][1]:
                stretches[-1] = (stretches[-1][0], max(stretches[-1][1], end + width))
            else:
                stretches.append((max(0, start - width), end + width))
        return stretches

    def matches(self, pattern: re.Pattern[str], stretches: Sequence[tuple[int, int]]) -> Iterator[re.Match[str]]:
        """Give a pattern's matches inside stretches; what a stretch's end may have cut short is left out."""
        for start, end in stretches:
            for match in pattern.finditer(self.text, start, end):
                if match.end() < end or end >= len(self.text):
                    yield match

    def before(self, start: int, width: int) -> str:
        """Give up to `width` characters before an offset, in lower case."""
        return self.text[max(0, start - width) : start].lower()

    def after(self, end: int, width: int) -> str:
        """Give up to `width` characters from an offset on, in lower case."""
        return self.text[end : end + width].lower()

    def char_at(self, index: int) -> str:
        """Give the character at an offset; empty outside the text."""
        return self.text[index] if 0 <= index < len(self.text) else ""


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def is_ascii_word(char: str) -> bool:
    """Tell whether a character continues an ASCII word or number; Han text beside a value does not."""
    return char.isascii() and (char.isalnum() or char == "_")
