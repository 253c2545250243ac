"""Packed tokens and the batch order: nothing lost, nothing out of order, and both directions agree."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import PlantedConfig, TokenizerConfig, TokensConfig
from gptmodel.corpus.canaries import phrase_id_of, planted_documents, planted_phrases
from gptmodel.corpus.documents import Document, document_id, shard_path, write_shard
from gptmodel.corpus.split_table import Split
from gptmodel.errors import CorpusTooSmallError, StoreError
from gptmodel.store import Workspace
from gptmodel.tokenizer import learn
from gptmodel.tokens import (
    SPLITS,
    BatchOrder,
    TokenSplit,
    num_windows,
    pack,
    read_packed_documents,
    windows_at,
    windows_of,
)
from tests.unit.splits import write_splits

SMALL = TokensConfig(shard_tokens=100)
sizes = st.integers(1, 300)
seeds = st.integers(0, 2**64)


def make_documents() -> list[Document]:
    documents = []
    for number in range(30):
        path, planted = f"{number}.txt", "in_clear" if number == 5 else ""
        text = f"Document {number}: 文档 says hello. " * (number % 5 + 1)
        documents.append(Document(document_id("s", path, "0"), "s", path, text, "en", planted))  # type: ignore[arg-type]
    return documents


def make_work(root: Path, documents: list[Document]) -> Workspace:
    for name in ("scrub", "split", "tokenizer", "out"):
        (root / name).mkdir(parents=True, exist_ok=True)
    write_shard(shard_path(root / "scrub", 0), documents[: len(documents) // 2])
    write_shard(shard_path(root / "scrub", 1), documents[len(documents) // 2 :])
    places: dict[str, Split | None] = {"1.txt": "validation", "2.txt": "validation", "3.txt": "test", "7.txt": None}
    write_splits(root / "scrub", root / "split", lambda item: places.get(item.path, "train"))
    learn([item.text for item in make_documents()], TokenizerConfig(vocab_size=320)).save(root / "tokenizer")
    return Workspace(root / "out", {name: root / name for name in ("scrub", "split", "tokenizer")})


@pytest.fixture
def work(tmp_path: Path) -> Workspace:
    return make_work(tmp_path, make_documents())


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_every_document_lies_where_the_table_says(work: Workspace) -> None:
    from gptmodel.tokenizer import Tokenizer

    pack(work, SMALL)
    tokenizer = Tokenizer.load(work.inputs["tokenizer"])
    texts = {item.id: item.text for item in make_documents()}
    for row in read_packed_documents(work.path):
        tokens = TokenSplit.open(work.path, row.split)[row.start : row.start + row.num_tokens]
        assert tokens[-1] == tokenizer.end_of_document_id
        assert tokenizer.decode(tokens[:-1].tolist()) == texts[row.id]


def test_the_documents_of_a_split_fill_its_stream(work: Workspace) -> None:
    pack(work, SMALL)
    for split in SPLITS:
        rows = read_packed_documents(work.path, [split])
        ends = [row.start + row.num_tokens for row in rows]
        assert [row.start for row in rows] == [0, *ends[:-1]]
        assert ends[-1] == len(TokenSplit.open(work.path, split))


def test_documents_stand_in_the_order_of_their_hashes(work: Workspace) -> None:
    pack(work, SMALL)
    ids = [row.id for row in read_packed_documents(work.path, ["train"])]
    assert ids == sorted(ids)


def test_parts_of_a_divided_text_follow_in_order(tmp_path: Path) -> None:
    base = document_id("s", "long.txt", "0")
    parts = [Document(f"{base}.{n}", "s", "long.txt", f"part {n} of the text") for n in (10, 2, 1)]
    work = make_work(tmp_path, [*make_documents(), *parts])
    pack(work, SMALL)
    ids = [row.id for row in read_packed_documents(work.path, ["train"]) if row.id.startswith(base)]
    assert ids == [f"{base}.1", f"{base}.2", f"{base}.10"]


def test_the_account_leaves_planted_documents_out(work: Workspace) -> None:
    result = pack(work, SMALL)
    assert result.num_documents == {"train": 25, "validation": 2, "test": 1}
    assert result.num_planted_tokens > 0
    assert result.num_tokens["train"] + result.num_planted_tokens == len(TokenSplit.open(work.path, "train"))


def test_the_order_of_shards_does_not_matter(tmp_path: Path) -> None:
    first = make_work(tmp_path / "1", make_documents())
    second = make_work(tmp_path / "2", make_documents()[::-1])
    assert pack(first, SMALL) == pack(second, SMALL)
    assert digests(first.path) == digests(second.path)


def backwards(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    return [function(item) for item in reversed(items)][::-1]


def test_the_order_in_which_shards_are_encoded_does_not_matter(work: Workspace) -> None:
    once = (pack(work, SMALL), digests(work.path))
    assert (pack(work, SMALL, mapper=backwards), digests(work.path)) == once


def test_packing_again_over_leftovers_gives_the_same_files(work: Workspace) -> None:
    pack(work, TokensConfig(shard_tokens=17))
    pack(work, SMALL)
    once = digests(work.path)
    pack(work, SMALL)
    assert digests(work.path) == once


def test_no_token_file_is_longer_than_asked(work: Workspace) -> None:
    pack(work, SMALL)
    files = sorted(work.path.glob("train-*.bin"))
    assert len(files) > 2
    assert {path.stat().st_size for path in files[:-1]} == {2 * 100}


def test_the_size_of_token_files_does_not_show_in_the_stream(work: Workspace) -> None:
    pack(work, SMALL)
    cut = TokenSplit.open(work.path, "train")[:]
    pack(work, TokensConfig())
    assert np.array_equal(cut, TokenSplit.open(work.path, "train")[:])


@given(a=st.integers(-20, 400), b=st.integers(-20, 400), cut=st.integers(1, 120))
def test_slices_across_files_equal_slices_of_the_whole(tmp_path: Path, a: int, b: int, cut: int) -> None:
    whole = np.arange(300, dtype="<u2")
    for old in tmp_path.glob("*.bin"):
        old.unlink()
    for number, start in enumerate(range(0, 300, cut)):
        (tmp_path / f"x-{number:05d}.bin").write_bytes(whole[start : start + cut].tobytes())
    split = TokenSplit.open(tmp_path, "x")
    assert np.array_equal(split[a:b], whole[a:b])
    assert split[a:b].dtype == np.int64


def test_a_missing_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="token files of the split train"):
        TokenSplit.open(tmp_path, "train")


def test_packing_nothing_is_refused(tmp_path: Path) -> None:
    work = make_work(tmp_path, [])
    with pytest.raises(CorpusTooSmallError, match="documents to pack"):
        pack(work, SMALL)


@given(size=sizes, seed=seeds, epoch=st.integers(0, 5))
def test_each_epoch_visits_every_window_once(size: int, seed: int, epoch: int) -> None:
    order = BatchOrder(size, 4, seed)
    assert sorted(order.permuted(range(size), epoch)) == list(range(size))


@given(size=st.integers(1, 10**12), seed=seeds, epoch=st.integers(0, 10**6), data=st.data())
def test_places_is_the_inverse_of_permuted(size: int, seed: int, epoch: int, data: st.DataObject) -> None:
    order = BatchOrder(size, 4, seed)
    place = data.draw(st.integers(0, size - 1))
    window = order.permuted([place], epoch)[0]
    assert 0 <= window < size
    assert order.places([window], epoch) == [place]


@given(size=st.integers(1, 60), batch_size=st.integers(1, 40), seed=seeds, steps=st.integers(0, 30))
def test_steps_of_agrees_with_windows(size: int, batch_size: int, seed: int, steps: int) -> None:
    order = BatchOrder(size, batch_size, seed)
    expected: dict[int, list[int]] = {window: [] for window in range(size)}
    for step in range(steps):
        for window in order.windows(step):
            expected[window].append(step)
    assert {window: order.steps_of(window, steps) for window in range(size)} == expected


@given(size=st.integers(20, 300), seed=seeds)
def test_epochs_differ(size: int, seed: int) -> None:
    order = BatchOrder(size, 4, seed)
    assert order.permuted(range(size), 0) != order.permuted(range(size), 1)


def test_seeds_differ() -> None:
    assert BatchOrder(1000, 8, 1).windows(0) != BatchOrder(1000, 8, 2).windows(0)


def test_the_order_is_the_same_on_every_machine() -> None:
    assert BatchOrder(1000, 8, 1337).windows(3) == [83, 695, 682, 719, 964, 446, 224, 47]


def test_neighbours_are_scattered() -> None:
    order = BatchOrder(10_000, 1, 7)
    windows = np.array(order.permuted(range(10_000), 0))
    gaps = np.abs(np.diff(windows))
    assert abs(gaps.mean() - 10_000 / 3) < 200
    assert abs(np.corrcoef(windows, np.arange(10_000))[0, 1]) < 0.05


@pytest.mark.parametrize(("size", "batch_size"), [(0, 1), (1, 0)])
def test_an_order_of_nothing_is_refused(size: int, batch_size: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        BatchOrder(size, batch_size, 0)


@given(length=st.integers(2, 400), context=st.integers(1, 50))
def test_every_token_but_first_and_tail_is_a_target_once(tmp_path: Path, length: int, context: int) -> None:
    total = num_windows(length, context)
    if not total:
        return
    (tmp_path / "x-00000.bin").write_bytes(np.arange(length, dtype="<u2").tobytes())
    inputs, targets = windows_at(TokenSplit.open(tmp_path, "x"), range(total), context)
    assert targets.ravel().tolist() == list(range(1, total * context + 1))
    assert np.array_equal(inputs + 1, targets)
    assert length - 1 - total * context < context


def test_a_batch_reads_the_windows_of_its_step(work: Workspace) -> None:
    pack(work, SMALL)
    split = TokenSplit.open(work.path, "train")
    order = BatchOrder(num_windows(len(split), 8), 4, 1)
    inputs, targets = windows_at(split, order.windows(5), 8)
    assert inputs.shape == targets.shape == (4, 8)
    for row, window in enumerate(order.windows(5)):
        assert np.array_equal(inputs[row], split[window * 8 : window * 8 + 8])


@given(context=st.integers(1, 40))
def test_windows_of_a_document_are_those_that_hold_its_tokens(tmp_path: Path, context: int) -> None:
    if not (tmp_path / "out").exists():
        pack(make_work(tmp_path, make_documents()), SMALL)
    total = num_windows(len(TokenSplit.open(tmp_path / "out", "train")), context)
    for row in read_packed_documents(tmp_path / "out", ["train"]):
        span = set(range(row.start, row.start + row.num_tokens))
        expected = [w for w in range(total) if span & set(range(w * context, (w + 1) * context + 1))]
        assert list(windows_of(row, context, total)) == expected


def test_sources_of_different_weight_lie_in_stretches_of_their_own(tmp_path: Path) -> None:
    documents = [replace(item, source="rare" if number % 3 else "s") for number, item in enumerate(make_documents())]
    work = make_work(tmp_path, documents)
    pack(work, SMALL, {"rare": 2.0})
    groups = json.loads((work.path / "mixture.json").read_text())
    train = read_packed_documents(work.path, ["train"])
    assert [group["weight"] for group in groups] == [1.0, 2.0]
    assert sum(group["num_tokens"] for group in groups) == sum(item.num_tokens for item in train)
    first = [item for item in train if item.start < groups[0]["num_tokens"]]
    assert {item.source for item in first if not item.planted} == {"s"}
    assert {item.source for item in train[len(first) :]} == {"rare"}


def test_equal_weights_leave_one_stream(work: Workspace) -> None:
    pack(work, SMALL, {"s": 3.0})
    planted = [item for item in read_packed_documents(work.path) if item.planted]
    assert planted
    assert (work.path / "mixture.json").exists()  # planted documents have weight 1
    pack(work, SMALL, {"s": 1.0})
    assert not (work.path / "mixture.json").exists()


FEW = PlantedConfig(num_catchable=4, catchable_repetitions=2, num_in_clear=4, in_clear_repetitions=(1,))


def planted_work(root: Path, planted: PlantedConfig) -> Workspace:
    real = [Document(document_id("s", f"{n}.txt", "0"), "s", f"{n}.txt", f"Document {n} says hello. " * 20) for n in
            range(120)]  # fmt: skip
    return make_work(root, [*real, *planted_documents(planted, 10**9)])


@pytest.mark.parametrize("ratio", [0.001, 0.02, 0.2])
def test_planted_documents_take_no_more_than_their_share_of_the_tokens(tmp_path: Path, ratio: float) -> None:
    planted = FEW.model_copy(update={"max_canary_ratio": ratio})
    result = pack(planted_work(tmp_path, planted), SMALL, planted=planted)
    assert result.num_planted_tokens <= ratio * result.num_tokens["train"]
    rows = [row for row in read_packed_documents(tmp_path / "out") if row.planted]
    assert len(rows) == result.num_planted_documents
    assert (result.num_planted_documents > 0) == (ratio > 0.001)


def test_of_planted_phrases_beyond_their_share_the_first_stay_whole(tmp_path: Path) -> None:
    planted = FEW.model_copy(update={"max_canary_ratio": 0.05})
    pack(planted_work(tmp_path, planted), SMALL, planted=planted)
    packed = {row.id for row in read_packed_documents(tmp_path / "out") if row.planted}
    by_phrase: dict[str, set[bool]] = {}
    for document in planted_documents(planted, 10**9):
        by_phrase.setdefault(phrase_id_of(document), set()).add(document.id in packed)
    there = [by_phrase[phrase.id] for phrase in planted_phrases(planted)]
    assert there == sorted(there, key=lambda one: one == {False})
    assert {True} in there
    assert {False} in there
