"""The rules that decide which documents stay, in named sets.

`documents` is for a team's own text, `web` for crawled pages. Cleaning calls `apply_rules` once a document's characters
are put right. Nothing here repairs text, looks for sensitive data or knows of other documents.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from gptmodel.config import CleaningConfig
from gptmodel.corpus.documents import Document
from gptmodel.corpus.language import check_languages
from gptmodel.corpus.rules import c4, documents, fineweb, gopher
from gptmodel.corpus.rules.frame import AnyRule, Edit, Rule
from gptmodel.corpus.rules.page import Page
from gptmodel.errors import ConfigError

__all__ = ["SETS", "AnyRule", "Dropped", "Edit", "Rule", "Verdict", "apply_rules", "check_rules", "rules_of"]

# Rules come in the order in which they are asked; the first that drops a document gives the reason. Those of `web` see
# the page as it came, C4's editing rules come after them, and what is left is counted last.
SETS: Mapping[str, tuple[AnyRule, ...]] = {
    "documents": (
        documents.too_short, documents.broken_text, documents.not_text, documents.repeated_lines,
        documents.repeated_text, documents.other_language,
    ),
    "web": (
        documents.broken_text, documents.other_language,
        gopher.few_words, gopher.many_words, gopher.word_length, gopher.many_symbols, gopher.bullet_lines,
        gopher.ellipsis_lines, gopher.few_words_of_letters, gopher.few_stop_words,
        gopher.duplicate_lines, gopher.duplicate_paragraphs, gopher.frequent_phrase, gopher.repeated_phrases,
        fineweb.few_line_ends, fineweb.duplicate_characters, fineweb.short_lines,
        c4.lorem_ipsum, c4.curly_bracket,
        c4.citation_marks, c4.lines_without_end, c4.lines_of_few_words, c4.javascript_lines, c4.policy_lines,
        c4.few_sentences,
    ),
}  # fmt: skip
"""The rules of each set, in their order."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A document that a rule left out, without its text.

    Attributes:
        id: The document.
        source: Its source.
        path: Its file within the source.
        reason: Why it was left out: the rule's name.
        num_bytes: UTF-8 bytes of its text.
    """

    id: str
    source: str
    path: str
    reason: str
    num_bytes: int


@dataclass(frozen=True)
class Verdict:
    """What the rules say of a document.

    Attributes:
        document: The document: as it came where it is dropped, else with its language and as editing rules leave it.
        reason: Name of the rule that drops it; empty where it stays.
        removed_bytes: UTF-8 bytes that each editing rule took out of one that stays.
    """

    document: Document
    reason: str = ""
    removed_bytes: Mapping[str, int] = field(default_factory=dict)


def apply_rules(document: Document, config: CleaningConfig) -> Verdict:
    """Pass a document through the rules of the set; the first that drops it gives the reason."""
    page, removed = Page(document, config.languages), {}
    for rule in rules_of(config):
        if isinstance(rule, Edit):
            before, page = page, page.with_text(rule.edit(page))
            if page is not before:
                removed[rule.name] = len(before.text.encode()) - len(page.text.encode())
        elif rule.drops(page, config):
            return Verdict(document, rule.name)
    return Verdict(page.document, "", removed)


def rules_of(config: CleaningConfig) -> tuple[AnyRule, ...]:
    """Give the rules that a config asks for, in their order."""
    return _chosen(config.rules, frozenset(config.skip))


@cache
def _chosen(name: str, skipped: frozenset[str]) -> tuple[AnyRule, ...]:
    return tuple(rule for rule in SETS[name] if rule.name not in skipped)


def check_rules(config: CleaningConfig) -> None:
    """Refuse a config that skips a rule which is not in its set, or asks for a language that can't be told.

    Raises:
        ConfigError: With the nearest name, and all names of the set.
    """
    names = [rule.name for rule in SETS[config.rules]]
    for name in config.skip:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            raise ConfigError(
                expected=f"rules of the set {config.rules!r} in cleaning.skip",
                actual=repr(name),
                mend=(f"Did you mean {near[0]!r}? " if near else "") + f"Its rules: {', '.join(names)}.",
            )
    if config.languages:
        check_languages(config.languages)
