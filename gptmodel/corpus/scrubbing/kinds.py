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
"""Kinds that have a finder; PERSON and ADDRESS in labelled fields only, PERSON after titles too."""

UNSEARCHED: tuple[str, ...] = ("ADDRESS",)
"""Kinds that nobody looks for."""


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
