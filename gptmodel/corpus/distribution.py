"""Languages and lengths of the documents that are in, by split: what the corpus report draws.

Counted from the documents' accounts, so that no text is read. Planted test phrases stay aside.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from gptmodel.corpus.account import DocumentAccount
from gptmodel.corpus.split_table import SPLITS


@dataclass(frozen=True)
class Distribution:
    """Counts of the documents in train, validation and test.

    Attributes:
        languages: Documents by split and language.
        lengths: Documents by split, language and bin of length: bin n holds texts of 2^n to 2^(n+1) - 1 bytes.
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
    """Give the bin of a length; each is twice as wide as the one before.

    Example:
        >>> [bin_of(num_bytes) for num_bytes in (0, 1, 2, 1023, 1024)]
        [0, 0, 1, 9, 10]
    """
    return max(1, num_bytes).bit_length() - 1


def bin_start(place: int) -> int:
    """Give the least length of a bin, in bytes."""
    return int(2**place)
