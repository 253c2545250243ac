"""The batches: windows by number, the documents in them, and what is told of a step."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gptmodel.config import ModelConfig, TokenizerConfig, TrainingConfig
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer, learn
from gptmodel.training.data import TrainingData, open_data

SHAPE = ModelConfig(embedding_dim=16, hidden_dim=32, num_layers=1, num_heads=2, context_length=8)
SIZES = (5, 3, 20, 1, 12)  # tokens of the documents, their ends included


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return learn(["a few words of text"], TokenizerConfig(vocab_size=300))


@pytest.fixture
def work(tmp_path: Path, tokenizer: Tokenizer) -> Workspace:
    for name in ("tokenizer", "pack"):
        (tmp_path / name).mkdir()
    tokenizer.save(tmp_path / "tokenizer")
    ids = np.full(sum(SIZES), 60, dtype="<u2")
    ids[np.cumsum(SIZES) - 1] = tokenizer.end_of_document_id
    for split in ("train", "validation"):
        ids.tofile(tmp_path / "pack" / f"{split}-00000.bin")
    return Workspace(tmp_path / "out", {name: tmp_path / name for name in ("tokenizer", "pack")})


def opened(work: Workspace, **settings: object) -> TrainingData:
    return open_data(work, SHAPE, TrainingConfig(batch_size=5, **settings))  # type: ignore[arg-type]


def test_without_the_option_a_batch_says_nothing_of_documents(work: Workspace) -> None:
    assert opened(work).batch([0]).documents is None


def test_a_documents_end_is_its_last_token(work: Workspace) -> None:
    documents = opened(work, attend_within_documents=True).batch([0, 1, 3]).documents
    assert documents is not None
    assert documents.tolist() == [[0] * 5 + [1] * 3, [0] * 8, [0] * 4 + [1] + [2] * 3]


def test_rows_keep_what_belongs_together(work: Workspace) -> None:
    batch = opened(work, attend_within_documents=True).batch([0, 1, 3])
    part = batch.rows(2, 3)
    assert part.documents is not None
    assert batch.documents is not None
    assert part.documents.tolist() == batch.documents[2:].tolist()
    assert (part.inputs.tolist(), part.targets.tolist()) == (batch.inputs[2:].tolist(), batch.targets[2:].tolist())


def test_validation_reads_the_same_windows_whatever_the_rows_at_once(work: Workspace) -> None:
    data = opened(work, num_eval_batches=1)
    whole = [row for batch in data.validation_batches(TrainingConfig(batch_size=5), 5) for row in batch.inputs.tolist()]
    parts = [row for batch in data.validation_batches(TrainingConfig(batch_size=5), 2) for row in batch.inputs.tolist()]
    assert parts == whole


def test_a_step_is_described_by_windows_and_documents(work: Workspace) -> None:
    starts = [0, *np.cumsum(SIZES)[:-1].tolist()]
    rows = {"id": list("abcde"), "split": ["train"] * 5, "start": starts}
    held_out = {"id": ["z"], "split": ["validation"], "start": [0]}
    pq.write_table(pa.concat_tables([pa.table(rows), pa.table(held_out)]), work.inputs["pack"] / "documents.parquet")
    data = opened(work)
    # The last token of a window is the first of the next one, and a target in it.
    assert data._documents_in([0]) == ["a", "b", "c"]
    assert data._documents_in([1]) == ["c"]
    assert data._documents_in([3, 0]) == ["c", "d", "e", "a", "b"]
    assert data.describe(0) == f"batch 0: windows {', '.join(map(str, data.order.windows(0)))}; documents " + ", ".join(
        data._documents_in(data.order.windows(0))
    )


def test_without_the_table_of_documents_the_windows_are_named_alone(work: Workspace) -> None:
    assert "documents" not in opened(work).describe(0)
