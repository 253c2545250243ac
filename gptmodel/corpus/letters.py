r"""Characters counted by sort: letters, white space, scripts that are written without spaces.

Each function takes one pass in C over the UTF-8 bytes for what is ASCII and another over the rest, because `re` needs
ten times as long for a text of short words. Called by the language detector, the character repair and the rules.
"""

import re
import string
from functools import cache

# Each is the inside of a regular expression's character class.
THAI = "\u0e00-\u0eff"
"""Thai and Lao."""
KHMER = "\u1000-\u109f\u1780-\u17ff"
"""Khmer and Myanmar."""
KANA = "\u3040-\u30ff"
HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HANGUL = "\uac00-\ud7a3"
DENSE = f"{THAI}{KHMER}{KANA}{HAN}"
"""The scripts that put no space between words."""
DENSE_MARKS = "\u3000-\u3004\u3006\u3008-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65“”‘’…—·"
"""Marks of Chinese and Japanese, which are no part of a word; elsewhere a mark belongs to the word it follows."""

_ASCII = bytes(range(128))
_ASCII_LETTERS = string.ascii_letters.encode()
_ASCII_SPACE = bytes(code for code in range(128) if chr(code).isspace())
_NOT_LETTERS = re.compile(r"[\W\d_]+")


def not_ascii(text: str) -> str:
    """Give a text's characters beyond ASCII, in their order.

    Example:
        >>> not_ascii("Ça va, très bien")
        'Çè'
    """
    if text.isascii():
        return ""
    return _encode(text).translate(None, _ASCII).decode("utf-8", "surrogatepass")


def count_letters(text: str) -> int:
    r"""Count the characters that `\w` matches, digits and the underscore aside.

    Example:
        >>> count_letters("Route 66, 66号公路")
        8
    """
    data = _encode(text)
    num_ascii = len(data) - len(data.translate(None, _ASCII_LETTERS))
    return num_ascii + len(_NOT_LETTERS.sub("", not_ascii(text)))


def count_visible(text: str) -> int:
    """Count the characters that are no white space.

    Example:
        >>> count_visible("a b c")
        3
    """
    data = _encode(text)
    num_ascii_spaces = len(data) - len(data.translate(None, _ASCII_SPACE))
    other = not_ascii(text)
    return len(text) - num_ascii_spaces - (len(other) - len("".join(other.split())))


def count_of(characters: str, text: str) -> int:
    """Count the characters of a class, such as `HAN`.

    Example:
        >>> count_of(HAN, "Route 66, 66号公路")
        3
    """
    return len(text) - len(_class(characters).sub("", text))


@cache
def _class(characters: str) -> re.Pattern[str]:
    return re.compile(f"[{characters}]+")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
