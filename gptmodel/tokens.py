"""Packed token files, and the batch order as arithmetic.

A split is one long stream of 16-bit token ids, documents one after the other, each followed by the end-of-document
token; windows are cut from it. Which windows make up batch n is computed, never stored, and can be computed backwards:
which steps read a given window is arithmetic too. `training`, `evaluation`, `privacy` and `lineage` read this room;
it never imports torch.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from gptmodel.config import PlantedConfig, TokensConfig
from gptmodel.corpus.canaries import phrase_id_of, phrases_that_fit
from gptmodel.corpus.documents import Document
from gptmodel.corpus.split_table import SPLITS, SplitRow, read_corpus
from gptmodel.errors import CorpusTooSmallError, StoreError
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer

DOCUMENTS_FILE = "documents.parquet"
MIXTURE_FILE = "mixture.json"

Tokens = npt.NDArray[np.int64]
_Words = npt.NDArray[np.uint64]

_TOKEN = np.dtype("<u2")
_COPY_TOKENS = 4_000_000
_BATCH_DOCUMENTS = 200
_ROUNDS = 6


class PackResult(BaseModel):
    """What the pack stage made. Planted documents are in the train stream, but counted apart."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_tokens: dict[str, int]
    """Tokens of each split, ends of documents included, planted documents left out."""
    num_documents: dict[str, int]
    """Documents of each split, planted ones left out."""
    num_bytes: dict[str, int]
    """UTF-8 bytes of text of each split, planted documents left out."""
    num_planted_tokens: int
    """Tokens of planted documents in the train stream."""
    num_planted_documents: int
    """Planted documents in the train stream; those beyond the largest share of the tokens were left out."""


@dataclass(frozen=True, slots=True)
class PackedDocument:
    """Where a document lies in its split's stream; a row of `documents.parquet`.

    Attributes:
        id: Identity of the document.
        source: Its source.
        lang: Its language.
        split: train, validation or test.
        planted: Empty for real text, else the sort of planted test phrase.
        start: Position of its first token in the split's stream.
        num_tokens: Its tokens, the end of document included.
        num_bytes: UTF-8 bytes of its text.
    """

    id: str
    source: str
    lang: str
    split: str
    planted: str
    start: int
    num_tokens: int
    num_bytes: int


def pack(
    work: Workspace, config: TokensConfig, weights: Mapping[str, float] | None = None,
    planted: PlantedConfig | None = None,
) -> PackResult:  # fmt: skip
    """Encode every document of the split into token files and the table that says where each lies.

    Documents stand in the order of their ids, which are hashes: a fixed shuffle that planted documents share. Parts of
    a divided text follow one another. Where sources differ in weight, the train stream has one stretch for each weight,
    and `mixture.json` says how long they are.

    Args:
        work: Reads "scrub", "split" and "tokenizer"; writes `<split>-00000.bin` (16-bit little endian), ...
            and `documents.parquet`.
        config: Size of a token file.
        weights: Mixing weight of each source; 1 where it names none, and for planted documents.
        planted: Says how large a share of the train stream planted documents may have; the phrases beyond it are left
            out, the last ones first. None sets no limit.

    Raises:
        CorpusTooSmallError: The split names no document.
    """
    work.clear()
    tokenizer = Tokenizer.load(work.inputs["tokenizer"])
    spool = work.path / "spool.tmp"
    encoded = _encode_all(work, tokenizer, spool)
    if not encoded:
        raise CorpusTooSmallError(expected="documents to pack", actual="none", mend="Add documents to the sources.")
    encoded = _within_share(encoded, planted) if planted else encoded
    weight_of = weights or {}
    rows = _laid_out(encoded, weight_of)
    _write_mixture(work.path / MIXTURE_FILE, [row for _, row in rows], weight_of)
    for split in SPLITS:
        order = [spooled for spooled, row in rows if row.split == split]
        _write_stream(work.path, split, spool, order, config.shard_tokens)
    spool.unlink()
    documents = [row for _, row in rows]
    _write_documents(work.path / DOCUMENTS_FILE, documents)
    return _account(documents)


