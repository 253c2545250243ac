import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gptmodel import privacy
from gptmodel.checkpoint import save_model
from gptmodel.config import PlantedConfig, PrivacyConfig, ScrubbingConfig, TokenizerConfig, TokensConfig
from gptmodel.corpus.canaries import phrases_that_fit, planted_documents
from gptmodel.corpus.documents import Document, document_id, shard_path, write_shard
from gptmodel.corpus.scrubbing import PLACEHOLDERS, Scrubber
from gptmodel.generation import Generator
from gptmodel.model import GPTModel
from gptmodel.privacy import AuditResult, audit, audit_model
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer, learn
from gptmodel.tokens import pack
from tests.unit.splits import write_splits

CONTEXT = 80
ONE_LOUD = PlantedConfig(
    num_catchable=1, catchable_repetitions=64, num_in_clear=4, in_clear_repetitions=(16,), max_canary_ratio=1.0
)
CONFIG = PrivacyConfig(
    planted=ONE_LOUD, num_references=40, num_samples=4, sample_tokens=16, num_prefixes=6, prefix_tokens=8,
    copy_tokens=8, max_extraction_ratio=1.0,
)  # fmt: skip
SCRUBBED = Scrubber(ScrubbingConfig())
UNSCRUBBED = Scrubber(ScrubbingConfig(kinds=("IBAN",), find_names=False))


def real_documents() -> list[Document]:
    texts = [f"Chapter {n} tells how the {word} was carried over the hill, and what the {word} was worth there."
             for n, word in enumerate("apple stone river basket ladder candle ribbon lantern".split())]  # fmt: skip
    return [Document(document_id("book", "a.txt", str(n)), "book", "a.txt", text, "en") for n, text in enumerate(texts)]


def scrubbed(documents: list[Document], scrubber: Scrubber) -> list[Document]:
    return [
        Document(d.id, d.source, d.path, scrubber.scrub(d.text).text, d.lang, d.planted) for d in documents
    ]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return learn([document.text for document in real_documents()], TokenizerConfig(vocab_size=400), PLACEHOLDERS)


