"""Gopher's rules: what makes a web page prose, and how often it says the same.

Source: Rae et al. 2021, Scaling Language Models: Methods, Analysis & Insights from Training Gopher,
https://arxiv.org/abs/2112.11446, appendix A.1.1, its limits word for word there and in table A1. Words are what stands
between white space; in scripts without spaces they are characters, and limits grow in their measure (see `units`).
"""

from gptmodel.config import CleaningConfig
from gptmodel.corpus.rules.frame import rule
from gptmodel.corpus.rules.page import Page
from gptmodel.corpus.rules.repetition import repeated_chars_ratio, repeated_ratio
from gptmodel.corpus.rules.stop_words import STOP_WORDS, has_stop_words

MIN_WORDS = 50
MAX_WORDS = 100_000
MIN_MEAN_LENGTH, MAX_MEAN_LENGTH = 3, 10
MAX_SYMBOL_RATIO = 0.1
MAX_BULLET_RATIO = 0.9
MAX_ELLIPSIS_RATIO = 0.3
MIN_LETTER_WORD_RATIO = 0.8
MIN_STOP_WORDS = 2
MAX_REPEATED_RATIO = 0.3
MAX_REPEATED_CHARS_RATIO = 0.2
TOP_PHRASES = ((2, 0.20), (3, 0.18), (4, 0.16))
"""Words of a phrase, and the largest share of characters in the most frequent one."""
REPEATED_PHRASES = ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10))
"""Words of a phrase, and the largest share of characters in phrases that occurred before."""

_A1 = "Rae et al. 2021, appendix A.1.1"
_TABLE = "Rae et al. 2021, table A1"
_BULLETS = frozenset("•‣◦●▪■·・-*")
_ELLIPSES = ("...", "…")


@rule("few words", _A1)
def few_words(page: Page, config: CleaningConfig) -> bool:
    """Drop a page of fewer than 50 words."""
    return page.num_words < MIN_WORDS


@rule("many words", _A1)
def many_words(page: Page, config: CleaningConfig) -> bool:
    """Drop a page of more than 100,000 words."""
    return page.num_words > MAX_WORDS


@rule("word length", _A1, "Not in scripts without spaces; in Korean, whose words are shorter, 1.8 to 6 characters.")
def word_length(page: Page, config: CleaningConfig) -> bool:
    """Drop a page whose words have fewer than 3 or more than 10 characters on average."""
    ratio = page.family.word_length_ratio
    fits = MIN_MEAN_LENGTH * ratio <= page.words.mean_length <= MAX_MEAN_LENGTH * ratio
    return not fits and not page.family.chars_per_word


@rule("many symbols", _A1)
def many_symbols(page: Page, config: CleaningConfig) -> bool:
    """Drop a page with more than one number sign, or more than one ellipsis, for ten words."""
    num_ellipses = sum(map(page.text.count, _ELLIPSES))
    return max(page.text.count("#"), num_ellipses) > MAX_SYMBOL_RATIO * page.num_words


@rule("bullet lines", _A1, "The paper does not list its bullets.")
def bullet_lines(page: Page, config: CleaningConfig) -> bool:
    """Drop a page of which more than 90 % of the lines begin with a bullet."""
    return sum(line[0] in _BULLETS for line in page.lines) > MAX_BULLET_RATIO * len(page.lines)


@rule("ellipsis lines", _A1)
def ellipsis_lines(page: Page, config: CleaningConfig) -> bool:
    """Drop a page of which more than 30 % of the lines end with an ellipsis."""
    return sum(line.endswith(_ELLIPSES) for line in page.lines) > MAX_ELLIPSIS_RATIO * len(page.lines)


@rule("few words of letters", _A1)
def few_words_of_letters(page: Page, config: CleaningConfig) -> bool:
    """Drop a page of which fewer than 80 % of the words hold a letter."""
    return page.words.letter_ratio < MIN_LETTER_WORD_RATIO


@rule("few stop words", _A1, "Each language has a list of its own; one without a list is not judged.")
def few_stop_words(page: Page, config: CleaningConfig) -> bool:
    """Drop a page with fewer than two different words of those that no text of its language does without."""
    return page.lang in STOP_WORDS and not has_stop_words(page.text, page.lang, MIN_STOP_WORDS)


@rule("duplicate lines", _TABLE)
def duplicate_lines(page: Page, config: CleaningConfig) -> bool:
    """Drop a page where more than 30 % of the lines, or 20 % of the characters in lines, occurred before."""
    return _is_repeated(page.lines)


@rule("duplicate paragraphs", _TABLE)
def duplicate_paragraphs(page: Page, config: CleaningConfig) -> bool:
    """Drop a page where more than 30 % of the paragraphs, or 20 % of their characters, occurred before."""
    return _is_repeated(page.paragraphs)


@rule("frequent phrase", _TABLE, "A phrase that occurs once is not repeated, however long.")
def frequent_phrase(page: Page, config: CleaningConfig) -> bool:
    """Drop a page where the most frequent phrase of 2, 3 or 4 words takes too many of the characters."""
    return any(page.words.top_ratio(_length(page, words)) > limit for words, limit in TOP_PHRASES)


@rule("repeated phrases", _TABLE, "Of a phrase's occurrences all but the first count, as for lines.")
def repeated_phrases(page: Page, config: CleaningConfig) -> bool:
    """Drop a page where phrases of 5 to 10 words that occurred before take too many of the characters."""
    least = min(limit for _, limit in REPEATED_PHRASES)
    for num_words, limit in REPEATED_PHRASES:
        ratio = page.words.repeated_ratio(_length(page, num_words))
        # Where a long phrase occurred before, so did the short ones in it: from here on the ratio only falls.
        if ratio > limit or ratio <= least:
            return ratio > limit
    return False


def _is_repeated(passages: list[str]) -> bool:
    return repeated_ratio(passages) > MAX_REPEATED_RATIO or repeated_chars_ratio(passages) > MAX_REPEATED_CHARS_RATIO


def _length(page: Page, num_words: int) -> int:
    return round(num_words * (page.family.chars_per_word or 1))
