"""Divide long texts: at blank lines where there are some, else at line ends, else where the limit falls.

The text streams through, so that a file of any size is divided with a few parts in memory. Called by sources.
"""

import re
from collections.abc import Iterable, Iterator

_BLANK_LINE = re.compile(r"\n[ \t\u3000]*\n+")

MIN_PART_RATIO = 0.25
"""A cut leaves at least this share of the limit in the part before it; else the next coarser cut is taken."""


def divide(chunks: Iterable[str], max_chars: int) -> Iterator[str]:
    r"""Divide a text into parts of at most `max_chars` characters (>= 1).

    Nothing is lost but blank parts: the parts of a text without long blank stretches join to that text.

    Args:
        chunks: The text in pieces of any length.
        max_chars: Most characters in a part.

    Yields:
        The parts in order; none for a blank text.

    Example:
        >>> list(divide(["one\n\ntw", "o\n"], 6))
        ['one\n\n', 'two\n']
    """
    rest = ""
    for chunk in chunks:
        rest += chunk
        start = 0
        while len(rest) - start > max_chars:
            end = _cut(rest, start, max_chars)
            if not rest[start:end].isspace():
                yield rest[start:end]
            start = end
        rest = rest[start:]
    if rest and not rest.isspace():
        yield rest


def _cut(text: str, start: int, max_chars: int) -> int:
    earliest, latest = start + int(max_chars * MIN_PART_RATIO), start + max_chars
    cut = 0
    for blank in _BLANK_LINE.finditer(text, earliest, latest):
        cut = blank.end()
    return cut or text.rfind("\n", earliest, latest) + 1 or latest
