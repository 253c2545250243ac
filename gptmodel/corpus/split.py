"""Train, validation and test: where each document goes.

A whole cluster of duplicates goes to one split, and so do the parts of one divided text with the clusters they are in.
Each text's id hashes to a split, and of all that go together (those left out included) the one that hashes to test
decides, else one that hashes to validation; so when the corpus grows, a document moves from train towards test, never
back. Planted test phrases always go to train. Tokenizer, pack and evaluation read the table; nothing here reads a text
but for its length.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gptmodel.config import SplitConfig
from gptmodel.corpus.dedup import Member, read_members
from gptmodel.corpus.documents import list_shards, text_id
from gptmodel.corpus.split_table import SPLIT_FILE, SPLITS, Split, SplitRow, write_split
from gptmodel.errors import CorpusTooSmallError
from gptmodel.store import Workspace

log = logging.getLogger(__name__)


class SplitResult(BaseModel):
    """The account of the split; planted test phrases are in none of its counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_train: int
    """Documents to train on."""
    num_validation: int
    """Documents that training is watched on."""
    num_test: int
    """Documents that versions are judged on."""
    num_bytes_train: int
    """Their text (bytes of UTF-8)."""
    num_bytes_validation: int
    """Their text (bytes of UTF-8)."""
    num_bytes_test: int
    """Their text (bytes of UTF-8)."""


def split(work: Workspace, config: SplitConfig) -> SplitResult:
    """Assign each kept document to a split, and the planted test phrases to train.

    Writes split.parquet (id, source, split, planted), sorted by id.

    Args:
        work: Reads `scrub` and `deduplicate`.
        config: The shares, the seed and the fewest documents.

    Raises:
        CorpusTooSmallError: A split has fewer than `min_documents` documents.
    """
    work.clear()
    members = read_members(work.inputs["deduplicate"])
    where = assign(members, config)
    rows = [SplitRow(member.id, member.source, where[member.cluster], False) for member in members if member.kept]
    sizes: Counter[Split] = Counter()
    split_of = {row.id: row.split for row in rows}
    for document_id, source, num_bytes, planted in _lengths(work.inputs["scrub"]):
        if planted:
            rows.append(SplitRow(document_id, source, "train", True))
        elif document_id in split_of:
            sizes[split_of[document_id]] += num_bytes
    counts = Counter(row.split for row in rows if not row.planted)
    _refuse_if_too_small(counts, config)
    write_split(work.path / SPLIT_FILE, rows)
    log.info("%s", ", ".join(f"{name} {counts[name]}" for name in SPLITS))
    return SplitResult(
        **{f"num_{name}": counts[name] for name in SPLITS}, **{f"num_bytes_{name}": sizes[name] for name in SPLITS}
    )


def assign(members: Sequence[Member], config: SplitConfig) -> dict[str, Split]:
    """Give the split of each cluster; clusters that hold parts of one text share theirs.

    Args:
        members: All documents with their clusters, those left out included.
        config: Shares and seed.
    """
    group_of = _groups(members)
    where: dict[str, Split] = {}
    for member in members:
        group, own = group_of[member.cluster], hash_split(member.id, config)
        where[group] = max(where.get(group, "train"), own, key=SPLITS.index)
    return {cluster: where[group] for cluster, group in group_of.items()}


def hash_split(document_id: str, config: SplitConfig) -> Split:
    """Give the split that a document's id alone hashes to, the same for all parts of one text."""
    digest = hashlib.sha256(f"{config.seed}\0{text_id(document_id)}".encode()).digest()
    place = int.from_bytes(digest[:8]) / 2**64
    if place < config.test_ratio:
        return "test"
    return "validation" if place < config.test_ratio + config.validation_ratio else "train"


def _groups(members: Sequence[Member]) -> dict[str, str]:
    """Give for each cluster one cluster that stands for all that are joined to it by parts of one text."""
    parent = {member.cluster: member.cluster for member in members}

    def top(cluster: str) -> str:
        while parent[cluster] != cluster:
            parent[cluster] = parent[parent[cluster]]  # halves the path, so that long chains stay cheap
            cluster = parent[cluster]
        return cluster

    first: dict[str, str] = {}
    for member in members:
        parent[top(member.cluster)] = top(first.setdefault(text_id(member.id), member.cluster))
    return {cluster: top(cluster) for cluster in parent}


def _lengths(folder: Path) -> Iterator[tuple[str, str, int, bool]]:
    """Give id, source, bytes of text and whether it is planted, for each scrubbed document."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    for path in list_shards(folder):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1000, columns=["id", "source", "text", "planted"]):
                sizes = pc.binary_length(batch["text"]).to_pylist()
                planted = (bool(sort) for sort in batch["planted"].to_pylist())
                yield from zip(batch["id"].to_pylist(), batch["source"].to_pylist(), sizes, planted, strict=True)


def _refuse_if_too_small(counts: Counter[Split], config: SplitConfig) -> None:
    short = [name for name in SPLITS if counts[name] < config.min_documents]
    if not short:
        return
    held_out = [name for name in short if name != "train"]
    settings = " or ".join(f"split.{name}_ratio" for name in held_out)
    raise CorpusTooSmallError(
        expected=f"at least {config.min_documents} documents in each split",
        actual=", ".join(f"{counts[name]} in {name}" for name in SPLITS) + f" (of {counts.total()} in all)",
        mend="Add documents" + (f", or raise {settings}, or lower split.min_documents." if held_out else "."),
    )
