"""Which documents held a value that somebody brings, and which versions saw them: asked of the index of findings.

Scrubbing leaves a keyed hash of each value that it found. A value is hashed in every form that it may have been filed
under, and all scrub outputs of the home are searched, so that the answer holds after the raw text is gone. What can't
be searched (an output without an index, a version whose scrubbed text was deleted) is named. Nothing here logs, stores
or shows a value: an answer tells it by its place among the values asked for.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.documents import SHARDS_DIR
from gptmodel.corpus.rows import rows_of
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.scrubbing.value_index import asked_hashes, find_values, indexed_shards
from gptmodel.corpus.table_names import LEFT_OUT_DIR
from gptmodel.editions import Editions
from gptmodel.lineage.documents import SeenBy, Sighting, sightings
from gptmodel.lineage.versions import Version, list_versions
from gptmodel.store import Manifest, Store


@dataclass(frozen=True)
class Holder:
    """A document that held a value.

    Attributes:
        path: Its file within the source; empty if nothing tells it.
        kinds: Kinds that the value was found as, sorted.
        sighting: What became of the document, with the versions whose text came from an output that held the value,
            or may have.
    """

    path: str
    kinds: tuple[str, ...]
    sighting: Sighting


@dataclass(frozen=True)
class Unindexed:
    """A scrub output that was not searched, or not whole.

    Attributes:
        fingerprint: Address of the output.
        num_shards: Its shards.
        num_missing: Those of them without an index under this home's key.
    """

    fingerprint: str
    num_shards: int
    num_missing: int


@dataclass(frozen=True)
class ValueAnswer:
    """Who held the values.

    Attributes:
        holders: The documents that held each value, in the order of the values, sorted by id.
        num_outputs: Scrub outputs in the store.
        unindexed: Those that could not be searched, or not whole.
        unsearched_versions: Versions whose scrubbed text is not there to be searched, or not whole.
        kinds_not_searched: Kinds that scrubbing did not look for in some output, sorted.
    """

    holders: tuple[tuple[Holder, ...], ...]
    num_outputs: int
    unindexed: tuple[Unindexed, ...]
    unsearched_versions: tuple[Version, ...]
    kinds_not_searched: tuple[str, ...]


def search_values(store: Store, key: bytes, values: Sequence[str]) -> ValueAnswer:
    """Find the documents that held each of some values.

    Args:
        store: The home's store.
        key: The home's key.
        values: The values as somebody writes them; of any kind.

    Raises:
        StoreError: A table can't be read.
    """
    outputs = store.manifests("scrub")
    scrubbers = [Scrubber(config) for config in _finders(outputs)]
    hashes = [_hashes(key, scrubbers, value) for value in values]
    met, searched, unindexed = _Met(), set(), []
    for manifest in outputs:
        tables, missing = indexed_shards(store.folder("scrub", manifest.fingerprint), key)
        met.look(manifest.digest, tables, set().union(*hashes))
        if missing:
            unindexed.append(Unindexed(manifest.fingerprint, len(tables) + len(missing), len(missing)))
        else:
            searched.add(manifest.digest)
    versions = list_versions(store)
    told = {one.id: one for one in sightings(store, met.ids)} if met.ids else {}
    editions = Editions(store, met.ids)
    missed = {kind for manifest in outputs for kind in manifest.result.get("kinds_not_searched", ())}
    return ValueAnswer(
        holders=tuple(tuple(_holders(met, of_value, told, versions, searched, editions)) for of_value in hashes),
        num_outputs=len(outputs), unindexed=tuple(unindexed),
        unsearched_versions=tuple(one for one in versions if one.digests.get("scrub") not in searched),
        kinds_not_searched=tuple(sorted(missed)),
    )  # fmt: skip


def _finders(outputs: Iterable[Manifest]) -> list[ScrubbingConfig]:
    """Give the built-in finders, and with them those of the site's own that the outputs were scrubbed with."""
    configs = [ScrubbingConfig()]
    for manifest in outputs:
        own = manifest.section.get("scrubbing", {}).get("custom", ())
        config = ScrubbingConfig.model_validate({"custom": own})
        configs += [config] if config not in configs else []
    return configs


