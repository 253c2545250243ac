"""What findings look like without what they say: `aaa@aaa.aaa`, `+00 000 000 0000`; the only examples ever shown.

Letters become `aaa` whatever their number, each digit becomes `0`. Of secrets and of URLs with credentials the signs
are part of what must not be known, so they have a shape of their kind alone.
"""

import re

LONGEST = 40
"""Characters of a shape, at most."""

_WHOLE = {
    "SECRET": "a secret",  # pragma: allowlist secret
    "URL_WITH_CREDENTIALS": "aaa://aaa:aaa@aaa",  # pragma: allowlist secret
}
_LETTERS = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_OTHER = re.compile(r"[^a0 @.,:;'()+/_\-]")


def shape_of(kind: str, value: str) -> str:
    """Give the shape of a value.

    Args:
        kind: Kind that it was found as.
        value: The value.

    Example:
        >>> shape_of("EMAIL", "Ada.Bell@example.com"), shape_of("PHONE", "+44 113 496 0123")
        ('aaa.aaa@aaa.aaa', '+00 000 000 0000')
    """
    if kind in _WHOLE:
        return _WHOLE[kind]
    bare = _OTHER.sub("?", _DIGIT.sub("0", _LETTERS.sub("aaa", " ".join(value.split()))))
    return bare if len(bare) <= LONGEST else bare[: LONGEST - 3] + "..."
