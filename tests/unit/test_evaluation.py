import lzma
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from gptmodel.config import EvaluationConfig, TokenizerConfig, TokensConfig
from gptmodel.corpus.documents import Document, document_id, shard_path, write_shard
from gptmodel.errors import CorpusTooSmallError, ModelInputError
from gptmodel.evaluation import EvaluationResult, compare, evaluate, evaluate_texts
from gptmodel.generation import Generator
from gptmodel.model import GPTModel
from gptmodel.model_folder import save_model
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer, learn
from gptmodel.tokens import TokenSplit, pack
from tests.unit.splits import write_splits

CONFIG = EvaluationConfig(batch_size=4, num_prompts=3, prompt_tokens=6, continuation_tokens=6)
NUM_TEST = 10


def sentence(number: int) -> str:
    return f"The function number {number} returns the value of its first argument, or raises an error if there is none."


def documents() -> list[Document]:
    texts = [("docs", "en", sentence(n) + " " + sentence(n + 100)) for n in range(24)]
    texts += [("notes", "zh", f"这个函数返回第{n}个参数的值。如果没有参数，就会引发错误。") for n in range(6)]
    return [Document(document_id(source, "a.txt", str(n)), source, "a.txt", text, lang)
            for n, (source, lang, text) in enumerate(texts)]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return learn([document.text for document in documents()], TokenizerConfig(vocab_size=400))


def new_model(tokenizer: Tokenizer, seed: int = 0) -> GPTModel:
    torch.manual_seed(seed)
    return GPTModel(tokenizer.vocab_size, 16, 32, 1, 2, context_length=32)