def _hashes(key: bytes, scrubbers: Iterable[Scrubber], value: str) -> set[str]:
    """Hash a value in all its forms, and what finders find in the line (`Name: ...` holds a name)."""
    found = {(one.kind, value[one.start : one.end]) for scrubber in scrubbers for one in scrubber.find(value)}
    return asked_hashes(key, value, found)


@dataclass
class _Met:
    """What the index told.

    Attributes:
        found: Hash -> document -> kind -> digests of the scrub outputs.
        places: Document -> (source, path), as the newest output has it.
    """

    found: defaultdict[str, defaultdict[str, defaultdict[str, set[str]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(set)))
    )
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    _rows: dict[tuple[int, int], list[tuple[str, str, str]]] = field(default_factory=dict)

    @property
    def ids(self) -> set[str]:
        """The documents met."""
        return {name for documents in self.found.values() for name in documents}

    def look(self, digest: str, tables: Iterable[Path], hashes: Collection[str]) -> None:
        """Look a scrub output's tables through; one that several outputs share is read once."""
        for path in tables:
            file = path.stat()
            which = (file.st_dev, file.st_ino)
            if which not in self._rows:
                self._rows[which] = [(row.hash, row.id, row.kind) for row in find_values(path, hashes)]
                self._place(path, {name for _, name, _ in self._rows[which]} - set(self.places))
            for value, name, kind in self._rows[which]:
                self.found[value][name][kind].add(digest)

    def _place(self, table: Path, ids: Collection[str]) -> None:
        """Look up source and path of documents in the shard that the table goes with, or among what was left out."""
        folder = table.parents[2]
        for path in (folder / SHARDS_DIR / table.name, folder / LEFT_OUT_DIR / table.name):
            if ids and path.exists():
                self.places.update(_places(path, ids))


def _places(path: Path, ids: Collection[str]) -> dict[str, tuple[str, str]]:
    return {row["id"]: (row["source"], row["path"]) for row in rows_of(path, ("id", "source", "path"), ids)}


def _holders(
    met: _Met, hashes: set[str], told: Mapping[str, Sighting], versions: Sequence[Version],
    searched: Collection[str], editions: Editions,
) -> list[Holder]:  # fmt: skip
    """Give the documents that hold a value in any of its forms."""
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    outputs: defaultdict[str, set[str]] = defaultdict(set)
    for value in hashes & met.found.keys():
        for name, found in met.found[value].items():
            kinds[name] |= found.keys()
            outputs[name] |= set().union(*found.values())
    holders = []
    for name in sorted(kinds):
        (source, path), sighting = met.places.get(name, ("", "")), told.get(name, Sighting(name))
        seen = _seen(sighting, versions, outputs[name], searched, editions)
        sighting = replace(sighting, source=sighting.source or source, versions=seen)
        holders.append(Holder(path, tuple(sorted(kinds[name])), sighting))
    return holders


def _seen(
    sighting: Sighting, versions: Sequence[Version], outputs: Collection[str], searched: Collection[str],
    editions: Editions,
) -> tuple[SeenBy, ...]:  # fmt: skip
    """Leave out versions that saw the document in an edition without the value.

    One whose scrubbing did not find the value in the same words stays: it may have read the value as it is written,
    since other finders looked, or an allow file let it stand.
    """

    def may_hold(version: Version) -> bool:
        scrub = version.digests.get("scrub", "")
        return scrub in outputs or scrub not in searched or editions.may_agree(sighting.id, scrub, outputs)

    may = {(one.name, one.version) for one in versions if may_hold(one)}
    return tuple(one for one in sighting.versions if (one.name, one.version) in may)
