"""Train, validation and test: where each document goes.

A whole cluster of duplicates goes to one split, and so do the parts of one divided text with the clusters they are in.
Each text's id hashes to a split, and of all that go together (those left out included) the one that hashes to test
decides, else one that hashes to validation; so when the corpus grows, a document moves from train towards test, never
back. Planted test phrases always go to train. Nothing here reads a text.
"""

import hashlib
import logging
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from gptmodel.config import SplitConfig
from gptmodel.corpus.dedup.members import MEMBERS_DIR, read_shard_members
from gptmodel.corpus.dedup.near import connect
from gptmodel.corpus.dedup.repeated_lines import REPEATED_LINES_FILE
from gptmodel.corpus.documents import list_shards, text_id
from gptmodel.corpus.split_table import SPLITS, Split, SplitRow, write_shard_split
from gptmodel.corpus.tables import read_columns, table_files
from gptmodel.errors import CorpusTooSmallError
from gptmodel.store import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)


class SourceSplit(BaseModel):
    """Where the documents of one source went."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the source."""
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
    sources: list[SourceSplit]
    """The same by source, sorted by name."""


def split(work: Workspace, config: SplitConfig) -> SplitResult:
    """Assign each kept document to a split, and the planted test phrases to train.

    Writes splits/ (the fields of `SplitRow`), one table a shard in the order of its documents, and the hashes of the
    repeated lines that readers of the text leave out.

    Args:
        work: Reads `scrub` and `deduplicate`.
        config: The shares, the seed and the fewest documents.

    Raises:
        CorpusTooSmallError: A split has fewer than `min_documents` documents.
    """
    work.clear()
    where = iter(assign(work.inputs["deduplicate"] / MEMBERS_DIR, config))
    counts: Counter[tuple[str, Split]] = Counter()
    sizes: Counter[tuple[str, Split]] = Counter()
    for shard in list_shards(work.inputs["scrub"]):
        rows: list[SplitRow] = []
        for member in read_shard_members(work.inputs["deduplicate"], shard.stem):
            own = SPLITS[next(where)]
            if member.kept:
                rows.append(SplitRow(member.id, member.source, own, False, member.num_repeated_lines))
                counts[member.source, own] += 1
                sizes[member.source, own] += member.num_bytes
        rows += [SplitRow(name, source, "train", True) for name, source in _planted(shard)]
        write_shard_split(work.path, shard.stem, rows)
    result = _result(counts, sizes)
    _refuse_if_too_small(result, config)
    if (repeated := work.inputs["deduplicate"] / REPEATED_LINES_FILE).exists():
        shutil.copyfile(repeated, work.path / REPEATED_LINES_FILE)
    log.info("train %d, validation %d, test %d", result.num_train, result.num_validation, result.num_test)
    return result


def assign(members: Path, config: SplitConfig) -> npt.NDArray[np.int64]:
    """Give the number of each document's split in SPLITS, in the order of the members' tables, left out ones included.

    Args:
        members: Folder of the tables of `Member`.
        config: Shares and seed.
    """
    import pyarrow as pa

    if not table_files(members):
        return np.zeros(0, dtype=np.int64)
    table = read_columns(members, ["id", "cluster"])
    texts = pa.array(text_id(name) for name in table["id"].to_pylist()).dictionary_encode()
    text, cluster = texts.indices.to_numpy(), _numbers(table["cluster"])
    own = np.array([SPLITS.index(hash_split(name, config)) for name in texts.dictionary.to_pylist()], dtype=np.int64)
    groups = np.arange(cluster.max(initial=-1) + 1)
    first = np.full(len(own), len(groups), dtype=np.int64)
    np.minimum.at(first, text, cluster)
    # Parts of one text hold the clusters together that they are in.
    connect(groups, cluster, first[text])
    decided = np.zeros(len(groups), dtype=np.int64)
    np.maximum.at(decided, groups[cluster], own[text])
    return np.asarray(decided[groups[cluster]])


def hash_split(document_id: str, config: SplitConfig) -> Split:
    """Give the split that a document's id alone hashes to, the same for all parts of one text."""
    digest = hashlib.sha256(f"{config.seed}\0{text_id(document_id)}".encode()).digest()
    place = int.from_bytes(digest[:8]) / 2**64
    if place < config.test_ratio:
        return "test"
    return "validation" if place < config.test_ratio + config.validation_ratio else "train"


def _planted(shard: Path) -> Iterator[tuple[str, str]]:
    """Give id and source of a shard's planted test phrases."""
    table = read_columns(shard, ["id", "source", "planted"])
    rows = zip(*(table[name].to_pylist() for name in ("id", "source", "planted")), strict=True)
    return ((name, source) for name, source, planted in rows if planted)


def _numbers(column: "pa.ChunkedArray") -> npt.NDArray[np.int64]:
    """Number a column's distinct values, and give each place's number."""
    return np.asarray(column.combine_chunks().dictionary_encode().indices.to_numpy(), dtype=np.int64)


def _result(counts: Counter[tuple[str, Split]], sizes: Counter[tuple[str, Split]]) -> SplitResult:
    names = sorted({source for source, _ in counts})
    return SplitResult(
        **_by_split(names, counts, sizes),
        sources=[SourceSplit(name=name, **_by_split([name], counts, sizes)) for name in names],
    )


def _by_split(
    names: Sequence[str], counts: Counter[tuple[str, Split]], sizes: Counter[tuple[str, Split]]
) -> dict[str, int]:
    """Add up the documents and bytes of some sources, by the names of the record's fields."""
    added = {f"num_{split}": sum(counts[name, split] for name in names) for split in SPLITS}
    return added | {f"num_bytes_{split}": sum(sizes[name, split] for name in names) for split in SPLITS}


def _refuse_if_too_small(result: SplitResult, config: SplitConfig) -> None:
    counts = {"train": result.num_train, "validation": result.num_validation, "test": result.num_test}
    short = [name for name in SPLITS if counts[name] < config.min_documents]
    if not short:
        return
    held_out = [name for name in short if name != "train"]
    settings = " or ".join(f"split.{name}_ratio" for name in held_out)
    raise CorpusTooSmallError(
        expected=f"at least {config.min_documents} documents in each split",
        actual=", ".join(f"{counts[name]} in {name}" for name in SPLITS) + f" (of {sum(counts.values())} in all)",
        mend="Add documents" + (f", or raise {settings}, or lower split.min_documents." if held_out else "."),
    )
