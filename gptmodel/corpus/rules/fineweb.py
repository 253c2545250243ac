"""FineWeb's own rules, found by what separates a good crawl from a bad one: pages that are lists, menus or forms.

Source: Penedo et al. 2024, The FineWeb Datasets, https://arxiv.org/abs/2406.17557, section 3.6. Blank lines do not
count. Scripts whose sentences end without a mark are not judged by marks; the length of a short line is scaled to the
script (see `units`).
"""

from gptmodel.config import CleaningConfig
from gptmodel.corpus.rules.frame import rule
from gptmodel.corpus.rules.page import Page
from gptmodel.corpus.rules.repetition import repeated_chars_ratio
from gptmodel.corpus.rules.units import ends_with_mark

MIN_ENDED_LINE_RATIO = 0.12
MAX_REPEATED_CHARS_RATIO = 0.1
MAX_SHORT_LINE_RATIO = 0.67
SHORT_LINE_CHARS = 30

_SECTION = "Penedo et al. 2024, section 3.6"


@rule("few line ends", _SECTION, "A closing quotation mark ends a line too.")
def few_line_ends(page: Page, config: CleaningConfig) -> bool:
    """Drop a page of which less than 12 % of the lines end as sentences do."""
    num_ended = sum(map(ends_with_mark, page.lines))
    return page.family.has_end_marks and num_ended < MIN_ENDED_LINE_RATIO * len(page.lines)


@rule("duplicate characters", _SECTION)
def duplicate_characters(page: Page, config: CleaningConfig) -> bool:
    """Drop a page where more than 10 % of the characters are in lines that occurred before."""
    return repeated_chars_ratio(page.lines) > MAX_REPEATED_CHARS_RATIO


@rule("short lines", _SECTION, "In Chinese 9 characters, in Japanese 13, in Korean 12.")
def short_lines(page: Page, config: CleaningConfig) -> bool:
    """Drop a page of which more than 67 % of the lines have at most 30 characters."""
    longest = SHORT_LINE_CHARS * page.family.chars_ratio
    return sum(len(line) <= longest for line in page.lines) > MAX_SHORT_LINE_RATIO * len(page.lines)
