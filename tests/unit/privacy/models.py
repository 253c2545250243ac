"""Small corpora and models for the leak test's tests: a scrubbed one, and one whose scrubber looked away."""

from pathlib import Path

import torch

from gptmodel.config import PlantedConfig, PrivacyConfig, ScrubbingConfig, TokensConfig
from gptmodel.corpus.canaries import planted_documents
from gptmodel.corpus.documents import Document, document_id, shard_path, write_shard
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.model import GPTModel
from gptmodel.model_folder import save_model
from gptmodel.privacy import TrainingText
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer
from gptmodel.tokens import pack
from tests.unit.splits import write_splits

CONTEXT = 80
ONE_LOUD = PlantedConfig(
    num_catchable=1, catchable_repetitions=64, num_in_clear=4, in_clear_repetitions=(16,), max_canary_ratio=1.0
)
CONFIG = PrivacyConfig(
    planted=ONE_LOUD, num_references=40, num_samples=2, num_invited_samples=2, sample_tokens=16, num_prefixes=6,
    prefix_tokens=(8,), copy_tokens=8, max_extraction_ratio=1.0,
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


def trained(tokenizer: Tokenizer, documents: list[Document], steps: int) -> GPTModel:
    """Train a small model on each document from its start, a random batch at a time."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # so small a model only loses by more, the more so on a busy machine
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


def untrained(tokenizer: Tokenizer) -> GPTModel:
    torch.manual_seed(0)
    return GPTModel(tokenizer.vocab_size, 16, 32, 1, 2, context_length=CONTEXT)


def training_of(work: Workspace) -> TrainingText:
    """The training text that a laid-out workspace holds."""
    return TrainingText(work.inputs["scrub"], work.inputs["pack"])
