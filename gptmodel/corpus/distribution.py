"""Languages and lengths of the documents that are in, by split: what the corpus report draws.

Counted from the documents' accounts, so that no text is read. Planted test phrases stay aside.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import floor, log2

from gptmodel.corpus.account import DocumentAccount
from gptmodel.corpus.split_table import SPLITS

BINS_PER_DOUBLING = 2


@dataclass(frozen=True)
class Distribution:
    """Counts of the documents in train, validation and test.

    Attributes:
        languages: Documents by split and language.
        lengths: Documents by split, language and bin of length: bin n holds texts of `bin_start(n)` bytes and more.
    """

    languages: Counter[tuple[str, str]] = field(default_factory=Counter)
    lengths: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def add(self, account: DocumentAccount) -> None:
        """Count a document, if it is in a split."""
        if account.status in SPLITS and not account.is_planted:
            self.languages[account.status, account.lang] += 1
            self.lengths[account.status, account.lang, bin_of(account.num_bytes or 0)] += 1

    def by_language(self) -> Counter[str]:
        """Give the documents by language."""
        counts: Counter[str] = Counter()
        for (_, lang), number in self.languages.items():
            counts[lang] += number
        return counts

    def lengths_of(self, *, split: str = "", lang: str = "") -> Counter[int]:
        """Give the documents by bin of length, of one split or one language or both."""
        counts: Counter[int] = Counter()
        for (its_split, its_lang, place), number in self.lengths.items():
            if split in ("", its_split) and lang in ("", its_lang):
                counts[place] += number
        return counts


def distribution_of(accounts: Iterable[DocumentAccount]) -> Distribution:
    """Count the documents that are in."""
    distribution = Distribution()
    for account in accounts:
        distribution.add(account)
    return distribution


def bin_of(num_bytes: int) -> int:
    """Give the bin of a length; bins are half as wide again from one to the next (a factor of the root of two)."""
    return floor(BINS_PER_DOUBLING * log2(max(1, num_bytes)))


def bin_start(place: int) -> float:
    """Give the length in bytes at which a bin begins.

    Example:
        >>> [round(bin_start(place)) for place in (0, 2, 20)]
        [1, 2, 1024]
    """
    return float(2 ** (place / BINS_PER_DOUBLING))
