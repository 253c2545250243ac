"""The tables that say which cluster of duplicates each document is in; `deduplicate` writes them, later stages read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gptmodel.corpus.tables import read_table

MEMBERS_DIR = "members"
CLUSTERS_FILE = "clusters.parquet"

LeftOut = Literal["", "exact", "near", "boilerplate", "contaminated"]


@dataclass(frozen=True, slots=True)
class Member:
    """One document's place among the duplicates.

    Attributes:
        id: The document.
        source: Its source.
        cluster: Id of the kept document of its cluster.
        kept: Whether it is that one.
        reason: Why it is left out; empty if it is kept.
        num_repeated_lines: Lines removed from its text because its source repeats them.
        num_bytes: UTF-8 bytes of the text without them.
    """

    id: str
    source: str
    cluster: str
    kept: bool
    reason: LeftOut
    num_repeated_lines: int = 0
    num_bytes: int = 0


def read_members(folder: Path) -> Iterator[Member]:
    """Read the documents' places that `deduplicate` wrote into its folder, shard by shard."""
    return read_table(folder / MEMBERS_DIR, Member)


def read_shard_members(folder: Path, shard: str) -> Iterator[Member]:
    """Read the places of one shard's documents, in their order; a shard that has no table has no document."""
    path = folder / MEMBERS_DIR / f"{shard}.parquet"
    return read_table(path, Member) if path.exists() else iter(())


def read_clusters(folder: Path) -> Iterator[Member]:
    """Read the clusters of two documents and more, cluster by cluster, the kept document first."""
    return read_table(folder / CLUSTERS_FILE, Member)
