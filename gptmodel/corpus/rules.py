"""The rules that decide which documents stay: each a small pure function with a drop reason of its own.

Cleaning calls `apply_rules` once a document's characters are put right and its language is known. Nothing here repairs
text, looks for sensitive data or knows of other documents.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gptmodel.config import CleaningConfig
from gptmodel.corpus.documents import Document
from gptmodel.corpus.language import UNKNOWN

_REPLACEMENT = "\ufffd"
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Dropped:
    """A document that a rule left out, without its text.

    Attributes:
        id: The document.
        source: Its source.
        path: Its file within the source.
        reason: Why it was left out.
        num_bytes: UTF-8 bytes of its text.
    """

    id: str
    source: str
    path: str
    reason: str
    num_bytes: int


Rule = Callable[[Document, CleaningConfig], "Document | Dropped"]


def apply_rules(document: Document, config: CleaningConfig) -> Document | Dropped:
    """Pass a document through every rule; the first that drops it gives the reason."""
    for rule in RULES:
        outcome = rule(document, config)
        if isinstance(outcome, Dropped):
            return outcome
        document = outcome
    return document


def long_enough(document: Document, config: CleaningConfig) -> Document | Dropped:
    """Drop a document with fewer than `min_chars` characters."""
    return document if len(document.text) >= config.min_chars else drop(document, "too short")


def few_broken_characters(document: Document, config: CleaningConfig) -> Document | Dropped:
    """Drop a document in which too many characters were lost in decoding (U+FFFD)."""
    broken = document.text.count(_REPLACEMENT)
    return document if broken <= config.max_replacement_ratio * len(document.text) else drop(document, "broken text")


def enough_letters(document: Document, config: CleaningConfig) -> Document | Dropped:
    """Drop a document that is mostly digits and signs, such as a dump of numbers.

    Source: the idea of Gopher's alphabetic-words rule (Rae et al. 2021, table A1), over characters so that it holds
    for scripts without spaces.
    """
    num_visible = len(_SPACE.sub("", document.text))
    num_letters = len(_NOT_LETTERS.sub("", document.text))
    return document if num_letters >= config.min_letter_ratio * num_visible else drop(document, "not text")


def few_repeated_lines(document: Document, config: CleaningConfig) -> Document | Dropped:
    """Drop a document whose characters are mostly in lines that occurred before in it.

    Source: Gopher's duplicate-line character fraction (Rae et al. 2021, table A1); its limit there is 0.2.
    """
    lines = [line.strip() for line in document.text.split("\n")]
    total, unique = sum(map(len, lines)), sum(map(len, set(lines)))
    return document if total - unique <= config.max_repeated_line_ratio * total else drop(document, "repeated lines")


def wanted_language(document: Document, config: CleaningConfig) -> Document | Dropped:
    """Drop a document in a language that is not asked for; one that can't be told stays."""
    wanted = not config.languages or document.lang in (*config.languages, UNKNOWN)
    return document if wanted else drop(document, "other language")


RULES: tuple[Rule, ...] = (long_enough, few_broken_characters, enough_letters, few_repeated_lines, wanted_language)
"""The rules in the order they are applied."""


def drop(document: Document, reason: str) -> Dropped:
    """Give what remains of a document that a rule drops."""
    return Dropped(document.id, document.source, document.path, reason, len(document.text.encode()))