def read_packed_documents(folder: Path, splits: Sequence[str] = SPLITS) -> list[PackedDocument]:
    """Read where the documents of some splits lie, in the order of the stream."""
    import pyarrow.parquet as pq

    rows = pq.read_table(folder / DOCUMENTS_FILE, filters=[("split", "in", list(splits))]).to_pylist()
    return [PackedDocument(**row) for row in rows]


class TokenSplit:
    """One split's stream of token ids, memory-mapped.

    Example:
        >>> split = TokenSplit.open(folder, "train")        # doctest: +SKIP
        >>> split[10:20]                                    # doctest: +SKIP
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._parts: list[Any] = [np.memmap(path, dtype=_TOKEN, mode="r") for path in files if path.stat().st_size]
        self._starts = np.cumsum([0, *(len(part) for part in self._parts)])

    @classmethod
    def open(cls, folder: Path, split: str) -> "TokenSplit":
        """Open a split of the pack stage's folder.

        Raises:
            StoreError: The folder holds no file of that split.
        """
        files = sorted(folder.glob(f"{split}-*.bin"))
        if not files:
            raise StoreError(
                expected=f"token files of the split {split} in {folder}",
                actual="none",
                mend="Compute them again: gptmodel run --force pack",
            )
        return cls(files)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, where: slice) -> Tokens:
        """Give tokens a:b as int64, shape (b - a,), across files."""
        start, stop, step = where.indices(len(self))
        if step != 1:
            raise ValueError(f"a step of 1 is possible, got {step}")
        pieces = [np.empty(0, dtype=np.int64)]
        for part, first in zip(self._parts, self._starts, strict=False):
            if first < stop and start < first + len(part):
                pieces.append(part[max(start - first, 0) : stop - first].astype(np.int64))
        return np.concatenate(pieces)


def num_windows(num_tokens: int, context_length: int) -> int:
    """Give the number of windows in a stream.

    Window w is the stretch of context_length + 1 tokens from w * context_length on: its last token is the next one's
    first, so every token but the very first is a target exactly once, and at most context_length - 1 tokens at the end
    of the stream are left over.
    """
    return max(0, (num_tokens - 1) // context_length)


class BatchOrder:
    """The order in which windows are read: a pure function of (number of windows, batch size, seed).

    Each pass over the windows (epoch) visits every window once, in a permutation of its own. The permutation is a
    Feistel network over the smallest even number of bits that can number the windows, with cycle walking: a result
    beyond the last window is put through again. So it can be computed at any place, in both directions, without a
    table.

    Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002; the round function is the finaliser of
    splitmix64 (Steele, Lea, Flood, 2014). It shuffles; it is no cipher.

    Args:
        num_windows: Windows in the stream, at least 1.
        batch_size: Windows in one step.
        seed: Seed of the permutations.

    Raises:
        ValueError: num_windows or batch_size is below 1.
    """

    def __init__(self, num_windows: int, batch_size: int, seed: int) -> None:
        if num_windows < 1 or batch_size < 1:
            raise ValueError(f"num_windows and batch_size must be at least 1, got {num_windows} and {batch_size}")
        self.num_windows = num_windows
        self.batch_size = batch_size
        self.seed = seed
        self._half_bits = max(1, ((num_windows - 1).bit_length() + 1) // 2)

    def windows(self, step: int) -> list[int]:
        """Give the batch_size windows that step n reads, 0 <= window < num_windows. Steps count from 0."""
        places = [step * self.batch_size + offset for offset in range(self.batch_size)]
        epochs = range(places[0] // self.num_windows, places[-1] // self.num_windows + 1)
        found: list[int] = []
        for epoch in epochs:
            inside = [place % self.num_windows for place in places if place // self.num_windows == epoch]
            found += self.permuted(inside, epoch)
        return found

    def steps_of(self, window: int, num_steps: int) -> list[int]:
        """Give the steps below num_steps that read a window, ascending; a step that reads it twice stands twice."""
        num_places = num_steps * self.batch_size
        num_epochs = -(-num_places // self.num_windows)
        places = [epoch * self.num_windows + self.places([window], epoch)[0] for epoch in range(num_epochs)]
        return sorted(place // self.batch_size for place in places if place < num_places)

    def permuted(self, places: Sequence[int], epoch: int) -> list[int]:
        """Give the windows at these places (0 <= place < num_windows) of an epoch."""
        return self._walk(places, self._keys(epoch), self._forward)

    def places(self, windows: Sequence[int], epoch: int) -> list[int]:
        """Give the places of these windows in an epoch: the inverse of `permuted`."""
        return self._walk(windows, self._keys(epoch), self._backward)

    def _keys(self, epoch: int) -> _Words:
        start = (self.seed * 0x9E3779B97F4A7C15 + epoch * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF
        counters = np.arange(1, _ROUNDS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        return _mixed(_mixed(np.full(_ROUNDS, start, dtype=np.uint64)) + counters)

    def _walk(self, values: Sequence[int], keys: _Words, network: Any) -> list[int]:
        words = network(np.array(values, dtype=np.uint64), keys)
        while (outside := words >= self.num_windows).any():
            words[outside] = network(words[outside], keys)
        return [int(word) for word in words]

    def _forward(self, words: _Words, keys: _Words) -> _Words:
        left, right = self._halves(words)
        for key in keys:
            left, right = right, left ^ self._round(right, key)
        return self._joined(left, right)

    def _backward(self, words: _Words, keys: _Words) -> _Words:
        left, right = self._halves(words)
        for key in keys[::-1]:
            left, right = right ^ self._round(left, key), left
        return self._joined(left, right)

    def _round(self, half: _Words, key: np.uint64) -> _Words:
        return _mixed(half ^ key) >> np.uint64(64 - self._half_bits)

    def _halves(self, words: _Words) -> tuple[_Words, _Words]:
        bits = np.uint64(self._half_bits)
        return words >> bits, words & ((np.uint64(1) << bits) - np.uint64(1))

    def _joined(self, left: _Words, right: _Words) -> _Words:
        return (left << np.uint64(self._half_bits)) | right


class Order(Protocol):
    """Says which windows a step reads."""

    def windows(self, step: int) -> list[int]:
        """Give the windows that step n reads."""


def batch(split: TokenSplit, order: Order, step: int, context_length: int) -> tuple[Tokens, Tokens]:
    """Give a step's inputs, and its targets one token later: int64, shape (batch_size, context_length)."""
    return windows_at(split, order.windows(step), context_length)


