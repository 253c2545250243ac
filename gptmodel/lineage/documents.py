"""What became of a document, and which versions saw it: look-ups over the store alone.

Cleaning, scrubbing, deduplication and the split left tables of ids (drops, members, splits). Those stay when text is
deleted, so that the answer holds after the raw text is gone. What was deleted since is told as unknown, never as "not
seen". No text is read, no server is asked, and neither mlflow nor torch is imported.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gptmodel.corpus.cleaning import DROPS_DIR
from gptmodel.corpus.dedup.members import MEMBERS_DIR
from gptmodel.corpus.documents import text_id
from gptmodel.corpus.scrubbing.stage import LEFT_OUT_DIR
from gptmodel.corpus.sources.forgetting import FORGOTTEN_DIR
from gptmodel.corpus.split_table import SPLIT_DIR
from gptmodel.errors import StoreError
from gptmodel.lineage.versions import Version, list_versions
from gptmodel.store import Manifest, Store

if TYPE_CHECKING:
    import pyarrow as pa

Status = Literal["trained", "held out", "kept", "dropped", "forgotten", "unknown"]
UNKNOWN: Literal["unknown"] = "unknown"

# Where each stage says what became of a document.
_TABLES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("split", SPLIT_DIR, ("id", "source", "split")),
    ("deduplicate", MEMBERS_DIR, ("id", "source", "reason")),
    ("scrub", LEFT_OUT_DIR, ("id", "source", "reason")),
    ("clean", DROPS_DIR, ("id", "source", "reason")),
    ("ingest", FORGOTTEN_DIR, ("id", "source")),
)
_ID_CHARS = 32  # of a text's id; its parts go on after that


@dataclass(frozen=True, order=True)
class SeenBy:
    """How a version used a document.

    Attributes:
        name: Name of the registered model.
        version: Number of the version.
        split: `train`, `validation` or `test`; `unknown` where the version's tables were deleted or damaged, so that
            nobody can tell whether it saw the document.
    """

    name: str
    version: int
    split: str


@dataclass(frozen=True)
class Sighting:
    """What became of one document, over all corpora of the store.

    Attributes:
        id: The document.
        source: Its source; empty if no table names the document.
        status: `trained` if a version was trained on it, else `held out` if one was watched or judged on it, else
            `unknown` if a version's tables are gone; else what the newest table says: `kept` in a corpus that no
            version came from, `dropped`, or `forgotten` by an erasure request; `unknown` if no table names it.
        split: Its split in the newest corpus that has it; empty if none has.
        drop_reason: Why it is out, if the newest table that names it says so.
        versions: The versions that saw it, or may have.
    """

    id: str
    source: str = ""
    status: Status = UNKNOWN
    split: str = ""
    drop_reason: str = ""
    versions: tuple[SeenBy, ...] = ()


def sightings(store: Store, ids: Collection[str]) -> list[Sighting]:
    """Tell for documents what became of them and which versions saw them, sorted by id.

    Args:
        store: The home's store.
        ids: Documents; the id of a divided text stands for its parts too. An id that no table names is `unknown`.

    Raises:
        StoreError: A table can't be read.
    """
    corpora = _Corpora(store)
    places = corpora.places(ids)
    met = {*places, *(text_id(name) for name in places)}
    versions = list_versions(store)
    named = [_sighting(name, found, versions, corpora.whole_splits) for name, found in places.items()]
    unnamed = [_sighting(name, [], versions, corpora.whole_splits) for name in {*ids} - met]
    return sorted([*named, *unnamed], key=lambda one: one.id)


def named_texts(store: Store) -> Iterator[str]:
    """Give the identity, before division, of every text that a table names; one may come more than once.

    Raises:
        StoreError: A table can't be read.
    """
    read: set[str] = set()
    for stage, table, _ in _TABLES:
        for manifest in store.manifests(stage):
            folder = store.folder(stage, manifest.fingerprint)
            for name, entry in manifest.files.items():
                path = folder / name
                if name.startswith(f"{table}/") and entry.sha256 not in read and path.exists():
                    read.add(entry.sha256)
                    yield from {text_id(row["id"]) for row in _read(path, ("id",))}


def splits_with(store: Store, ids: Collection[str]) -> frozenset[str]:
    """Give the digests of the split outputs that hold one of some documents, or a part of one.

    Raises:
        StoreError: A table can't be read.
    """
    places = _Corpora(store).places(ids).values()
    return frozenset(place.digest for found in places for place in found if place.stage == "split")


@dataclass(frozen=True)
class _Place:
    """What one stage's output says of a document."""

    time: float
    stage: str
    digest: str
    source: str
    split: str = ""
    reason: str = ""


