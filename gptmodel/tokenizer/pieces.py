r"""Cut text into pieces that encode to the same ids alone as within the text.

Byte-level BPE splits text into words by a pattern, and merges bytes within a word only. So a text may be cut wherever
the pattern always ends one word and begins another, and, within a word, wherever no token of the vocabulary reaches
across. Pieces recur far more often than texts, so that their ids can be kept. The cuts, by the alternatives of
`SPLIT_PATTERN`, which looks behind nowhere and ahead only in `\s+(?!\S)`:

- before white space that follows anything else, unless a newline is in it: only punctuation takes newlines along;
- after the last newline of a run of white space, for a run is one word up to there, and else before its last space,
  which `\s+(?!\S)` gives away to what follows;
- after letters, where what follows is no mark and no letter, and after two digits, or one if no digit follows;
- after punctuation before letters, unless it is a single character without a space, which the letters take;
- before and after Han characters, for they are in no other alternative, and between two of them where no token ends
  its part of a character in the first and begins one in the second.

A run that holds a character which may or may not be Han, or is Han and a number, is cut at white space alone.
"""

import re
from collections.abc import Callable, Iterable

Cut = Callable[[str], list[str]]

WHITE = "\\t-\\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
r"""White space: `\s` of `SPLIT_PATTERN`, as the inside of a class of characters."""
HAN_RANGES = ((0x3400, 0x4DB5), (0x4E00, 0x9FEF))
"""Characters that are Han letters in every version of Unicode since 11."""
RARE_HAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u4db6-\u4dbf\u9ff0-\u9fff\uf900-\ufaff"
    "\U00016fe0-\U00016fff\U0001d360-\U0001d37f\U0001f250-\U0001f25f\U00020000-\U0003ffff"
)
"""What else is Han, or may be in some version of Unicode, or is numeral or symbol and Han."""
LETTERS = "A-Za-zªºÀ-ÖØ-öø-ʯͰ-ͳͶͷΆΈ-ΊΌΎ-ΡΣ-ϡЀ-ҁҊ-ԯא-תء-يぁ-ゖァ-ヺ"
"""Letters that are no Han, of the scripts that are common."""

PUNCTUATION = (
    r"\x00-\x08\x0e-\x1f!-/:-@\[-`{-\x7f"
    "\u2010-\u2027\u2030-\u205e\u2060\u3001-\u3003\u3008-\u3011\uff01-\uff0f\uff1a-\uff20"
)
"""What is neither white space, letter, number nor mark: all such ASCII, and blocks of punctuation."""

_HAN = "".join(f"{chr(first)}-{chr(last)}" for first, last in HAN_RANGES)
# After letters or a digit: the end, or what is certainly no letter, mark or number that goes on with them.
_ENDS = f"(?![^\\x00-\\x7f{_HAN}{PUNCTUATION}])"
_BLANK = WHITE.replace("\\t-\\r", "\\t\\x0b\\x0c")
_MAX_BYTES = 3  # of a character of HAN_RANGES

# An apostrophe before letters may begin a word of its own, as in 's.
_WORD = re.compile(f"(?:(?!')[ {PUNCTUATION}])?[{LETTERS}]+|[{_HAN}]+|[0-9]{{1,2}}| ?[{PUNCTUATION}]+|[{_BLANK}]+")
_RARE = re.compile(f"[{RARE_HAN}]")
_AT_WHITE_SPACE = re.compile(f"[{WHITE}]*(?:[\\r\\n]|[^{WHITE}]+(?:[{WHITE}]*[\\r\\n])?|\\Z)")


def is_word(piece: str) -> bool:
    """Tell whether a piece is one word of `SPLIT_PATTERN` for certain.

    Such are letters with one character before them or none, Han characters, two digits, and punctuation.
    """
    return _WORD.fullmatch(piece) is not None


def cutter(tokens: Iterable[bytes]) -> Cut:
    """Give the function that cuts a text into pieces; joined, they are the text.

    Args:
        tokens: The bytes of all tokens of the vocabulary.
    """
    return _cutter(_han_pattern(tokens))


def word_cutter() -> Cut:
    """Give the function that cuts a text without a vocabulary: into words, and more than one of them at times."""
    return _cutter(f"[{_HAN}]+")


def _cutter(han: str) -> Cut:
    pattern = re.compile(_pattern(han))

    def find(text: str) -> list[str]:
        pieces: list[str] = pattern.findall(text)
        if pieces and not pieces[-1]:  # at its end the pattern matches nothing once more
            pieces.pop()
        return pieces

    def cut(text: str) -> list[str]:
        if text.isascii() or not _RARE.search(text):
            return find(text)
        parts = _AT_WHITE_SPACE.findall(text)
        return [piece for part in parts for piece in ([part] if _RARE.search(part) else find(part))]

    return cut


def _pattern(han: str) -> str:
    return (
        f" ?[{LETTERS}]++{_ENDS}"
        f"|{han}"
        f"|[{PUNCTUATION}][{LETTERS}]++{_ENDS}"
        f"|(?: [{PUNCTUATION}]++|[{PUNCTUATION}]{{2,}}+)(?=[{LETTERS}0-9{_HAN}])"
        f"|[{PUNCTUATION}](?=[0-9{_HAN}])"
        f"| ?[{PUNCTUATION}]++(?![^{WHITE}])(?:[{WHITE}]*[\\r\\n])?"
        f"|[0-9]{{2}}|[0-9]{_ENDS}"
        f"|[{WHITE}]*[\\r\\n]"
        f"|[{_BLANK}]+(?= [^{WHITE}])"
        f"|[{WHITE}]*(?:{han}|[^{WHITE}{_HAN}]+(?:[{WHITE}]*[\\r\\n])?|\\Z)"
    )


def _han_pattern(tokens: Iterable[bytes]) -> str:
    """Match Han characters up to the first two that no token spans."""
    before, after = _spanned(tokens)
    characters = [chr(code) for first, last in HAN_RANGES for code in range(first, last + 1)]
    coded = [(character, character.encode()) for character in characters]
    goes_on = "".join(c for c, code in coded if any(code[-size:] in before for size in range(1, _MAX_BYTES + 1)))
    taken = "".join(c for c, code in coded if any(code[:size] in after for size in range(1, _MAX_BYTES + 1)))
    return f"(?:[{goes_on}](?=[{taken}]))*+[{_HAN}]" if goes_on and taken else f"[{_HAN}]"


def _spanned(tokens: Iterable[bytes]) -> tuple[set[bytes], set[bytes]]:
    """Give what tokens hold just before and just after a border of characters: whole characters, or their parts."""
    before, after = set[bytes](), set[bytes]()
    for token in tokens:
        borders = [place for place in range(1, len(token)) if not _continues(token[place])]
        for place in borders:
            start, end = place - 1, place + 1
            while start > 0 and _continues(token[start]):
                start -= 1
            while end < len(token) and _continues(token[end]):
                end += 1
            before.add(token[start:place])
            after.add(token[place:end])
    return before, after


def _continues(byte: int) -> bool:
    """Tell whether a byte continues a character in UTF-8."""
    return byte & 0xC0 == 0x80
