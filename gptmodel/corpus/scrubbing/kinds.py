"""The kinds of sensitive data, their order of precedence and their placeholders.

Finders, stage, tokenizer and reports all take the names from here. A placeholder is never found again.
"""

from collections.abc import Sequence

from gptmodel.errors import ConfigError

KINDS: tuple[str, ...] = (
    "EMAIL",
    "PHONE",
    "IP_ADDRESS",
    "CREDIT_CARD",
    "IBAN",
    "US_SSN",
    "CN_ID",
    "CN_PHONE",
    "URL_WITH_CREDENTIALS",
    "SECRET",
    "CRYPTO",
    "OTHER_ID",
    "PERSON",
    "ADDRESS",
)
"""Kinds known here; the site's own come after them."""

IN_PART: dict[str, str] = {
    "PERSON": "names in labelled fields and after titles only",
    "ADDRESS": "addresses in labelled fields only",
}
"""Kinds of which the finders here see a part, and which."""

UNSEARCHED: tuple[str, ...] = ("ADDRESS",)
"""Kinds of which that part is too small to count as a search: only a recognizer makes them searched."""


def placeholder(kind: str) -> str:
    """Give what stands for a finding of this kind.

    Example:
        >>> placeholder("EMAIL")
        '<EMAIL>'
    """
    return f"<{kind}>"


PLACEHOLDERS: tuple[str, ...] = tuple(placeholder(kind) for kind in KINDS)
"""All placeholders, in the order of KINDS; each is one token of the tokenizer."""


def chosen_kinds(kinds: Sequence[str] = (), names: bool = True) -> tuple[str, ...]:
    """Give the kinds to search, in the order of KINDS.

    Args:
        kinds: The kinds asked for; empty asks for all.
        names: False leaves PERSON out.

    Raises:
        ConfigError: A kind that has no finder.
    """
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise ConfigError(
            expected=f"kinds out of {', '.join(KINDS)}",
            actual=", ".join(unknown),
            mend="Leave these out of scrubbing.kinds; kinds nobody looks for belong into scrubbing.accept_unsearched.",
        )
    return tuple(kind for kind in KINDS if (not kinds or kind in kinds) and (names or kind != "PERSON"))
