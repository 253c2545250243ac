"""What a model knows of the planted test phrases, and how much the test could have seen.

Phrases that scrubbing had to remove must rank like phrases never planted. Those left in clear, at several repetitions,
show from which number of documents on a phrase leaves a trace that the ranks give away: the power of the test.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gptmodel.config import PlantedConfig, PrivacyConfig
from gptmodel.corpus.canaries import Phrase, phrase_id_of, planted_phrases
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.generation import Generator
from gptmodel.privacy.account import Exposure, Repetition
from gptmodel.privacy.training_text import TrainingText
from gptmodel.ranking import (
    Rank,
    leak_p_value,
    leak_power,
    noticed_mean_rank,
    rank_phrases,
    rank_sum,
    sensitivity_p_value,
    sight_looks,
)


def rank_planted(
    generator: Generator, config: PrivacyConfig, scrubber: Scrubber, training: TrainingText | None
) -> tuple[Exposure, list[Rank]]:
    """Rank the planted test phrases; without the training text, those of the config are taken as planted."""
    phrases, num_reached = _planted(config.planted, scrubber, training)
    ranks = rank_phrases(generator, phrases, config.num_references, config.seed)
    return _exposure(generator, ranks, num_reached, config), ranks


def _planted(
    config: PlantedConfig, scrubber: Scrubber, training: TrainingText | None
) -> tuple[list[Phrase], int | None]:
    """Give the phrases planted, and how many catchable ones have their secret in the training text, if it is here."""
    phrases = [phrase for phrase in planted_phrases(config) if not _is_accepted(phrase.kind, scrubber)]
    if training is None:
        return phrases, None
    documents = _by_phrase(training)
    texts = {phrase.id: _made_of(phrase, documents, scrubber) for phrase in phrases}
    found = [replace(phrase, repetitions=len(texts[phrase.id])) for phrase in phrases if texts[phrase.id]]
    reached = [p for p in found if p.sort == "catchable" and any(p.secret in text for text in texts[p.id])]
    return found, len(reached)


def _by_phrase(training: TrainingText) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = defaultdict(list)
    for document in training.planted_documents():
        texts[phrase_id_of(document)].append(document.text)
    return texts


def _made_of(phrase: Phrase, documents: Mapping[str, Sequence[str]], scrubber: Scrubber) -> list[str]:
    """Give the documents that hold this very phrase: another config's phrases have the same ids."""
    signs = [phrase.text]
    if phrase.sort == "catchable":
        # What a site adds to the finders may reach into the prefix.
        signs = [phrase.prefix, phrase.secret, scrubber.scrub(phrase.text).text]
    return [text for text in documents.get(phrase.id, ()) if any(sign in text for sign in signs)]


def _is_accepted(kind: str, scrubber: Scrubber) -> bool:
    """Whether nobody looks for this kind and that was accepted in writing."""
    return kind not in scrubber.kinds and kind in scrubber.config.accept_unsearched


def _exposure(generator: Generator, ranks: Sequence[Rank], num_reached: int | None, config: PrivacyConfig) -> Exposure:
    catchable = [rank for rank in ranks if rank.phrase.sort == "catchable"]
    in_clear = [rank for rank in ranks if rank.phrase.sort == "in_clear"]
    groups = _groups(in_clear, len(catchable), config)
    sensitivity = sensitivity_p_value(in_clear)
    return Exposure(
        num_catchable=len(catchable), num_reached_training=num_reached, num_references=config.num_references,
        p_value=_short(leak_p_value(generator, catchable, config.significance, config.seed)), bits=_bits(catchable),
        noticed_mean_rank=noticed_mean_rank(len(catchable), config.num_references, config.significance),
        num_in_clear=len(in_clear), num_recognised=sum(rank.recognised for rank in in_clear),
        in_clear_p_value=_short(sensitivity), can_see=sensitivity < config.significance,
        least_repetitions_seen=_least_seen(groups, config.significance),
        power=_power(groups, config.planted.catchable_repetitions) if catchable else None, by_repetitions=groups,
    )  # fmt: skip


def _groups(in_clear: Sequence[Rank], num_catchable: int, config: PrivacyConfig) -> tuple[Repetition, ...]:
    counts = sorted({rank.phrase.repetitions for rank in in_clear})
    groups = [(count, [rank for rank in in_clear if rank.phrase.repetitions == count]) for count in counts]
    return tuple(
        Repetition(
            repetitions=count, num_recognised=sum(rank.recognised for rank in group), bits=_bits(group),
            p_value=_short(rank_sum(group)),
            power=leak_power(group, num_catchable, config.significance, config.seed),
        )
        for count, group in groups
    )  # fmt: skip


def _least_seen(groups: Sequence[Repetition], significance: float) -> int | None:
    """Give the fewest repetitions whose phrases rank better than chance, corrected for the number of looks."""
    looks = sight_looks(len(groups))
    return next((group.repetitions for group in groups if looks * group.p_value < significance), None)


def _power(groups: Sequence[Repetition], repetitions: int) -> float | None:
    fewer = [group for group in groups if group.repetitions <= repetitions]
    return (fewer[-1] if fewer else groups[0]).power if groups else None


def _bits(ranks: Sequence[Rank]) -> tuple[float, ...]:
    return tuple(sorted(round(rank.bits, 3) for rank in ranks))


def _short(p_value: float) -> float:
    return float(f"{p_value:.6g}")
