"""Ranks of planted test phrases among phrases never planted: whether a model knows a secret better than chance.

A model that never saw a secret gives it a uniform rank among references with the same words around it. The exact test
of that is looked at from three sides, all phrases together, the phrases of each kind, and each phrase alone, and
corrected for the number of looks, so that neither many faint traces nor a single loud one is missed. The leak test
calls this room; nothing here generates text or returns a secret.

Source: Carlini et al. 2019, The Secret Sharer (exposure: the rank of an inserted secret's likelihood); the exact test
on the ranks takes the place of their fitted distribution.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gptmodel.corpus.canaries import Phrase, reference_phrases
from gptmodel.intervals import largest_rank_sum, rank_sum_p_value
from gptmodel.scoring import Window, window_losses

if TYPE_CHECKING:
    from gptmodel.generation import Generator

_NUM_LOOKS = 3
_NUM_SIGHT_LOOKS = 2
_BATCH_SIZE = 128
# References drawn beyond what the correction needs at the least, so that the closest case is not decided by rounding.
_MARGIN = 1.2
_CHUNK = 500
_NUM_DRAWS = 1000
# A phrase left in clear counts as recognised if at most this share of its references is as likely.
_RECOGNISED_RATIO = 0.05


@dataclass(frozen=True, slots=True)
class Rank:
    """Where a phrase stands among its references.

    Attributes:
        phrase: The phrase.
        rank: 1 if the model finds it likelier than every reference; ties count against it.
        num_references: References it was ranked among.
        gap: How much likelier it is than its references' mean, in their standard deviations.
    """

    phrase: Phrase
    rank: int
    num_references: int
    gap: float

    @property
    def p_value(self) -> float:
        """Chance of a rank as small as this if the model never saw the secret."""
        return self.rank / (self.num_references + 1)

    @property
    def bits(self) -> float:
        """Exposure of the secret: log2 of all places less log2 of the rank (Carlini et al. 2019, section 4.2)."""
        return math.log2(self.num_references + 1) - math.log2(self.rank)

    @property
    def recognised(self) -> bool:
        """Whether the model plainly prefers the phrase to ones it never saw."""
        return self.p_value <= _RECOGNISED_RATIO


def rank_phrases(generator: "Generator", phrases: Sequence[Phrase], num_references: int, seed: int) -> list[Rank]:
    """Rank each phrase's secret among `num_references` others by the model's likelihood, given the same prefix.

    A phrase is read from the start of a document. What is scored runs from the first token that belongs to the secret
    to the phrase's end; in a context too short for all of it the end counts.
    """
    windows: list[Window] = []
    for phrase in phrases:
        windows += _windows(generator, [phrase, *reference_phrases(phrase, num_references, seed)])
    losses = window_losses(generator.model, windows, _BATCH_SIZE).reshape(len(phrases), num_references + 1)
    return [_rank(phrase, row) for phrase, row in zip(phrases, losses, strict=True)]


def leak_p_value(generator: "Generator", ranks: Sequence[Rank], significance: float, seed: int) -> float:
    """Test that the model finds catchable phrases no likelier than phrases never planted.

    A hundred references can't tell one leaked phrase of many from luck. So where nothing else decided, the phrase that
    stands out most is ranked again among as many more references as the correction for the number of phrases needs.
    Each phrase's p-value stays valid: the smaller one needs the first place among all references of both rankings.

    Returns:
        The smallest p-value of three looks (all, by kind, each alone), each corrected for its own number of tests and
        all for being three; 1.0 without phrases.
    """
    if not ranks:
        return 1.0
    p_value = _corrected(ranks, [rank.p_value for rank in ranks])
    if p_value < significance:
        return p_value
    alone = [rank.p_value for rank in ranks]
    first = max(range(len(ranks)), key=lambda number: ranks[number].gap)
    if ranks[first].rank == 1:
        again = _rank_again(generator, ranks[first], math.ceil(_MARGIN * _NUM_LOOKS * len(ranks) / significance), seed)
        alone[first] = again.p_value
    return _corrected(ranks, alone)


def sensitivity_p_value(ranks: Sequence[Rank]) -> float:
    """Test whether the phrases left in clear rank better than chance: if not, the leak test sees nothing here.

    Many phrases of few documents must not hide that those of many are known, so each group is a look of its own.

    Returns:
        The smaller p-value of two looks (all, by the number of documents), corrected for the number of tests.
    """
    groups: dict[int, list[Rank]] = defaultdict(list)
    for rank in ranks:
        groups[rank.phrase.repetitions].append(rank)
    by_repetitions = (sight_looks(len(groups)) * rank_sum(group) for group in groups.values())
    return min(1.0, _NUM_SIGHT_LOOKS * rank_sum(ranks), *by_repetitions)


def sight_looks(num_groups: int) -> int:
    """Give the number by which the p-value of one of so many groups of phrases in clear is corrected."""
    return _NUM_SIGHT_LOOKS * num_groups


def noticed_mean_rank(num_phrases: int, num_references: int, significance: float) -> float | None:
    """Give the mean rank up to which `leak_p_value` says no to so many phrases taken together.

    It is the smallest effect that the test notices; None if no ranks are small enough.
    """
    if not num_phrases:
        return None
    largest = largest_rank_sum(num_phrases, num_references, significance / _NUM_LOOKS)
    return round(largest / num_phrases, 2) if largest is not None else None


def leak_power(ranks: Sequence[Rank], num_phrases: int, significance: float, seed: int) -> float:
    """Estimate the chance that `leak_p_value` says no to phrases that the model knows as well as some others.

    Ranks are drawn from those of the others with replacement (bootstrap); of the three looks only the one at all
    phrases together is counted, so the true chance is larger.

    Args:
        ranks: Ranks of phrases that the model did see.
        num_phrases: Phrases that would have leaked.
        significance: Limit of the test.
        seed: Seed of the draws.
    """
    if not (ranks and num_phrases):
        return 0.0
    largest = largest_rank_sum(num_phrases, ranks[0].num_references, significance / _NUM_LOOKS)
    if largest is None:
        return 0.0
    drawn = np.random.default_rng(seed).choice([rank.rank for rank in ranks], (_NUM_DRAWS, num_phrases))
    return round(float((drawn.sum(axis=1) <= largest).mean()), 4)


def _corrected(ranks: Sequence[Rank], alone: Sequence[float]) -> float:
    kinds: dict[str, list[Rank]] = defaultdict(list)
    for rank in ranks:
        kinds[rank.phrase.kind].append(rank)
    by_kind = len(kinds) * min(rank_sum(group) for group in kinds.values())
    return min(1.0, _NUM_LOOKS * min(rank_sum(ranks), by_kind, len(ranks) * min(alone)))


def rank_sum(ranks: Sequence[Rank]) -> float:
    """Test whether phrases rank better than chance, all together: the exact p-value of their ranks' sum."""
    return rank_sum_p_value([rank.rank for rank in ranks], ranks[0].num_references) if ranks else 1.0


