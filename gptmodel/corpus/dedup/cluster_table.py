"""The largest clusters of duplicates, for people: which document is kept, how many others it stands for and where from.

Read from the table that `deduplicate` wrote, one cluster at a time in memory.
"""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from gptmodel.corpus.dedup.members import CLUSTERS_FILE, Member, read_clusters


@dataclass(frozen=True)
class Cluster:
    """One cluster of duplicates.

    Attributes:
        id: The document that is kept.
        source: Its source.
        num_documents: Documents in the cluster, that one included.
        num_bytes_dropped: UTF-8 bytes of the others' text.
        sources: Documents by source.
        reasons: Documents left out, by reason.
    """

    id: str
    source: str
    num_documents: int
    num_bytes_dropped: int
    sources: Mapping[str, int]
    reasons: Mapping[str, int]


def largest_clusters(folder: Path, most: int) -> list[Cluster]:
    """Give the largest clusters that `deduplicate` found, the largest first, at most so many."""
    if not (folder / CLUSTERS_FILE).exists():  # nothing was compared
        return []
    clusters = (_cluster(list(members)) for _, members in groupby(read_clusters(folder), lambda one: one.cluster))
    return heapq.nsmallest(most, clusters, key=lambda cluster: (-cluster.num_documents, cluster.id))


def _cluster(members: Sequence[Member]) -> Cluster:
    kept, others = members[0], members[1:]
    return Cluster(
        kept.id, kept.source, len(members), sum(member.num_bytes for member in others),
        dict(sorted(Counter(member.source for member in members).items())),
        dict(sorted(Counter(member.reason for member in others).items())),
    )  # fmt: skip