def taught(model: GPTModel, tokenizer: Tokenizer, texts: list[str], steps: int) -> GPTModel:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    stream = torch.tensor([token for text in texts for token in [*tokenizer.encode(text), 0]])
    rows = stream[: len(stream) // 33 * 33].view(-1, 33)
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def model_folder(path: Path, model: GPTModel, tokenizer: Tokenizer) -> Path:
    save_model(path, model)
    tokenizer.save(path)
    return path


def workspace(root: Path, tokenizer: Tokenizer, num_test: int = NUM_TEST) -> Workspace:
    """Lay out the folders that the stage reads, packed by the real stage."""
    folders = {name: root / name for name in ("scrub", "split", "tokenizer", "pack", "train", "evaluate")}
    for folder in folders.values():
        folder.mkdir()
    rows = documents()
    write_shard(shard_path(folders["scrub"], 0), rows)
    held_out = {row.id for number, row in enumerate(rows) if number % 3 == 0 and number // 3 < num_test}
    write_splits(folders["scrub"], folders["split"], lambda row: "test" if row.id in held_out else "train")
    tokenizer.save(folders["tokenizer"])
    pack(Workspace(folders["pack"], folders), TokensConfig())
    save_model(folders["train"] / "model", new_model(tokenizer))
    return Workspace(folders["evaluate"], folders)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Workspace:
    return workspace(tmp_path_factory.mktemp("stage"), tokenizer)


@pytest.fixture(scope="module")
def result(work: Workspace) -> EvaluationResult:
    return evaluate(work, CONFIG)


@pytest.fixture(scope="module")
def test_texts() -> list[str]:
    return [row.text for number, row in enumerate(documents()) if number % 3 == 0 and number // 3 < NUM_TEST]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> dict[str, Path]:
    root, texts = tmp_path_factory.mktemp("models"), [row.text for row in documents()]
    weak, strong = (taught(new_model(tokenizer), tokenizer, texts, steps) for steps in (4, 40))
    return {
        "weak": model_folder(root / "weak", weak, tokenizer),
        "strong": model_folder(root / "strong", strong, tokenizer),
        "copy": model_folder(root / "copy", strong, tokenizer),
    }


def pairs(texts: list[str]) -> list[tuple[str, str]]:
    return [(str(number), text) for number, text in enumerate(texts)]


def test_perplexity_and_bits_follow_from_the_loss(result: EvaluationResult):
    assert result.perplexity == pytest.approx(math.exp(result.loss), rel=1e-4)
    nats = result.loss * result.num_tokens
    assert result.bits_per_byte == pytest.approx(nats / math.log(2) / result.num_bytes, rel=1e-4)


def test_counts_are_those_of_the_test_split(result: EvaluationResult, work: Workspace, test_texts: list[str]):
    assert result.num_documents == NUM_TEST
    assert result.num_bytes == sum(len(text.encode()) for text in test_texts)
    assert result.num_tokens == len(TokenSplit.open(work.inputs["pack"], "test"))


def test_slices_sum_up_to_the_whole(result: EvaluationResult):
    for slices in (result.by_source, result.by_language):
        assert sum(part.num_documents for part in slices.values()) == result.num_documents
        bits = sum(part.bits_per_byte * part.num_bytes for part in slices.values())
        assert bits == pytest.approx(result.bits_per_byte * result.num_bytes, rel=1e-4)
    assert set(result.by_source) == {"docs", "notes"}
    assert set(result.by_language) == {"en", "zh"}


def test_any_text_scores_as_in_the_stage(
    result: EvaluationResult, work: Workspace, tokenizer: Tokenizer, test_texts: list[str]
):
    from gptmodel.model_folder import load_model

    scores = evaluate_texts(Generator(load_model(work.inputs["train"] / "model"), tokenizer), test_texts)
    assert scores.bits_per_byte == pytest.approx(result.bits_per_byte, rel=1e-5)
    assert len(scores.per_document) == NUM_TEST


def test_the_unigram_baseline_by_hand(result: EvaluationResult, work: Workspace, tokenizer: Tokenizer):
    train, test = (TokenSplit.open(work.inputs["pack"], split)[:].tolist() for split in ("train", "test"))
    total = len(train) + tokenizer.vocab_size
    bits = -sum(math.log2((train.count(token) + 1) / total) for token in test)
    assert result.baselines["unigram"] == pytest.approx(bits / result.num_bytes, rel=1e-5)


def test_the_xz_baseline_packs_the_test_text(result: EvaluationResult, work: Workspace):
    order = sorted(row.id for number, row in enumerate(documents()) if number % 3 == 0)
    texts = {row.id: row.text for row in documents()}
    packed = lzma.compress("".join(texts[name] for name in order).encode(), preset=9 | lzma.PRESET_EXTREME)
    assert result.baselines["xz"] == pytest.approx(8 * len(packed) / result.num_bytes, rel=0.02)


def test_continuations_are_scored_beside_shuffled_references(result: EvaluationResult):
    assert result.num_prompts == 3
    for value in (result.bleu, result.chrf, result.shuffled_bleu, result.shuffled_chrf):
        assert value is not None
        assert 0 <= value <= 100
    assert set(result.signatures) == {"bleu", "chrf", "rouge_l"}
    assert result.distinct_2 is not None
    assert 0 < result.distinct_2 <= 1


def test_a_repeat_gives_the_same_account(result: EvaluationResult, work: Workspace):
    digest = (work.path / "documents.parquet").read_bytes()
    again = evaluate(work, CONFIG)
    assert again.model_dump(exclude={"runtime"}) == result.model_dump(exclude={"runtime"})
    assert (work.path / "documents.parquet").read_bytes() == digest


def test_without_prompts_nothing_is_generated(work: Workspace):
    result = evaluate(work, CONFIG.model_copy(update={"num_prompts": 0}))
    assert (result.num_prompts, result.bleu, result.shuffled_bleu, result.distinct_2) == (0, None, None, None)


def test_an_empty_test_split_is_said_so(tmp_path: Path, tokenizer: Tokenizer):
    with pytest.raises(CorpusTooSmallError, match="documents in the test split"):
        evaluate(workspace(tmp_path, tokenizer, num_test=0), CONFIG)


def test_an_untrained_model_scores_near_the_logarithm_of_its_vocabulary(tokenizer: Tokenizer):
    scores = evaluate_texts(Generator(new_model(tokenizer), tokenizer), [sentence(3) * 3])
    assert scores.loss == pytest.approx(math.log(tokenizer.vocab_size), abs=0.2)


def test_the_batch_size_does_not_change_a_score(tokenizer: Tokenizer, test_texts: list[str]):
    generator = Generator(new_model(tokenizer), tokenizer)
    one, all_together = (evaluate_texts(generator, test_texts, size).bits_per_byte for size in (1, 64))
    assert one == pytest.approx(all_together, rel=1e-5)


def test_no_text_is_an_error(tokenizer: Tokenizer):
    with pytest.raises(ModelInputError, match="text to score"):
        evaluate_texts(Generator(new_model(tokenizer), tokenizer), ["", ""])


def test_the_first_version_passes(folders: dict[str, Path], test_texts: list[str]):
    decision = compare(folders["weak"], None, pairs(test_texts), 0.005)
    assert decision.passed
    assert decision.reason.startswith("first version: ")


def test_a_better_model_passes_with_both_numbers(folders: dict[str, Path], test_texts: list[str]):
    decision = compare(folders["strong"], folders["weak"], pairs(test_texts), 0.005)
    assert decision.passed
    assert decision.reason.startswith("better: ")
    for name in ("candidate_bits_per_byte", "champion_bits_per_byte"):
        assert f"{decision.numbers[name]:.4f}" in decision.reason


def test_a_worse_model_is_kept_out_with_both_numbers(folders: dict[str, Path], test_texts: list[str]):
    decision = compare(folders["weak"], folders["strong"], pairs(test_texts), 0.005)
    assert not decision.passed
    assert decision.reason.startswith("worse: ")
    assert f"{decision.numbers['champion_bits_per_byte']:.4f}" in decision.reason


def test_the_same_weights_are_equal(folders: dict[str, Path], test_texts: list[str]):
    decision = compare(folders["copy"], folders["strong"], pairs(test_texts), 0.0)
    assert not decision.passed
    assert decision.reason.startswith("equal")


def test_less_than_the_minimum_improvement_is_not_enough(folders: dict[str, Path], test_texts: list[str]):
    decision = compare(folders["strong"], folders["weak"], pairs(test_texts), 99.0)
    assert not decision.passed
    assert decision.reason.startswith("not better by enough: ")


def test_too_few_documents_keep_the_champion(folders: dict[str, Path], test_texts: list[str]):
    decision = compare(folders["strong"], folders["weak"], pairs(test_texts[:4]), 0.005)
    assert not decision.passed
    assert decision.reason.startswith("cannot tell: 4 ")


def test_the_difference_is_that_of_the_totals(folders: dict[str, Path], test_texts: list[str]):
    numbers = compare(folders["strong"], folders["weak"], pairs(test_texts), 0.005).numbers
    strong, weak = (evaluate_texts(Generator.load(folders[name]), test_texts) for name in ("strong", "weak"))
    assert numbers["improvement"] == pytest.approx(weak.bits_per_byte - strong.bits_per_byte, abs=1e-5)
    assert numbers["improvement_low"] <= numbers["improvement"] <= numbers["improvement_high"]


def test_documents_that_disagree_decide_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from gptmodel import evaluation

    def scores(nats: list[float]) -> evaluation.TextScores:
        rows = [evaluation.DocumentScore(nats=value, num_tokens=10, num_bytes=40) for value in nats]
        total = sum(nats)
        return evaluation.TextScores(
            loss=total / 60, perplexity=1.0, bits_per_byte=total / math.log(2) / 240, num_bytes=240, num_documents=6,
            num_tokens=60, per_document=tuple(rows),
        )  # fmt: skip

    drawn = iter([scores([20, 20, 20, 20, 20, 60]), scores([30, 30, 30, 30, 30, 30])])
    monkeypatch.setattr(evaluation, "evaluate_texts", lambda *_: next(drawn))
    monkeypatch.setattr(evaluation, "_same_model", lambda *_: False)
    monkeypatch.setattr(evaluation, "_load", lambda folder: None)
    decision = compare(tmp_path, tmp_path, [(str(n), "text") for n in range(6)], 0.005)
    assert not decision.passed
    assert decision.reason.startswith("cannot tell, the documents disagree: ")


def test_numbers_survive_json(result: EvaluationResult):
    assert EvaluationResult.model_validate_json(result.model_dump_json()) == result
    assert not any(isinstance(value, np.generic) for value in result.model_dump().values())
