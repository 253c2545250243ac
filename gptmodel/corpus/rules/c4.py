"""C4's rules: lines that are no sentences are taken out, and pages that are no prose are dropped.

Source: Raffel et al. 2020, Exploring the Limits of Transfer Learning, JMLR 21, section 2.2. Limits are those of the
journal and of the code that made the data set: 3 sentences, 5 words a line; the first version on arXiv says 5 and 3.
Not taken over: the list of bad words, which drops medicine, law and other people's dialects; the removal of repeated
spans, which deduplication does; English alone.
"""

import re
from collections.abc import Callable

from gptmodel.config import CleaningConfig
from gptmodel.corpus.characters import tidy_blank_lines
from gptmodel.corpus.rules.frame import edit, rule
from gptmodel.corpus.rules.page import Page
from gptmodel.corpus.rules.units import ends_with_mark, has_sentences, has_words

MIN_WORDS_PER_LINE = 5
MIN_SENTENCES = 3

_SECTION = "Raffel et al. 2020, section 2.2"
_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
_POLICIES = (b"terms of use", b"privacy policy", b"cookie policy", b"uses cookies", b"use of cookies", b"use cookies")


@rule("lorem ipsum", _SECTION)
def lorem_ipsum(page: Page, config: CleaningConfig) -> bool:
    """Drop a page that holds the words "lorem ipsum"."""
    return b"lorem ipsum" in page.lowered


@rule("curly bracket", _SECTION)
def curly_bracket(page: Page, config: CleaningConfig) -> bool:
    """Drop a page that holds a curly bracket, as code does."""
    return "{" in page.text


@edit("citation marks", _SECTION)
def citation_marks(page: Page) -> str:
    """Take out Wikipedia's [1], [edit] and [citation needed]."""
    return _CITATION.sub("", page.text) if "[" in page.text else page.text


@edit("lines without end", _SECTION, "Marks of other scripts count; Thai and Lao, which have none, are left alone.")
def lines_without_end(page: Page) -> str:
    """Take out lines that don't end as sentences do; three dots leave a sentence open."""
    return _keep_lines(page.text, _is_ended) if page.family.has_end_marks else page.text


@edit("lines of few words", _SECTION)
def lines_of_few_words(page: Page) -> str:
    """Take out lines of fewer than five words."""
    family = page.family
    return _keep_lines(page.text, lambda line: has_words(line, family, MIN_WORDS_PER_LINE))


@edit("javascript lines", _SECTION)
def javascript_lines(page: Page) -> str:
    """Take out lines with the word JavaScript, which mostly ask to turn it on."""
    return _without(page, (b"javascript",))


@edit("policy lines", _SECTION)
def policy_lines(page: Page) -> str:
    """Take out lines about terms of use, privacy and cookies."""
    return _without(page, _POLICIES)


@rule("few sentences", _SECTION, "Sentences are counted by their final marks; Thai and Lao are not judged.")
def few_sentences(page: Page, config: CleaningConfig) -> bool:
    """Drop a page of fewer than three sentences."""
    return page.family.has_end_marks and not has_sentences(page.text, MIN_SENTENCES)


def _is_ended(line: str) -> bool:
    return ends_with_mark(line) and not line.rstrip().endswith("...")


def _without(page: Page, phrases: tuple[bytes, ...]) -> str:
    found = [phrase.decode() for phrase in phrases if phrase in page.lowered]
    if not found:
        return page.text
    return _keep_lines(page.text, lambda line: not any(phrase in line.lower() for phrase in found))


def _keep_lines(text: str, is_kept: Callable[[str], bool]) -> str:
    """Give the lines that are kept, and blank ones between them; the very text where all are."""
    lines = text.split("\n")
    kept = [line for line in lines if is_kept(line) or not line or line.isspace()]
    return text if len(kept) == len(lines) else tidy_blank_lines("\n".join(kept))
