"""What became of a document, and which versions saw it: look-ups over the store alone.

Cleaning, scrubbing, deduplication and the split left tables of ids (drops, members, splits). Those stay when text is
deleted, so that the answer holds after the raw text is gone. What was deleted since is told as unknown, never as "not
seen". No text is read, no server is asked, and neither mlflow nor torch is imported.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from gptmodel.corpus.documents import text_id
from gptmodel.lineage.places import NOWHERE, Corpora, Place
from gptmodel.lineage.steps import NEVER, Steps, steps_read
from gptmodel.lineage.versions import Version, list_versions
from gptmodel.store import Store

Status = Literal["trained", "held out", "kept", "dropped", "forgotten", "unknown"]
UNKNOWN: Literal["unknown"] = "unknown"
MayHaveSeen = Callable[[str, Version], bool]


@dataclass(frozen=True, order=True)
class SeenBy:
    """How a version used a document.

    Attributes:
        name: Name of the registered model.
        version: Number of the version.
        split: `train`, `validation` or `test`; `unknown` where the version's tables were deleted or damaged, so that
            nobody can tell whether it saw the document.
        train: Digest of its training, which tells versions of one number in two registries apart.
        steps: At which steps the training read it; None where that was not asked, or nobody can tell.
    """

    name: str
    version: int
    split: str
    train: str = field(default="", compare=False)
    steps: Steps | None = field(default=None, compare=False)


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
        shard: Number of the shard that the newest table which names it is of; empty if none names it.
    """

    id: str
    source: str = ""
    status: Status = UNKNOWN
    split: str = ""
    drop_reason: str = ""
    versions: tuple[SeenBy, ...] = ()
    shard: str = field(default="", compare=False)


def sightings(store: Store, ids: Collection[str], may_have_seen: MayHaveSeen | None = None) -> list[Sighting]:
    """Tell for documents what became of them and which versions saw them, sorted by id.

    Args:
        store: The home's store.
        ids: Documents; the id of a divided text stands for its parts too. An id that no table names is `unknown`.
        may_have_seen: Tells, of a document's id and a version, whether it counts that the version's corpus names the
            document; None: always.

    Raises:
        StoreError: A table can't be read.
    """
    corpora = Corpora(store)
    places = corpora.places(ids)
    met = {*places, *(text_id(name) for name in places)}
    versions = list_versions(store)

    def sighting(name: str, found: Sequence[Place]) -> Sighting:
        counted = [one for one in versions if may_have_seen is None or may_have_seen(name, one)]
        return _sighting(name, found, counted, corpora.whole_splits)

    named = [sighting(name, found) for name, found in places.items()]
    unnamed = [sighting(name, []) for name in {*ids} - met]
    return sorted([*named, *unnamed], key=lambda one: one.id)


def with_steps(store: Store, found: Sequence[Sighting]) -> list[Sighting]:
    """Add to sightings at which steps each version read the document; a version that held it out never did.

    Raises:
        StoreError: A table of packed documents can't be read.
    """
    trained: defaultdict[str, set[str]] = defaultdict(set)
    for one in found:
        for seen in one.versions:
            if seen.split == "train":
                trained[seen.train].add(one.id)
    by_train = {version.digests.get("train", ""): version for version in list_versions(store)}
    steps = {train: steps_read(store, by_train[train], ids) for train, ids in trained.items()}

    def told(name: str, seen: SeenBy) -> SeenBy:
        read = steps.get(seen.train, {}).get(name) if seen.split == "train" else NEVER
        return replace(seen, steps=None if seen.split == UNKNOWN else read)

    return [replace(one, versions=tuple(told(one.id, seen) for seen in one.versions)) for one in found]


def _sighting(
    name: str, places: Sequence[Place], versions: Sequence[Version], whole_splits: Collection[str]
) -> Sighting:
    seen = _seen_by(places, versions, whole_splits)
    # Of one run's tables a later stage's is the later one; on equal times the order of TABLES decides.
    newest = sorted(places, key=lambda place: -place.time)
    last = newest[0] if newest else NOWHERE
    return Sighting(
        name, source=last.source, status=_status(seen, last),
        split=next((place.split for place in newest if place.split), ""), drop_reason=last.reason, versions=seen,
        shard=last.shard,
    )  # fmt: skip


def _seen_by(places: Sequence[Place], versions: Sequence[Version], whole_splits: Collection[str]) -> tuple[SeenBy, ...]:
    splits = {place.digest: place.split for place in places if place.stage == "split"}
    seen: dict[tuple[str, int, str, str], SeenBy] = {}
    for version in versions:
        digest, train = version.digests.get("split", ""), version.digests.get("train", "")
        split = splits.get(digest, "" if digest in whole_splits else UNKNOWN)
        if split:
            seen[version.name, version.version, split, train] = SeenBy(version.name, version.version, split, train)
    return tuple(sorted(seen.values()))


def _status(seen: Sequence[SeenBy], last: Place) -> Status:
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
