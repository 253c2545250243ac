"""A document as the rules see it: what several of them ask for is counted once, when it is first asked for."""

import re
from collections.abc import Collection
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from gptmodel.corpus.documents import Document
from gptmodel.corpus.language import UNKNOWN, detect_language
from gptmodel.corpus.rules.units import Family, family_of, worth

if TYPE_CHECKING:
    from gptmodel.corpus.rules.words import Words

_BLANK_LINES = re.compile(r"\n\s*\n")


class Page:
    """One document, and the counts that its rules share.

    Args:
        document: The document, its characters put right.
        languages: Language codes to tell apart besides the usual ones.
    """

    def __init__(self, document: Document, languages: Collection[str] = ()) -> None:
        self._document = document
        self._languages = languages
        self.text = document.text

    def with_text(self, text: str) -> "Page":
        """Give the page as an editing rule leaves it; the same one where the text is the same."""
        if text == self.text:
            return self
        page = Page(replace(self.document, text=text), self._languages)
        page.family = self.family
        return page

    @property
    def document(self) -> Document:
        """The document as it stands, with its language."""
        return replace(self._document, lang=self.lang)

    @cached_property
    def lang(self) -> str:
        """The language: the source's hint, else as it is detected; `und` where it can't be told."""
        hint = self._document.lang
        return hint if hint != UNKNOWN else detect_language(self.text, self._languages)

    @cached_property
    def lowered(self) -> bytes:
        """The text in UTF-8, its ASCII letters in lower case: where a fixed phrase is looked for."""
        return self.text.encode("utf-8", "surrogatepass").lower()

    @cached_property
    def lines(self) -> list[str]:
        """The lines that are not blank, without the white space around them."""
        return [line for line in map(str.strip, self.text.split("\n")) if line]

    @cached_property
    def paragraphs(self) -> list[str]:
        """The passages between blank lines, without the white space around them."""
        return [passage for passage in map(str.strip, _BLANK_LINES.split(self.text)) if passage]

    @cached_property
    def family(self) -> Family:
        """The family of the script that says most of the text."""
        return family_of(self.text)

    @cached_property
    def words(self) -> "Words":
        """The words; of a script without spaces, the characters."""
        from gptmodel.corpus.rules.words import Words

        return Words(self.text, without_marks=self.family.chars_per_word > 0)

    @cached_property
    def num_words(self) -> float:
        """Words, or the English words that characters of a script without spaces are worth."""
        num_dense = self.words.num_dense
        return len(self.words) - num_dense + worth(num_dense, self.family)
