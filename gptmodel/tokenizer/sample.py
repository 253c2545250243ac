"""Which documents the merges are learned from: those of the train split with the smallest hashes, up to a bound.

A document's hash is its own business, so the same documents are chosen whatever their order, shards or workers. Memory
holds 16 bytes for each document that can still be chosen, and never a text.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gptmodel.corpus.dedup.repeated_lines import read_repeated
from gptmodel.corpus.documents import Document, list_shards
from gptmodel.corpus.split_table import read_shard_corpus
from gptmodel.parts import Mapper
from gptmodel.store import Workspace

_ROW = np.dtype([("hash", "<u8"), ("num_bytes", "<i8")])
_Rows = npt.NDArray[np.void]

# Rows that a shard gathers before it leaves out those beyond the bound.
_MAX_ROWS = 1_000_000


@dataclass(frozen=True)
class Sample:
    """Documents chosen by hash.

    Attributes:
        largest_hash: Largest hash of a chosen document.
        num_bytes: UTF-8 bytes of their texts.
    """

    largest_hash: int
    num_bytes: int


def choose(work: Workspace, max_bytes: Sequence[int], mapper: Mapper) -> list[Sample]:
    """Choose a sample of each size from the train split; a smaller one lies within a larger one.

    Args:
        work: Reads "scrub" and "split".
        max_bytes: UTF-8 bytes of each sample, at most; one document may be larger.
        mapper: Where the shards are read.
    """
    sizes = partial(_sizes_of_shard, split=work.inputs["split"], max_bytes=max(max_bytes))
    packed = mapper(sizes, list_shards(work.inputs["scrub"]))
    rows = np.empty(0, dtype=_ROW)
    for part in packed:
        rows = _smallest(np.concatenate([rows, np.frombuffer(part, dtype=_ROW)]), max(max_bytes))
    return [_sample(_smallest(rows, size)) for size in max_bytes]


def read_train(work: Workspace) -> Iterator[tuple[int, Document]]:
    """Read the documents of the train split that hold text, planted ones left out, each with its hash."""
    repeated = read_repeated(work.inputs["split"])
    for shard in list_shards(work.inputs["scrub"]):
        for document, row in read_shard_corpus(shard, work.inputs["split"], repeated, "train"):
            if document.text and not row.planted:
                yield _hash(document.id), document


def num_bytes_of(text: str) -> int:
    """Give the UTF-8 bytes of a text."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _sizes_of_shard(shard: Path, split: Path, max_bytes: int) -> bytes:
    """Give hash and size of the documents of a shard that can be chosen, `_ROW` in bytes."""
    chosen, gathered = np.empty(0, dtype=_ROW), list[tuple[int, int]]()
    for document, row in read_shard_corpus(shard, split, read_repeated(split), "train"):
        if document.text and not row.planted:
            gathered.append((_hash(document.id), num_bytes_of(document.text)))
        if len(gathered) >= _MAX_ROWS:
            chosen, gathered = _smallest(_joined(chosen, gathered), max_bytes), []
    return _smallest(_joined(chosen, gathered), max_bytes).tobytes()


def _joined(rows: _Rows, more: list[tuple[int, int]]) -> _Rows:
    return np.concatenate([rows, np.array(more, dtype=_ROW)])


def _smallest(rows: _Rows, max_bytes: int) -> _Rows:
    """Leave the rows with the smallest hashes up to the bound, one at least."""
    rows = np.sort(rows, order=["hash", "num_bytes"])
    within = int(np.searchsorted(np.cumsum(rows["num_bytes"]), max_bytes, side="right"))
    return rows[: max(1, within)]


def _sample(rows: _Rows) -> Sample:
    return Sample(int(rows["hash"].max(initial=0)), int(rows["num_bytes"].sum()))


def _hash(name: str) -> int:
    # Ids are hashes already; hashed again, the sample does not follow from the split's own hash of the id.
    digest = hashlib.sha256(b"tokenizer\0" + name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8])
