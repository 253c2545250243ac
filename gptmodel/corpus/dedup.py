"""Exact and near duplicates: which documents say the same, and which one of them is kept.

Exact duplicates have the same text but for case and white space; near ones have similar MinHash signatures. What is
made is a table over ids, never text. It depends on the set of documents and the order of the sources alone. Planted
test phrases, which repeat on purpose, stay aside. Split and the quality gate read the table.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import xxhash
from pydantic import BaseModel, ConfigDict

from gptmodel.config import DedupConfig
from gptmodel.corpus.documents import Document, list_shards, read_shard
from gptmodel.corpus.minhash import MinHasher, Signatures, join_similar
from gptmodel.store import Workspace

log = logging.getLogger(__name__)

CLUSTERS_FILE = "clusters.parquet"
Progress = Callable[[float, str], None]
Reason = Literal["", "exact", "near"]
# Documents whose text is held at once while they are signed.
_BATCH_CHARS = 8_000_000


class DedupResult(BaseModel):
    """The account of deduplication; planted test phrases are in none of its counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_read: int
    """Documents compared."""
    num_kept: int
    """Documents kept, one of each cluster."""
    num_exact: int
    """Documents left out that equal another one but for case and white space."""
    num_near: int
    """Documents left out that are similar to another one."""
    num_clusters: int
    """Clusters of two documents and more."""


@dataclass(frozen=True, slots=True)
class Member:
    """One document's place among the duplicates.

    Attributes:
        id: The document.
        source: Its source.
        cluster: Id of the kept document of its cluster.
        kept: Whether it is that one.
        reason: Why it is left out; empty if it is kept.
    """

    id: str
    source: str
    cluster: str
    kept: bool
    reason: Reason


@dataclass
class _Index:
    """All documents by number, and their distinct texts by number."""

    ids: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    text_of: list[int] = field(default_factory=list)
    numbers: dict[bytes, int] = field(default_factory=dict)
    signatures: list[Signatures] = field(default_factory=list)


def deduplicate(
    work: Workspace, config: DedupConfig, source_order: Sequence[str] = (), progress: Progress | None = None
) -> DedupResult:
    """Find the duplicates among the scrubbed documents and choose which to keep.

    Writes clusters.parquet (id, source, cluster, kept, reason), one row a document, sorted by id. Of a cluster the
    document of the earliest source is kept, and of several the one with the smallest id.

    Args:
        work: Reads `scrub`.
        config: How similar near duplicates are.
        source_order: Names of the sources in order of preference; sources not named come after, by name.
        progress: Called with the share done (0 to 1) and a few words.
    """
    work.clear()
    index = _read(work.inputs["scrub"], config, progress or _silent)
    members = _members(index, config, source_order)
    write_members(work.path / CLUSTERS_FILE, members)
    result = _result(members)
    log.info("%d of %d documents kept", result.num_kept, result.num_read)
    return result


def comparable(text: str) -> str:
    """Give a text without what exact duplicates may differ in: case and the amount of white space.

    Example:
        >>> comparable("One  Two three ")
        'one two three'
    """
    return " ".join(text.lower().split())


def text_key(text: str) -> bytes:
    """Hash a text so that exact duplicates, and only they, have the same 16 bytes."""
    return xxhash.xxh3_128_digest(comparable(text).encode("utf-8", "surrogatepass"))


def read_members(folder: Path) -> list[Member]:
    """Read the table that `deduplicate` wrote into its folder."""
    import pyarrow.parquet as pq

    return [Member(**row) for row in pq.read_table(folder / CLUSTERS_FILE).to_pylist()]


def write_members(path: Path, members: Sequence[Member]) -> None:
    """Write the table of documents and their clusters."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "id": pa.string(),
        "source": pa.string(),
        "cluster": pa.string(),
        "kept": pa.bool_(),
        "reason": pa.string(),
    }
    columns = {name: [getattr(member, name) for member in members] for name in types}
    pq.write_table(pa.table(columns, schema=pa.schema(types.items())), path, compression="zstd")


def _silent(done_ratio: float, message: str) -> None:
    """Report to nobody."""


def _read(folder: Path, config: DedupConfig, report: Progress) -> _Index:
    """Number documents and distinct texts in the order met, and sign each text once."""
    index, hasher = _Index(), MinHasher(config)
    shards = list_shards(folder)
    for number, path in enumerate(shards):
        for texts in _fresh_texts(path, index):
            if config.near:
                index.signatures.extend(hasher.signatures(texts))
        report(0.9 * (number + 1) / len(shards), "documents compared")
    return index


def _fresh_texts(path: Path, index: _Index) -> Iterator[list[str]]:
    """Enter a shard's documents and give the texts not met before, so many at a time."""
    texts: list[str] = []
    size = 0
    for document in read_shard(path):
        text = None if document.planted else _enter(document, index)
        if text is not None:
            texts.append(text)
            size += len(text)
        if size >= _BATCH_CHARS:
            yield texts
            texts, size = [], 0
    yield texts


def _enter(document: Document, index: _Index) -> str | None:
    text = comparable(document.text)
    known = len(index.numbers)
    number = index.numbers.setdefault(xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass")), known)
    index.ids.append(document.id)
    index.sources.append(document.source)
    index.text_of.append(number)
    return text if number == known else None


def _members(index: _Index, config: DedupConfig, source_order: Sequence[str]) -> list[Member]:
    groups = _group_texts(index, config)
    rank = {name: place for place, name in enumerate(source_order)}
    names = list(zip(index.sources, index.ids, strict=True))
    order = sorted(range(len(names)), key=lambda row: (rank.get(names[row][0], len(rank)), *names[row]))
    kept: dict[int, str] = {}
    seen: set[int] = set()
    members = []
    for row in order:
        text = index.text_of[row]
        cluster = kept.setdefault(int(groups[text]), index.ids[row])
        is_kept = cluster == index.ids[row]
        reason: Reason = "" if is_kept else "exact" if text in seen else "near"
        seen.add(text)
        members.append(Member(index.ids[row], index.sources[row], cluster, is_kept, reason))
    return sorted(members, key=lambda member: member.id)


def _group_texts(index: _Index, config: DedupConfig) -> npt.NDArray[np.int64]:
    if not config.near or not index.signatures:
        return np.arange(len(index.numbers), dtype=np.int64)
    return join_similar(np.concatenate(index.signatures), config)


def _result(members: Sequence[Member]) -> DedupResult:
    return DedupResult(
        num_read=len(members),
        num_kept=sum(member.kept for member in members),
        num_exact=sum(member.reason == "exact" for member in members),
        num_near=sum(member.reason == "near" for member in members),
        num_clusters=len({member.cluster for member in members if not member.kept}),
    )
