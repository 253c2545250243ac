"""A text as the finders see it: full-width forms folded to ASCII, and shared cheap scans done once.

Folding is one character for one, so that offsets stay those of the text itself.
"""

import re
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any

from gptmodel.corpus.scrubbing.finders.identifier_words import MODULES
from gptmodel.corpus.scrubbing.finders.sieve import (
    ACCOUNTS,
    BEYOND_ASCII,
    CODES,
    LABELS,
    LABELS_BEYOND_ASCII,
    WORDS,
    linear,
    merged,
    spans_in_utf8,
)
from gptmodel.corpus.scrubbing.finders.validators import iban_length

# Full-width ASCII variants (FF01 to FF5E) lie at a fixed distance from ASCII; spaces and a hyphen that do not break.
_FOLDED = (
    *((chr(code), chr(code - 0xFEE0)) for code in range(0xFF01, 0xFF5F)),
    ("\u3000", " "), ("\u00a0", " "), ("\u2011", "-"),
)  # fmt: skip
# Those that can stand in a value; without any of them a text stays as it is.
_IN_VALUES = "[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff20\uff0b\u00a0\u2011]"

# At least six digits, loosely joined: what every number kind here has. A cheap first sieve for all of them.
_NUMBER = r"[+(\d](?:(?:[ ().\-/]{0,3}|[ \-]?\n-?)\d){5,}[)\dXx]?"

# Two letters of a country, two digits, and groups of what an account number is made of.
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d\d(?:[ -]?[A-Z0-9]){11,30}(?![A-Za-z0-9])", re.ASCII)


def fold(text: str) -> str:
    """Give the text with full-width digits, letters and signs as ASCII, at the same offsets."""
    if text.isascii() or not linear(_IN_VALUES).search(text.encode("utf-8", "surrogatepass")):
        return text
    return fold_all(text)


# A value and what must stand beside it fit into this many characters before and after its hint.
_CODE_WIDTH, _WORD_WIDTH, _NAME_WIDTH = 96, 440, 96
_LABEL_REACH = 110
# Letters beside digits or signs, or changing case within a word: what no word of prose has.
_MIXED = re.compile(r"[A-Za-z]['\-_]?[0-9!#$%&*+=?@^~_]|[0-9][\-_]?[A-Za-z]|[a-z][A-Z]|[0-9]{6}")
_PASSWORD_BEGINS, _BETWEEN_PAIR = frozenset("pP密口"), frozenset(" \t\r\n,;/，；")
_USERS = ("user", "login", "account", "用户", "账号", "帐号")
_LABEL_BEYOND_ASCII = re.compile(LABELS_BEYOND_ASCII)

Stretches = list[tuple[int, int]]


