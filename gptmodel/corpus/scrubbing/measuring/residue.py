"""The record of what the second scanner sees, and what stands around it. It holds where and what; never the value."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Residue:
    """A place that looks like a value; never the value itself.

    Attributes:
        kind: Kind of sensitive data.
        start: First character.
        end: One past the last.
        is_sure: Whether a checksum, a registry or an unmistakable form says so, or else its neighbourhood alone.
    """

    kind: str
    start: int
    end: int
    is_sure: bool


def is_near(text: str, start: int, end: int, words: Sequence[str], *, before: int = 40, after: int = 15) -> bool:
    """Tell whether one of some words, given in small letters, stands within so many characters of a place."""
    around = (text[max(0, start - before) : start] + " " + text[end : end + after]).lower()
    return any(word in around for word in words)