@dataclass
class _Corpora:
    """The tables of ids of all outputs of the store; equal tables of several outputs are read once.

    Attributes:
        store: The store.
        whole_splits: Digests of the split outputs whose tables are all there; known once `places` was called.
    """

    store: Store
    whole_splits: set[str] = field(default_factory=set)
    _read: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def places(self, ids: Collection[str]) -> dict[str, list[_Place]]:
        """Give what the tables say of each document that they name."""
        import pyarrow as pa

        wanted = pa.array(sorted(ids), pa.string())
        places: defaultdict[str, list[_Place]] = defaultdict(list)
        for stage, table, columns in _TABLES:
            for manifest in self.store.manifests(stage):
                time = self.store.committed_at(manifest)
                for row in self._rows(manifest, table, columns, wanted):
                    places[row["id"]].append(
                        _Place(time, stage, manifest.digest, row["source"], row.get("split", ""), row.get("reason", ""))
                    )
        return dict(places)

    def _rows(
        self, manifest: Manifest, table: str, columns: Sequence[str], wanted: "pa.Array"
    ) -> Iterator[dict[str, Any]]:
        """Give an output's rows for the wanted ids, a shard at a time in memory."""
        folder, is_whole = self.store.folder(manifest.stage, manifest.fingerprint), True
        for name, entry in manifest.files.items():
            if not name.startswith(f"{table}/"):
                continue
            if not (folder / name).exists():
                is_whole = False
                continue
            if entry.sha256 not in self._read:
                self._read[entry.sha256] = _read(folder / name, columns, wanted)
            yield from self._read[entry.sha256]
        if is_whole and manifest.stage == "split":
            self.whole_splits.add(manifest.digest)


def _read(path: Path, columns: Sequence[str], wanted: "pa.Array | None" = None) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    name = pc.field("id")
    mine = None
    if wanted is not None:
        mine = name.isin(wanted) | pc.utf8_slice_codeunits(name, 0, _ID_CHARS).isin(wanted)
    try:
        rows: list[dict[str, Any]] = pq.read_table(
            path, columns=list(columns), filters=mine, partitioning=None
        ).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            expected=f"a table of documents at {path}",
            actual=type(error).__name__,
            mend=f"Compute it again: gptmodel run --force {path.parts[-4]}",
        ) from None
    return rows


def _sighting(
    name: str, places: Sequence[_Place], versions: Sequence[Version], whole_splits: Collection[str]
) -> Sighting:
    seen = _seen_by(places, versions, whole_splits)
    # Of one run's tables a later stage's is the later one; on equal times the order of _TABLES decides.
    newest = sorted(places, key=lambda place: -place.time)
    last = newest[0] if newest else _Place(0.0, "", "", "")
    return Sighting(
        name, source=last.source, status=_status(seen, last),
        split=next((place.split for place in newest if place.split), ""), drop_reason=last.reason, versions=seen,
    )  # fmt: skip


def _seen_by(
    places: Sequence[_Place], versions: Sequence[Version], whole_splits: Collection[str]
) -> tuple[SeenBy, ...]:
    splits = {place.digest: place.split for place in places if place.stage == "split"}
    seen = set()
    for version in versions:
        digest = version.digests.get("split", "")
        split = splits.get(digest, "" if digest in whole_splits else UNKNOWN)
        if split:
            seen.add(SeenBy(version.name, version.version, split))
    return tuple(sorted(seen))


def _status(seen: Sequence[SeenBy], last: _Place) -> Status:
    splits = {one.split for one in seen}
    if "train" in splits:
        return "trained"
    if splits - {UNKNOWN}:
        return "held out"
    if splits or not last.stage:
        return "unknown"
    if last.stage == "ingest":
        return "forgotten"
    return "dropped" if last.reason else "kept"
