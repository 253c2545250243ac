"""How much of a list of lines or paragraphs is there for the second time."""

from collections.abc import Sequence


def repeated_ratio(passages: Sequence[str]) -> float:
    """Give the share of the passages that occurred before; 0 for none at all.

    Example:
        >>> repeated_ratio(["a", "b", "a", "a"])
        0.5
    """
    return (len(passages) - len(set(passages))) / len(passages) if passages else 0.0


def repeated_chars_ratio(passages: Sequence[str]) -> float:
    """Give the share of the characters that are in passages which occurred before; 0 for none at all.

    Example:
        >>> repeated_chars_ratio(["long", "a", "long"])
        0.4444444444444444
    """
    total = sum(map(len, passages))
    return (total - sum(map(len, set(passages)))) / total if total else 0.0
