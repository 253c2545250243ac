"""What the tables of every output of a store say of some documents: in which split, or by which rule left out.

Tables of one shard have one name in every stage, and the documents of one text lie in one shard. So what a split names
is not looked for all over again in the tables that the split was made from.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from gptmodel.corpus.dedup.members import MEMBERS_DIR
from gptmodel.corpus.documents import text_id
from gptmodel.corpus.rows import Row, column_of, rows_of
from gptmodel.corpus.sources.forgetting import FORGOTTEN_DIR
from gptmodel.corpus.split_table import SPLIT_DIR
from gptmodel.corpus.table_names import DROPS_DIR, LEFT_OUT_DIR
from gptmodel.store import Manifest, Store

TABLES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("split", SPLIT_DIR, ("id", "source", "split")),
    ("deduplicate", MEMBERS_DIR, ("id", "source", "reason")),
    ("scrub", LEFT_OUT_DIR, ("id", "source", "reason")),
    ("clean", DROPS_DIR, ("id", "source", "reason")),
    ("ingest", FORGOTTEN_DIR, ("id", "source")),
)
"""Where each stage says what became of a document: stage, folder of its tables, columns."""

_SHARD_DIGITS = 5
Settled = Mapping[str, Collection[str]]
"""Identity of a text before division -> numbers of the shards that it lies in, as file names begin."""


@dataclass(frozen=True)
class Place:
    """What one stage's output says of a document.

    Attributes:
        time: When the output was committed, seconds since the epoch.
        stage: The stage.
        digest: Digest of the output.
        shard: Number of the shard, as file names begin.
        source: The document's source.
        split: Its split; empty if the stage is another.
        reason: Why it was left out; empty if it was not.
    """

    time: float
    stage: str
    digest: str
    shard: str
    source: str
    split: str = ""
    reason: str = ""


NOWHERE = Place(0.0, "", "", "", "")


@dataclass
class Corpora:
    """The tables of ids of all outputs of the store; equal tables of several outputs are read once.

    Attributes:
        store: The store.
        whole_splits: Digests of the split outputs whose tables are all there; known once `places` was called.
    """

    store: Store
    whole_splits: set[str] = field(default_factory=set)
    _read: dict[tuple[str, frozenset[str]], list[Row]] = field(default_factory=dict)
    _settled: defaultdict[str, defaultdict[str, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )

    def places(self, ids: Collection[str]) -> dict[str, list[Place]]:
        """Give what the tables say of each document that they name.

        Args:
            ids: Documents; the id of a divided text stands for its parts too.

        Raises:
            StoreError: A table can't be read.
        """
        wanted = frozenset(ids)
        places: defaultdict[str, list[Place]] = defaultdict(list)
        for stage, table, columns in TABLES:
            for manifest in self.store.manifests(stage):
                time = self.store.committed_at(manifest)
                for shard, row in self._rows(manifest, table, columns, wanted):
                    split, reason = row.get("split", ""), row.get("reason", "")
                    place = Place(time, stage, manifest.digest, shard, row["source"], split, reason)
                    places[row["id"]].append(place)
                    if stage == "split":
                        self._settled[manifest.inputs.get("deduplicate", "")][text_id(row["id"])].add(shard)
        return dict(places)

    def _rows(
        self, manifest: Manifest, table: str, columns: tuple[str, ...], wanted: frozenset[str]
    ) -> Iterator[tuple[str, Row]]:
        """Give an output's rows for the wanted ids with the number of their shard, a shard at a time in memory."""
        settled: Settled = self._settled.get(manifest.digest, {}) if manifest.stage == "deduplicate" else {}
        folder, is_whole = self.store.folder(manifest.stage, manifest.fingerprint), True
        for name, entry in manifest.files.items():
            if not name.startswith(f"{table}/"):
                continue
            if not (folder / name).exists():
                is_whole = False
                continue
            shard = name.removeprefix(f"{table}/")[:_SHARD_DIGITS]
            mine = _not_elsewhere(wanted, settled, shard)
            if (entry.sha256, mine) not in self._read:
                self._read[entry.sha256, mine] = rows_of(folder / name, columns, mine) if mine else []
            yield from ((shard, row) for row in self._read[entry.sha256, mine])
        if is_whole and manifest.stage == "split":
            self.whole_splits.add(manifest.digest)


def _not_elsewhere(wanted: frozenset[str], settled: Settled, shard: str) -> frozenset[str]:
    """Leave out documents that are known to lie in other shards."""
    if not settled:
        return wanted
    return frozenset(name for name in wanted if shard in settled.get(text_id(name), (shard,)))


def named_texts(store: Store) -> Iterator[str]:
    """Give the identity, before division, of every text that a table names; one may come more than once.

    Raises:
        StoreError: A table can't be read.
    """
    read: set[str] = set()
    for stage, table, _ in TABLES:
        for manifest in store.manifests(stage):
            folder = store.folder(stage, manifest.fingerprint)
            for name, entry in manifest.files.items():
                path = folder / name
                if name.startswith(f"{table}/") and entry.sha256 not in read and path.exists():
                    read.add(entry.sha256)
                    yield from {text_id(one) for one in column_of(path, "id").to_pylist()}


def splits_with(store: Store, ids: Collection[str]) -> frozenset[str]:
    """Give the digests of the split outputs that hold one of some documents, or a part of one.

    Raises:
        StoreError: A table can't be read.
    """
    places = Corpora(store).places(ids).values()
    return frozenset(place.digest for found in places for place in found if place.stage == "split")
