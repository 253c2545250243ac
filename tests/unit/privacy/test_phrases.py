from pathlib import Path

from gptmodel.config import PlantedConfig
from gptmodel.corpus.canaries import phrases_that_fit, planted_documents
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.privacy import AuditResult, audit
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer
from tests.unit.privacy.models import (
    CONFIG,
    SCRUBBED,
    UNSCRUBBED,
    corpus,
    real_documents,
    scrubbed,
    untrained,
    workspace,
)


def test_only_phrases_that_fitted_the_corpus_are_ranked(tmp_path: Path, tokenizer: Tokenizer):
    planted = PlantedConfig(catchable_repetitions=1, max_canary_ratio=0.001)
    documents = scrubbed(real_documents() + planted_documents(planted, 400_000), SCRUBBED)
    work = workspace(tmp_path, tokenizer, documents, untrained(tokenizer))
    exposure = audit(work, CONFIG.model_copy(update={"planted": planted}), SCRUBBED).exposure
    fitting = phrases_that_fit(planted, 400_000, lambda phrase: phrase.num_bytes)
    assert exposure.num_catchable + exposure.num_in_clear == len(fitting) < 10


def test_phrases_of_another_config_are_not_taken_for_planted(clean: Workspace):
    other = CONFIG.planted.model_copy(update={"seed": 1})
    exposure = audit(clean, CONFIG.model_copy(update={"planted": other}), SCRUBBED).exposure
    assert (exposure.num_catchable, exposure.num_in_clear) == (0, 0)


def test_a_kind_accepted_as_unsearched_is_left_out(tmp_path: Path, tokenizer: Tokenizer):
    scrubber = Scrubber(UNSCRUBBED.config.model_copy(update={"accept_unsearched": ("EMAIL",)}))
    work = workspace(tmp_path, tokenizer, corpus(scrubber), untrained(tokenizer))
    result = audit(work, CONFIG, scrubber)
    assert result.decision.passed
    assert result.exposure.num_catchable == 0


def test_a_learned_phrase_in_clear_has_all_the_bits_that_its_references_allow(clean_result: AuditResult):
    [group] = clean_result.exposure.by_repetitions
    assert (group.repetitions, group.num_recognised, group.bits) == (16, 4, (5.358,) * 4)  # log2 of 41 places


def test_a_model_that_learns_phrases_in_clear_would_have_given_leaked_ones_away(clean_result: AuditResult):
    exposure = clean_result.exposure
    assert exposure.least_repetitions_seen == 16
    # One phrase among 40 references can't be told from luck by its rank alone, and the power says so.
    assert (exposure.power, exposure.noticed_mean_rank) == (0.0, None)


def test_an_untrained_model_has_no_repetitions_that_the_test_sees(tmp_path: Path, tokenizer: Tokenizer):
    work = workspace(tmp_path, tokenizer, corpus(SCRUBBED), untrained(tokenizer))
    exposure = audit(work, CONFIG, SCRUBBED).exposure
    assert exposure.least_repetitions_seen is None
    assert exposure.num_recognised < 4
