"""Words and ends of sentences in the scripts of the world, so that rules made for English can judge other languages.

A published limit counts English words or characters. A script without spaces shows no words, and a Chinese or Korean
character says more than a Latin letter does. So each family of scripts has its measure, taken from one text in all of
them: the Universal Declaration of Human Rights has 1,700 English words of 5.1 characters; each is 1.5 characters of
Chinese, 2.2 of Japanese, 5.3 of Thai, and 0.7 Korean words of 3.0 characters. (Quarters here, to count exactly.)
"""

import re
from dataclasses import dataclass

from gptmodel.corpus import letters
from gptmodel.corpus.letters import count_letters, count_of, not_ascii


@dataclass(frozen=True)
class Family:
    """Scripts that are measured alike.

    Attributes:
        characters: Its characters, as the inside of a character class; empty for all that no other family has.
        chars_per_word: Characters that say as much as an English word; 0 where words stand between spaces.
        chars_ratio: Characters that say as much as one English character.
        word_length_ratio: Mean length of a word beside an English one; 1 in scripts without spaces.
        has_end_marks: Whether sentences end with a mark.
    """

    characters: str = ""
    chars_per_word: float = 0.0
    chars_ratio: float = 1.0
    word_length_ratio: float = 1.0
    has_end_marks: bool = True


SPACED = Family()
HANGUL = Family(letters.HANGUL, chars_ratio=0.4, word_length_ratio=0.6)
HAN = Family(letters.HAN, chars_per_word=1.5, chars_ratio=0.3)
# Kana and Han together; the ratio is that of Japanese text.
KANA = Family(letters.KANA, chars_per_word=2.25, chars_ratio=0.45)
THAI = Family(letters.THAI, chars_per_word=5.25, has_end_marks=False)
KHMER = Family(letters.KHMER, chars_per_word=5.25)

_OF_ONE_SCRIPT = (HANGUL, HAN, KANA, THAI, KHMER)
_MIN_KANA_RATIO = 0.1
_ANY = "".join(family.characters for family in _OF_ONE_SCRIPT)

# The final marks of full-width, Arabic, Urdu, Devanagari, Armenian, Ethiopic, Khmer and Burmese writing, and closing
# quotation marks, German and French ones among them.
END_MARKS = frozenset(".!?。！？．｡؟۔।॥։።፧។៕။‼⁇⁈⁉‽\"'”’»›“‘«」』")
"""Characters that end a sentence: full stops, exclamation and question marks, closing quotation marks."""
_OTHER_WORD = re.compile(f"[^\\s{letters.DENSE}{letters.DENSE_MARKS}]+")
_SENTENCE_END = re.compile(r"[.!?][\"'”’»)\]]*(?=\s|$)|[。！？．｡؟۔।॥։።፧។៕။‼⁇⁈⁉‽]+")


def family_of(text: str) -> Family:
    """Give the family whose characters say most of a text, so that code in a Chinese page does not make it English.

    Example:
        >>> family_of("用 useState 声明一个状态变量。") is HAN
        True
    """
    other = not_ascii(text)
    if not count_of(_ANY, other):
        return SPACED
    counts = {family: count_of(family.characters, other) for family in _OF_ONE_SCRIPT}
    if counts[KANA] > _MIN_KANA_RATIO * (counts[KANA] + counts[HAN]):
        counts[KANA] += counts.pop(HAN)
    counts[SPACED] = count_letters(text) - sum(counts.values())
    return max(counts, key=lambda family: counts[family] / family.chars_ratio)


def has_words(line: str, family: Family, least: int) -> bool:
    """Tell whether a line is worth at least so many English words."""
    if len(line.split(None, least - 1)) >= least:
        return True
    num_dense = 0 if line.isascii() else count_of(letters.DENSE, line)
    return num_dense > 0 and worth(num_dense, family) + len(_OTHER_WORD.findall(line)) >= least


def worth(num_dense: int, family: Family) -> float:
    """Give the English words that characters of scripts without spaces are worth in a text of a family."""
    return num_dense / (family.chars_per_word or HAN.chars_per_word)


def ends_with_mark(line: str) -> bool:
    """Tell whether a line ends with one of `END_MARKS`.

    Example:
        >>> ends_with_mark("It rains."), ends_with_mark("下雨了。"), ends_with_mark("Contents")
        (True, True, False)
    """
    return line.rstrip()[-1:] in END_MARKS


def has_sentences(text: str, least: int) -> bool:
    """Tell whether a text holds at least so many ends of sentences."""
    ends = _SENTENCE_END.finditer(text)
    return all(next(ends, None) for _ in range(least))