def _rank_again(generator: "Generator", rank: Rank, num_more: int, seed: int) -> Rank:
    """Rank a phrase that came first among more references; once one of them is ahead, nothing can accuse it."""
    num_references = rank.num_references
    for number, start in enumerate(range(0, num_more, _CHUNK), start=1):
        size = min(_CHUNK, num_more - start)
        if rank_phrases(generator, [rank.phrase], size, seed + number)[0].rank > 1:
            return rank
        num_references += size
    return replace(rank, num_references=num_references)


def _windows(generator: "Generator", phrases: Sequence[Phrase]) -> list[Window]:
    """Give what to score of phrases that share their prefix."""
    tokenizer, length = generator.tokenizer, generator.model.context_length
    prefix, windows = tokenizer.encode(phrases[0].prefix), []
    for ids in tokenizer.encode_batch(phrase.text for phrase in phrases):
        # A merge may join the prefix's last character to the secret, so the secret starts where the two differ.
        same = next((at for at, pair in enumerate(zip(ids, prefix, strict=False)) if pair[0] != pair[1]), len(prefix))
        stream = np.asarray([tokenizer.end_of_document_id, *ids], dtype=np.int64)
        cut = max(0, len(stream) - (length + 1))
        windows.append(Window(stream[cut:], max(1, 1 + same - cut)))
    return windows


def _rank(phrase: Phrase, losses: NDArray[np.float64]) -> Rank:
    own, others = losses[0], losses[1:]
    gap = float((others.mean() - own) / max(float(others.std()), 1e-9))
    return Rank(phrase, 1 + int((others <= own).sum()), len(others), gap)
