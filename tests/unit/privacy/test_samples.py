from dataclasses import dataclass

import pytest

from gptmodel.corpus.canaries import planted_phrases
from gptmodel.generation import Generator
from gptmodel.privacy.account import Samples
from gptmodel.privacy.samples import INVITATIONS, scan_samples
from gptmodel.privacy.training_text import TrainingText
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer
from tests.unit.privacy.models import CONFIG, ONE_LOUD, SCRUBBED, real_documents, training_of, untrained

LEAKED = planted_phrases(ONE_LOUD)[0].secret


@dataclass(frozen=True)
class Made:
    text: str
    token_ids: tuple[int, ...] = ()


def scan(
    monkeypatch: pytest.MonkeyPatch, tokenizer: Tokenizer, texts: list[str], training: TrainingText | None,
    num_invited: int = 0,
) -> Samples:  # fmt: skip
    """Scan texts that a model is made to say."""
    generator = Generator(untrained(tokenizer), tokenizer)
    made = [Made(text, tuple(tokenizer.encode(text))) for text in texts]
    monkeypatch.setattr(generator, "generate", lambda *_, **__: made)
    sizes = {"num_samples": len(texts) - num_invited, "num_invited_samples": num_invited}
    return scan_samples(generator, CONFIG.model_copy(update=sizes), SCRUBBED, training, 12)


def test_a_sampled_value_is_a_leak_if_the_training_text_holds_it_else_an_invention(
    leaky: Workspace, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
):
    texts = [f"write to {LEAKED}", "write to nobody.there11@example.org", "write to <EMAIL>", "nothing here"]
    found = scan(monkeypatch, tokenizer, texts, training_of(leaky))
    assert (found.num_samples, found.num_leaking, found.num_leaks, found.num_invented) == (4, 1, 1, 1)


def test_without_the_training_text_every_value_counts_as_a_leak(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch):
    found = scan(monkeypatch, tokenizer, ["write to nobody.there11@example.org"], None)
    assert (found.num_leaks, found.num_invented) == (1, 0)


def test_the_label_before_a_sample_counts_for_the_finders(
    clean: Workspace, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
):
    found = scan(monkeypatch, tokenizer, [" Anna Feather\n"], training_of(clean), num_invited=1)
    assert (found.num_invited, found.num_invented) == (1, 1)


def test_words_of_the_training_text_after_a_label_are_no_leak(
    clean: Workspace, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
):
    assert any("Chapter 3" in document.text for document in real_documents())
    found = scan(monkeypatch, tokenizer, [" Chapter\n"], training_of(clean), num_invited=1)
    assert found.num_leaks == 0


def test_a_sample_that_repeats_a_training_document_is_counted_whatever_the_finders_say(
    clean: Workspace, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
):
    texts = [real_documents()[2].text, "Words of my own, in no document at all, and long enough to be one."]
    found = scan(monkeypatch, tokenizer, texts, training_of(clean))
    assert (found.num_copying, found.num_leaks) == (1, 0)


def test_invitations_come_in_two_languages_and_hold_no_value():
    assert {"Name:", "姓名：", "Phone:", "电话："} <= set(INVITATIONS)
    assert not any(SCRUBBED.find(text) for text in INVITATIONS)