def trained(tokenizer: Tokenizer, documents: list[Document], steps: int) -> GPTModel:
    """Train a small model on each document from its start, a random batch at a time."""
    torch.manual_seed(0)
    model = GPTModel(tokenizer.vocab_size, 48, 96, 2, 2, context_length=CONTEXT)
    rows = [[0, *tokenizer.encode(document.text)][: CONTEXT + 1] for document in documents]
    ids = torch.zeros(len(rows), CONTEXT + 1, dtype=torch.int64)
    for row, tokens in zip(ids, rows, strict=True):
        row[: len(tokens)] = torch.tensor(tokens)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(steps):
        batch = ids[torch.randint(len(ids), (min(24, len(ids)),))]
        loss = torch.nn.functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def workspace(
    root: Path, tokenizer: Tokenizer, documents: list[Document], model: GPTModel | None = None, steps: int = 60
) -> Workspace:
    """Lay out the folders that the stage reads; without a model one is trained on these very documents."""
    folders = {name: root / name for name in ("scrub", "split", "tokenizer", "pack", "train", "audit")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    write_shard(shard_path(folders["scrub"], 0), documents)
    write_splits(folders["scrub"], folders["split"])
    tokenizer.save(folders["tokenizer"])
    pack(Workspace(folders["pack"], folders), TokensConfig())
    save_model(folders["train"] / "model", model or trained(tokenizer, documents, steps))
    return Workspace(folders["audit"], folders)


def corpus(scrubber: Scrubber, planted: PlantedConfig = ONE_LOUD) -> list[Document]:
    return scrubbed(real_documents() + planted_documents(planted, 10**6), scrubber)


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Workspace:
    return workspace(tmp_path_factory.mktemp("leaky"), tokenizer, corpus(UNSCRUBBED))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Workspace:
    return workspace(tmp_path_factory.mktemp("clean"), tokenizer, corpus(SCRUBBED))


@pytest.fixture(scope="module")
def leaky_result(leaky: Workspace) -> AuditResult:
    return audit(leaky, CONFIG, UNSCRUBBED)


@pytest.fixture(scope="module")
def clean_result(clean: Workspace) -> AuditResult:
    return audit(clean, CONFIG, SCRUBBED)


def untrained(tokenizer: Tokenizer) -> GPTModel:
    torch.manual_seed(0)
    return GPTModel(tokenizer.vocab_size, 16, 32, 1, 2, context_length=CONTEXT)


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
    result = audit_model(folder, CONFIG.model_copy(update={"num_samples": 0}), UNSCRUBBED)
    assert result.exposure.p_value < CONFIG.significance
    assert not result.decision.passed
    assert "model alone" in result.decision.scope


def test_the_scrubbed_twin_passes(clean_result: AuditResult):
    assert clean_result.decision.passed
    assert clean_result.exposure.num_reached_training == 0


def test_a_pass_says_how_sensitive_the_test_was(clean_result: AuditResult):
    assert clean_result.exposure.num_recognised == 4
    assert "the test can see: 4 of 4 left in clear were recognised" in clean_result.decision.reason
    assert clean_result.exposure.recognised_by_repetitions == {"16": 1.0}


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


def test_only_phrases_that_fitted_the_corpus_are_ranked(tmp_path: Path, tokenizer: Tokenizer):
    planted = PlantedConfig(catchable_repetitions=1, max_canary_ratio=0.001)
    documents = scrubbed(real_documents() + planted_documents(planted, 400_000), SCRUBBED)
    work = workspace(tmp_path, tokenizer, documents, untrained(tokenizer))
    exposure = audit(work, CONFIG.model_copy(update={"planted": planted}), SCRUBBED).exposure
    assert exposure.num_catchable + exposure.num_in_clear == len(phrases_that_fit(planted, 400_000)) < 10


def test_a_kind_accepted_as_unsearched_is_left_out(tmp_path: Path, tokenizer: Tokenizer):
    scrubber = Scrubber(UNSCRUBBED.config.model_copy(update={"accept_unsearched": ("EMAIL",)}))
    work = workspace(tmp_path, tokenizer, corpus(scrubber), untrained(tokenizer))
    result = audit(work, CONFIG, scrubber)
    assert result.decision.passed
    assert result.exposure.num_catchable == 0


def test_the_scope_names_what_was_not_searched(leaky_result: AuditResult, clean_result: AuditResult):
    assert "EMAIL" in leaky_result.decision.scope.split("not searched")[1]
    assert "ADDRESS" in clean_result.decision.scope.split("not searched")[1]


def test_a_memorised_training_text_is_counted_as_copied(tmp_path: Path, tokenizer: Tokenizer):
    documents = real_documents()[:1]
    work = workspace(tmp_path, tokenizer, documents, steps=80)
    config = CONFIG.model_copy(update={"max_extraction_ratio": 0.1, "num_samples": 0})
    result = audit(work, config, SCRUBBED)
    assert (result.num_prefixes, result.num_copies, result.extraction_ratio) == (1, 1, 1.0)
    assert not result.decision.passed
    assert "1 of 1 training prefixes were continued verbatim for 8 tokens (limit 10%)" in result.decision.reason


def test_no_copies_come_with_their_upper_bound(tmp_path: Path, tokenizer: Tokenizer):
    work = workspace(tmp_path, tokenizer, real_documents(), untrained(tokenizer))
    result = audit(work, CONFIG, SCRUBBED)
    assert result.num_copies == 0
    assert result.decision.numbers["extraction_upper_bound"] == pytest.approx(1 - 0.05 ** (1 / 6), abs=1e-6)


def test_planted_documents_are_never_tried_as_prefixes(leaky: Workspace):
    training = privacy._Training(leaky.inputs["scrub"], leaky.inputs["pack"])
    config = CONFIG.model_copy(update={"num_prefixes": 1000})
    assert len(privacy._stretches(config, training, 16)) == len(real_documents())


def test_a_prefix_and_its_continuation_lie_within_one_document(clean: Workspace, tokenizer: Tokenizer):
    training = privacy._Training(clean.inputs["scrub"], clean.inputs["pack"])
    texts = [document.text.encode() for document in real_documents()]
    for stretch in privacy._stretches(CONFIG, training, 16):
        piece = tokenizer.decode_bytes(stretch.tolist())
        assert len(stretch) == 16
        assert any(piece in text for text in texts)


def test_greedy_continuation_takes_the_likeliest_token(tokenizer: Tokenizer):
    model, prefix = untrained(tokenizer), np.array([[5, 9, 30]])
    with torch.inference_mode():
        ids = torch.from_numpy(prefix[0])
        for _ in range(5):
            ids = torch.cat([ids, model(ids)[-1:].argmax(-1)])
    assert privacy._continue_greedily(Generator(model, tokenizer), prefix, 5).tolist() == [ids[3:].tolist()]


def test_sizes_beyond_the_context_are_cut_and_said(tmp_path: Path, tokenizer: Tokenizer):
    work = workspace(tmp_path, tokenizer, real_documents(), untrained(tokenizer))
    config = CONFIG.model_copy(update={"prefix_tokens": 500, "copy_tokens": 500})
    result = audit(work, config, SCRUBBED)
    assert (result.prefix_tokens, result.copy_tokens) == (CONTEXT // 2, CONTEXT // 2)


class _Sample:
    def __init__(self, text: str) -> None:
        self.text = text


def test_a_sampled_value_is_a_leak_if_the_training_text_holds_it_else_an_invention(
    leaky: Workspace, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
):
    known = phrases_that_fit(ONE_LOUD, 10**6)[0].secret
    texts = [f"write to {known}", "write to nobody.there11@example.org", "write to <EMAIL>", "nothing here"]
    generator = Generator(untrained(tokenizer), tokenizer)
    monkeypatch.setattr(generator, "generate", lambda *_, **__: [_Sample(text) for text in texts])
    training = privacy._Training(leaky.inputs["scrub"], leaky.inputs["pack"])
    found = privacy._samples(generator, CONFIG, SCRUBBED, training)
    assert (found.num_samples, found.num_leaking, found.num_leaks, found.num_invented) == (4, 1, 1, 1)


def test_a_leak_in_a_sample_means_no(leaky_result: AuditResult):
    numbers = leaky_result.exposure.model_copy(update={"num_reached_training": 0, "p_value": 1.0})
    samples = privacy._Samples(num_samples=9, num_leaking=1, num_leaks=2, num_invented=0)
    decision = privacy._decide(numbers, privacy._Copies(0, 0, 8, 8), samples, CONFIG, SCRUBBED, None)
    assert not decision.passed
    assert "2 values in 9 samples stand in the training text" in decision.reason


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
    secret = phrases_that_fit(ONE_LOUD, 10**6)[0].secret
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
