"""The rules for a team's own text: length, encoding, letters, repetition, language.

They drop what is certainly no text and leave the rest, whatever its kind: novels, poems, code, messages, logs.
"""

from gptmodel.config import CleaningConfig
from gptmodel.corpus.language import UNKNOWN
from gptmodel.corpus.letters import count_letters, count_visible
from gptmodel.corpus.rules.frame import rule
from gptmodel.corpus.rules.page import Page
from gptmodel.corpus.rules.repetition import repeated_chars_ratio

_REPLACEMENT = "\ufffd"
_SMALLEST_FRAME = 9  # bytes of nothing, packed


@rule("too short")
def too_short(page: Page, config: CleaningConfig) -> bool:
    """Drop a document of fewer than `min_chars` characters; of Chinese, whose characters say more, 0.3 as many."""
    return len(page.text) < config.min_chars and len(page.text) < config.min_chars * page.family.chars_ratio


@rule("broken text")
def broken_text(page: Page, config: CleaningConfig) -> bool:
    """Drop a document in which too many characters were lost in decoding (U+FFFD)."""
    return page.text.count(_REPLACEMENT) > config.max_replacement_ratio * len(page.text)


@rule(
    "not text",
    source="after the alphabetic words of Rae et al. 2021, appendix A.1.1",
    deviation="It counts characters, so that it holds for scripts without spaces, and asks for fewer.",
)
def not_text(page: Page, config: CleaningConfig) -> bool:
    """Drop a document that is mostly digits and signs, such as a dump of numbers."""
    return count_letters(page.text) < config.min_letter_ratio * count_visible(page.text)


@rule(
    "repeated lines",
    source="Rae et al. 2021, table A1: duplicate line character fraction",
    deviation="The limit there is 0.2; a changelog or a form repeats more and is text all the same.",
)
def repeated_lines(page: Page, config: CleaningConfig) -> bool:
    """Drop a document whose characters are mostly in lines that occurred before in it."""
    return repeated_chars_ratio(page.lines) > config.max_repeated_line_ratio


@rule("repeated text")
def repeated_text(page: Page, config: CleaningConfig) -> bool:
    """Drop a document that zstd packs into a small share of its bytes: one phrase, over and over.

    A log packs into 0.09, a page of tables into 0.17, prose into 0.4.
    """
    data = page.text.encode("utf-8", "surrogatepass")
    most = config.min_compressed_ratio * len(data)
    return most >= _SMALLEST_FRAME and _packed_bytes(data) < most


@rule("other language")
def other_language(page: Page, config: CleaningConfig) -> bool:
    """Drop a document in a language that is not asked for; one that can't be told stays."""
    return bool(config.languages) and page.lang not in (*config.languages, UNKNOWN)


def _packed_bytes(data: bytes) -> int:
    import zstandard

    # Its wheel carries its own zstd, so the size depends on the pinned version alone.
    return len(zstandard.compress(data, 1))
