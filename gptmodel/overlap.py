"""How far generated text agrees with a reference, and how varied it is: BLEU, chrF, ROUGE-L, distinct-2, repetition.

BLEU and chrF are sacrebleu's, ROUGE-L is rouge-score's with words that suit Chinese too; their settings are recorded
as signatures, for scores with other settings can't be compared. For a model without a task such figures mean nothing
alone, so evaluation shows them beside the same texts against shuffled references. Nothing here runs a model.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import regex

# A character of a script without spaces is a word; elsewhere a run of letters, marks and digits is.
_WORD = regex.compile(r"(?V1)[\p{Han}\p{Hiragana}\p{Katakana}]|[[\p{L}\p{M}\p{N}]--[\p{Han}\p{Hiragana}\p{Katakana}]]+")
_HAN = regex.compile(r"\p{Han}")

_ROUGE_SIGNATURE = "rougeL|f-measure|mean|lower-cased|words, CJK by character|no stemmer|rouge-score 0.1.2"


class Overlap(NamedTuple):
    """Agreement of texts with their references.

    Attributes:
        bleu: Corpus BLEU, 0 to 100.
        chrf: Corpus chrF, 0 to 100.
        rouge_l: Mean ROUGE-L F-measure, 0 to 1.
        signatures: The settings of each, by name.
    """

    bleu: float
    chrf: float
    rouge_l: float
    signatures: dict[str, str]


class Words:
    """The tokenizer that rouge-score is given; its own turns Chinese text into nothing."""

    def tokenize(self, text: str) -> list[str]:
        """Give the lower-cased words of a text; each CJK character is a word.

        Example:
            >>> Words().tokenize("GPT-2 很好!")
            ['gpt', '2', '很', '好']
        """
        return _WORD.findall(text.lower())


def overlap(texts: Sequence[str], references: Sequence[str]) -> Overlap:
    """Compare each text with its reference; both sequences non-empty and equally long.

    With Chinese in a reference BLEU cuts words by sacrebleu's `zh` rule (each Han character by itself, the rest as
    13a), else by 13a.

    Source: Papineni et al. 2002 (BLEU); Popovic 2015 (chrF); Lin 2004 (ROUGE); Post 2018 (sacrebleu, signatures).
    """
    from sacrebleu.metrics import BLEU, CHRF

    bleu = BLEU(tokenize="zh" if any(_HAN.search(text) for text in references) else "13a")
    chrf = CHRF()
    scores = [metric.corpus_score(list(texts), [list(references)]).score for metric in (bleu, chrf)]
    signatures = {"bleu": str(bleu.get_signature()), "chrf": str(chrf.get_signature()), "rouge_l": _ROUGE_SIGNATURE}
    return Overlap(scores[0], scores[1], _rouge_l(texts, references), signatures)


def shuffled_overlap(texts: Sequence[str], references: Sequence[str]) -> Overlap | None:
    """Compare each text with the next one's reference: what agreement comes of language alone; None for one text."""
    if len(texts) < 2:
        return None
    return overlap(texts, [*references[1:], references[0]])


def distinct_ratio(sequences: Sequence[Sequence[Hashable]], size: int = 2) -> float:
    """Give the share of distinct n-grams among all n-grams of the sequences; 0 without any.

    Source: Li et al. 2016, A Diversity-Promoting Objective Function for Neural Conversation Models (distinct-2).

    Example:
        >>> distinct_ratio(["abab"])
        0.6666666666666666
    """
    grams = [gram for sequence in sequences for gram in _ngrams(sequence, size)]
    return len(set(grams)) / len(grams) if grams else 0.0


def repetition_ratio(sequences: Sequence[Sequence[Hashable]], size: int = 4) -> float:
    """Give the share of n-grams that their own sequence already held; 0 without any.

    Source: Welleck et al. 2020, Neural Text Generation with Unlikelihood Training (seq-rep-4, here over all n-grams).

    Example:
        >>> repetition_ratio(["abcdabcd"])
        0.2
    """
    counts = [(len(grams), len(set(grams))) for grams in (_ngrams(sequence, size) for sequence in sequences)]
    total = sum(count for count, _ in counts)
    return sum(count - distinct for count, distinct in counts) / total if total else 0.0


def _ngrams(sequence: Sequence[Hashable], size: int) -> list[tuple[Hashable, ...]]:
    return [tuple(sequence[at : at + size]) for at in range(len(sequence) - size + 1)]


def _rouge_l(texts: Sequence[str], references: Sequence[str]) -> float:
    from rouge_score import rouge_scorer

    scorer = rouge_scorer.RougeScorer(["rougeL"], tokenizer=Words(), split_summaries=False)
    pairs = zip(texts, references, strict=True)
    scores = [scorer.score(reference, text)["rougeL"].fmeasure for text, reference in pairs]
    return float(sum(scores) / len(scores))