def fold_all(text: str) -> str:
    """Give the text with every full-width form as ASCII, marks included, at the same offsets.

    Example:
        >>> fold_all("工号：７（夜）")
        '工号:7(夜)'
    """
    for wide, plain in () if text.isascii() else _FOLDED:  # many times faster than str.translate
        if wide in text:
            text = text.replace(wide, plain)
    return text


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
    def _accounts(self) -> Stretches:
        found = self.matches(_ACCOUNT, self.codes_like(ACCOUNTS))
        return [one.span() for one in found if iban_length(one.group()[:2]) == sum(map(str.isalnum, one.group()))]

    def past_account(self, index: int) -> int:
        """Give the end of what has the form of an IBAN around an offset, whatever its checksum; else the offset."""
        return next((end for start, end in self._accounts if start <= index < end), index)

    @cached_property
    def ascii(self) -> bytes:
        """One byte a character, `?` for what is not ASCII: what RE2 scans at full speed, at the same offsets.

        The full-width colon and equals sign, which Chinese and Japanese text has after a label, are read as ASCII.
        """
        return self.text.replace("\uff1a", ":").replace("\uff1d", "=").encode("ascii", "replace")

    @cached_property
    def ascii_lower(self) -> bytes:
        """The same in lower case."""
        return self.ascii.lower()

    @cached_property
    def _utf8(self) -> bytes:
        return self.text.encode("utf-8", "surrogatepass")

    @cached_property
    def codes(self) -> Stretches:
        """Stretches around what may be a value with a form of its own, as sieve.py has them."""
        return merged((match.span() for match in linear(CODES).finditer(self.ascii_lower)), _CODE_WIDTH)

    def codes_like(self, hint: str) -> Stretches:
        """Give those stretches of `codes` that hold a hint, one of sieve.py's for such values."""
        seen = linear(hint)
        return [(start, end) for start, end in self.codes if seen.search(self.ascii_lower[start:end])]

    @cached_property
    def announced(self) -> Stretches:
        """Stretches around words that may announce a value, as sieve.py has them."""
        return merged((match.span() for match in linear(WORDS).finditer(self.ascii_lower)), _WORD_WIDTH)

    @cached_property
    def _beyond_ascii(self) -> list[tuple[tuple[int, int], bool]]:
        """Words in other scripts, as (start, end), and whether each is one for a password or key."""
        if self.text.isascii():
            return []
        spans = spans_in_utf8(BEYOND_ASCII, self._utf8)
        return [(span, _LABEL_BEYOND_ASCII.match(self.text, span[0]) is not None) for span in spans]

    @cached_property
    def _words(self) -> tuple[Stretches, Stretches]:
        """Places of words for passwords and keys, and of names of national identifiers."""
        secrets: Stretches = []
        identifiers: Stretches = []
        for match in linear(LABELS).finditer(self.ascii_lower):
            (identifiers if match.group().decode() in MODULES else secrets).append(match.span())
        return secrets, identifiers

    @cached_property
    def label_words(self) -> Stretches:
        """Places of words for passwords and keys, in any script."""
        further = [span for span, is_label in self._beyond_ascii if is_label]
        return sorted([*self._words[0], *further]) if further else self._words[0]

    @property
    def identifier_words(self) -> Stretches:
        """Places of names of national identifiers, as identifier_words.py has them."""
        return self._words[1]

    @cached_property
    def labels(self) -> Stretches:
        """Places of words for passwords and keys with what may be a value soon after them."""
        return [span for span in self.label_words if _MIXED.search(self.text, span[1], span[1] + _LABEL_REACH)]

    @cached_property
    def paired(self) -> Stretches:
        """Stretches in which a word for a password follows a word for a user."""
        found = [span for span in self.label_words if self._follows_user(span[0])]
        return merged(found, _LABEL_REACH)

    def _follows_user(self, start: int) -> bool:
        if self.char_at(start) not in _PASSWORD_BEGINS or self.char_at(start - 1) not in _BETWEEN_PAIR:
            return False
        before = self.before(start, 96)
        return any(word in before for word in _USERS)

    @cached_property
    def named(self) -> Stretches:
        """Stretches around Chinese labels and titles of persons."""
        return merged((span for span, is_label in self._beyond_ascii if not is_label), _NAME_WIDTH)

    def is_announced(self, word: str) -> bool:
        """Tell whether a word stands in one of the announced stretches."""
        return any(self.text.find(word, start, end) >= 0 for start, end in self.announced)

    def matches(self, pattern: re.Pattern[str], stretches: Stretches) -> Iterator[re.Match[str]]:
        """Give a pattern's matches in stretches of the text; what a stretch's end may have cut short is left out."""
        for start, end in stretches:
            for match in pattern.finditer(self.text, start, end):
                if match.end() < end or end >= len(self.text):
                    yield match

    def rare_matches(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Give the matches, in the announced stretches, of a long pattern without lookaround that matches seldom."""
        if not self.announced:
            return
        seen = _linear_form(pattern)
        likely = [(start, end) for start, end in self.announced if seen.search(self.ascii[start:end])]
        yield from self.matches(pattern, likely)

    def before(self, start: int, width: int) -> str:
        """Give up to `width` characters before an offset, in lower case."""
        return self.text[max(0, start - width) : start].lower()

    def after(self, end: int, width: int) -> str:
        """Give up to `width` characters from an offset on, in lower case."""
        return self.text[end : end + width].lower()

    def char_at(self, index: int) -> str:
        """Give the character at an offset; empty outside the text."""
        return self.text[index] if 0 <= index < len(self.text) else ""


def is_ascii_word(char: str) -> bool:
    """Tell whether a character continues an ASCII word or number; Han text beside a value does not."""
    return char.isascii() and (char.isalnum() or char == "_")


@cache
def _linear_form(pattern: re.Pattern[str]) -> Any:
    """Compile a looser form of a pattern for RE2, in which a dot and letters of either case stand for more."""
    return linear(("(?is)" if pattern.flags & re.IGNORECASE else "(?s)") + pattern.pattern)