def windows_at(split: TokenSplit, windows: Sequence[int], context_length: int) -> tuple[Tokens, Tokens]:
    """Give windows by number as (inputs, targets), both int64, shape (len(windows), context_length)."""
    starts = (window * context_length for window in windows)
    rows = np.stack([split[start : start + context_length + 1] for start in starts])  # (B, T + 1)
    return rows[:, :-1], rows[:, 1:]


def windows_of(document: PackedDocument, context_length: int, total: int) -> range:
    """Give the windows, of `total` in the stream, that hold at least one token of a document."""
    first = max(0, (document.start - 1) // context_length)
    last = (document.start + document.num_tokens - 1) // context_length
    return range(first, min(last + 1, total))


def _mixed(words: _Words) -> _Words:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class _Spooled:
    """A document's tokens in the spool, in the order they were encoded."""

    document: tuple[str, str, str, str]  # id, source, lang, planted
    phrase: str  # id of the planted phrase, empty for real text
    split: str
    offset: int
    num_tokens: int
    num_bytes: int


def _encode_all(work: Workspace, tokenizer: Tokenizer, spool: Path) -> list[_Spooled]:
    """Encode in the order of the shards into one file, so that memory holds a batch of text and a small index only."""
    documents = read_corpus(work.inputs["scrub"], work.inputs["split"])
    index: list[_Spooled] = []
    offset = 0
    with spool.open("wb") as file:
        for group in _grouped(documents):
            for (item, row), ids in zip(group, tokenizer.encode_batch(item.text for item, _ in group), strict=True):
                tokens = np.array([*ids, tokenizer.end_of_document_id], dtype=_TOKEN)
                file.write(tokens.tobytes())
                num_bytes = len(item.text.encode("utf-8", "surrogatepass"))
                facts = (item.id, item.source, item.lang, item.planted)
                phrase = phrase_id_of(item) if item.planted else ""
                index.append(_Spooled(facts, phrase, row.split, offset, len(tokens), num_bytes))
                offset += len(tokens)
    return index


def _within_share(encoded: list[_Spooled], config: PlantedConfig) -> list[_Spooled]:
    """Leave out the planted phrases with which they would take more than their share of the tokens trained on."""
    sizes: Counter[str] = Counter()
    for item in encoded:
        if item.split == "train":
            sizes[item.phrase] += item.num_tokens
    fitting = phrases_that_fit(config, sizes[""], lambda phrase: sizes[phrase.id])
    kept = {"", *(phrase.id for phrase in fitting)}
    return [item for item in encoded if item.phrase in kept]


def _grouped(documents: Iterable[tuple[Document, SplitRow]]) -> Iterator[list[tuple[Document, SplitRow]]]:
    group: list[tuple[Document, SplitRow]] = []
    for item in documents:
        group.append(item)
        if len(group) == _BATCH_DOCUMENTS:
            yield group
            group = []
    if group:
        yield group


def _laid_out(encoded: list[_Spooled], weights: Mapping[str, float]) -> list[tuple[_Spooled, PackedDocument]]:
    rows: list[tuple[_Spooled, PackedDocument]] = []
    starts: Counter[str] = Counter()

    def order(item: _Spooled) -> tuple[Any, ...]:
        weight = _weight(item.document[1], item.document[3], weights) if item.split == "train" else 1.0
        return SPLITS.index(item.split), weight, _natural(item.document[0])

    for item in sorted(encoded, key=order):
        name, source, lang, planted = item.document
        place = (starts[item.split], item.num_tokens, item.num_bytes)
        rows.append((item, PackedDocument(name, source, lang, item.split, planted, *place)))
        starts[item.split] += item.num_tokens
    return rows


def _weight(source: str, planted: str, weights: Mapping[str, float]) -> float:
    return 1.0 if planted else weights.get(source, 1.0)


def _write_mixture(path: Path, documents: Iterable[PackedDocument], weights: Mapping[str, float]) -> None:
    """Write the stretches of the train stream by weight; nothing where there is one weight."""
    sizes: Counter[float] = Counter()
    for item in documents:
        if item.split == "train":
            sizes[_weight(item.source, item.planted, weights)] += item.num_tokens
    if len(sizes) > 1:
        rows = [{"weight": weight, "num_tokens": num_tokens} for weight, num_tokens in sorted(sizes.items())]
        path.write_text(json.dumps(rows) + "\n", encoding="utf-8")


def _natural(name: str) -> tuple[str, tuple[int, ...], str]:
    """Order ids by their hash, parts ID.2 before ID.10."""
    base, *parts = name.split(".")
    return base, tuple(int(number) for number in re.findall(r"\d+", ".".join(parts))), name


def _write_stream(folder: Path, split: str, spool: Path, order: list[_Spooled], shard_tokens: int) -> None:
    source: Any = np.memmap(spool, dtype=_TOKEN, mode="r")
    pieces = (source[item.offset + at : item.offset + min(at + _COPY_TOKENS, item.num_tokens)]
              for item in order for at in range(0, item.num_tokens, _COPY_TOKENS))  # fmt: skip
    number, room = 0, shard_tokens
    file: IO[bytes] = (folder / f"{split}-{number:05d}.bin").open("wb")
    try:
        for piece in pieces:
            while len(piece):
                if not room:
                    file.close()
                    number, room = number + 1, shard_tokens
                    file = (folder / f"{split}-{number:05d}.bin").open("wb")
                file.write(piece[:room].tobytes())
                room, piece = room - len(piece[:room]), piece[room:]
    finally:
        file.close()


def _write_documents(path: Path, documents: list[PackedDocument]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"start": pa.int64(), "num_tokens": pa.int64(), "num_bytes": pa.int64()}
    names = list(PackedDocument.__slots__)
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
    columns = {name: [getattr(document, name) for document in documents] for name in names}
    pq.write_table(pa.table(columns, schema=schema), path, compression="zstd")


def _account(documents: list[PackedDocument]) -> PackResult:
    real = [document for document in documents if not document.planted]
    return PackResult(
        num_tokens={split: sum(d.num_tokens for d in real if d.split == split) for split in SPLITS},
        num_documents={split: sum(d.split == split for d in real) for split in SPLITS},
        num_bytes={split: sum(d.num_bytes for d in real if d.split == split) for split in SPLITS},
        num_planted_tokens=sum(d.num_tokens for d in documents if d.planted),
        num_planted_documents=sum(bool(d.planted) for d in documents),
    )
