import json
from pathlib import Path

import pytest

from gptmodel.corpus.canaries import planted_phrases
from gptmodel.privacy import AuditResult, audit, audit_model
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer
from tests.unit.privacy.models import (
    CONFIG,
    ONE_LOUD,
    SCRUBBED,
    UNSCRUBBED,
    corpus,
    real_documents,
    training_of,
    untrained,
    workspace,
)


def test_a_phrase_that_scrubbing_missed_and_the_model_learned_means_no(leaky_result: AuditResult):
    assert not leaky_result.decision.passed
    assert leaky_result.exposure.p_value < CONFIG.significance
    assert "the model knows planted test phrases" in leaky_result.decision.reason


def test_a_phrase_in_the_training_text_means_no_even_if_the_model_learned_nothing(tmp_path: Path, tokenizer: Tokenizer):
    work = workspace(tmp_path, tokenizer, corpus(UNSCRUBBED), untrained(tokenizer))
    result = audit(work, CONFIG, UNSCRUBBED)
    assert not result.decision.passed
    assert result.decision.reason.startswith("no: 1 of 1 planted test phrases that scrubbing must remove reached")


def test_the_model_alone_gives_a_leak_away(leaky: Workspace, tokenizer: Tokenizer):
    folder = leaky.inputs["train"] / "model"
    tokenizer.save(folder)
    config = CONFIG.model_copy(update={"num_samples": 0, "num_invited_samples": 0})
    result = audit_model(folder, config, UNSCRUBBED)
    assert result.exposure.p_value < CONFIG.significance
    assert not result.decision.passed
    assert "model alone" in result.decision.scope


def test_a_model_folder_with_its_training_text_gives_the_stages_answer(
    clean: Workspace, clean_result: AuditResult, tokenizer: Tokenizer
):
    folder = clean.inputs["train"] / "model"
    tokenizer.save(folder)
    result = audit_model(folder, CONFIG, SCRUBBED, training_of(clean))
    assert result.model_dump(exclude={"runtime"}) == clean_result.model_dump(exclude={"runtime"})


def test_the_scrubbed_twin_passes(clean_result: AuditResult):
    assert clean_result.decision.passed
    assert clean_result.exposure.num_reached_training == 0


def test_a_pass_says_how_sensitive_the_test_was(clean_result: AuditResult):
    assert clean_result.exposure.num_recognised == 4
    assert "the test can see: 4 of 4 left in clear were recognised, plainly from 16" in clean_result.decision.reason


def test_a_model_that_learned_nothing_is_passed_with_the_warning(tmp_path: Path, tokenizer: Tokenizer):
    work = workspace(tmp_path, tokenizer, corpus(SCRUBBED), untrained(tokenizer))
    decision = audit(work, CONFIG, SCRUBBED).decision
    assert decision.passed
    assert "too weak on this model to mean much" in decision.reason


def test_nothing_planted_is_said_so(tmp_path: Path, tokenizer: Tokenizer):
    work = workspace(tmp_path, tokenizer, real_documents(), untrained(tokenizer))
    decision = audit(work, CONFIG, SCRUBBED).decision
    assert decision.passed
    assert "no planted test phrase to rank" in decision.reason
    assert "how sensitive this is was not measured" in decision.reason


def test_the_scope_names_what_was_not_searched(leaky_result: AuditResult, clean_result: AuditResult):
    assert "EMAIL" in leaky_result.decision.scope.split("not searched")[1]
    assert "ADDRESS" in clean_result.decision.scope.split("not searched")[1]


def test_a_memorised_training_text_means_no(tmp_path: Path, tokenizer: Tokenizer):
    work = workspace(tmp_path, tokenizer, real_documents()[:1], steps=80)
    config = CONFIG.model_copy(update={"max_extraction_ratio": 0.1, "num_samples": 0, "num_invited_samples": 0})
    result = audit(work, config, SCRUBBED)
    assert result.extraction_ratio == 1.0
    assert not result.decision.passed
    said = "1 of 1 training prefixes of 8 tokens were continued verbatim for 8 tokens; 0 of 1 copied stretches stand in"
    assert said in result.decision.reason


def test_no_copies_come_with_their_upper_bound(tmp_path: Path, tokenizer: Tokenizer):
    work = workspace(tmp_path, tokenizer, real_documents(), untrained(tokenizer))
    result = audit(work, CONFIG, SCRUBBED)
    assert result.extraction_ratio == 0
    assert result.decision.numbers["extraction_upper_bound"] == pytest.approx(1 - 0.05 ** (1 / 6), abs=1e-6)


def test_a_repeat_gives_the_same_account(clean: Workspace, clean_result: AuditResult):
    lines = (clean.path / "phrases.jsonl").read_bytes()
    again = audit(clean, CONFIG, SCRUBBED)
    assert again.model_dump(exclude={"runtime"}) == clean_result.model_dump(exclude={"runtime"})
    assert (clean.path / "phrases.jsonl").read_bytes() == lines


def test_no_secret_is_written_logged_or_returned(
    leaky: Workspace, leaky_result: AuditResult, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    audit(leaky, CONFIG, UNSCRUBBED)
    secret = planted_phrases(ONE_LOUD)[0].secret
    written = "".join(path.read_text() for path in leaky.path.rglob("*") if path.is_file())
    for text in (caplog.text, leaky_result.model_dump_json(), written):
        assert secret not in text
    assert {json.loads(line)["id"] for line in written.splitlines()} >= {"catchable-00", "in-clear-00"}


def test_what_people_read_says_leak_test_words(leaky_result: AuditResult, clean_result: AuditResult):
    for result in (leaky_result, clean_result):
        sentence = f"{result.decision.reason} {result.decision.scope}".lower()
        assert not any(word in sentence for word in ("canary", "canaries", "exposure", "anonym"))


def test_numbers_survive_json(clean_result: AuditResult):
    assert AuditResult.model_validate_json(clean_result.model_dump_json()) == clean_result
