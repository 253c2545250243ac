"""The index of findings: a keyed hash of each value that was found, with its kind and document.

It answers which documents held a value after the raw text is gone: whoever asks brings the value. One table a shard,
under `notes/`, since it depends on the home's own key, whose id each table names. The hash is made of the value's
normal form, so that another way of writing it is found too. Without the key the hashes say nothing, and no value
lies here.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptmodel.corpus.documents import SHARDS_DIR, list_shards
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.replacing.normal_forms import normal_form, normal_forms, values_inside
from gptmodel.keys import key_id, keyed_hash

VALUES_DIR = "notes/values"
_KEY_ID = "gptmodel.key_id"


@dataclass(frozen=True, slots=True)
class FoundValue:
    """One value in one document.

    Attributes:
        hash: Keyed hash of the value's normal form, 32 hex digits.
        kind: Kind that it was found as.
        id: The document.
    """

    hash: str
    kind: str
    id: str


class ValueIndex:
    """The values found in one shard, as keyed hashes.

    Args:
        key: The home's key; None: no index is kept.
    """

    def __init__(self, key: bytes | None) -> None:
        self._key = key
        self._rows: set[tuple[str, str, str]] = set()

    def add(self, document_id: str, text: str, findings: Iterable[Finding]) -> None:
        """Note a document's findings; the values are those of the text before anything was replaced."""
        if self._key is None:
            return
        for kind, value in {(finding.kind, text[finding.start : finding.end]) for finding in findings}:
            for each in value_hashes(self._key, kind, value):
                self._rows.add((each, kind, document_id))

    def write(self, path: Path) -> None:
        """Write the table, sorted, each row once."""
        from gptmodel.corpus.tables import write_table

        if self._key is not None:
            rows = (FoundValue(*row) for row in sorted(self._rows))
            write_table(path, FoundValue, rows, {_KEY_ID: key_id(self._key)})


def values_name(shard: str) -> str:
    """Give the name of a shard's table within the output's folder.

    Args:
        shard: File name of the shard.
    """
    return f"{VALUES_DIR}/{shard}"


def value_hashes(key: bytes, kind: str, value: str) -> list[str]:
    """Give the keyed hashes that a found value is filed under: its own, and those of values inside it.

    Args:
        key: The home's key.
        kind: Kind it was found as.
        value: The value as it is written.
    """
    within = [(kind, value), *values_inside(kind, value)]
    return [keyed_hash(key, *normal_form(kind, value)) for kind, value in within]


def asked_hashes(key: bytes, value: str, kinds: Iterable[tuple[str, str]] = ()) -> set[str]:
    """Give the keyed hashes under which a value that somebody brings may be filed.

    Args:
        key: The home's key.
        value: The value, of whatever kind.
        kinds: Kinds and values that finders found in it, if they did.
    """
    hashes = {keyed_hash(key, *form) for form in normal_forms(value)}
    return hashes | {keyed_hash(key, *normal_form(kind, part)) for kind, part in kinds}


def find_values(path: Path, hashes: Collection[str]) -> Iterator[FoundValue]:
    """Read the rows of one table that have one of these hashes; of others the hash alone is read."""
    import pyarrow.compute as pc

    # Needs packages that the preview does without.
    from gptmodel.corpus.arrow_strings import arrow_strings
    from gptmodel.corpus.rows import rows_where

    wanted = arrow_strings(sorted(hashes))
    columns = tuple(FoundValue.__slots__)
    for row in rows_where(path, ("hash",), lambda table: pc.is_in(table["hash"], value_set=wanted), columns):
        yield FoundValue(**row)


def indexed_shards(folder: Path, key: bytes) -> tuple[list[Path], list[str]]:
    """Give the index tables of a scrub output, and the names of the shards that have none under this key.

    Args:
        folder: Folder of the stage `scrub`.
        key: The home's key.
    """
    tables, missing = [], []
    for name in _shard_names(folder):
        path = folder / values_name(name)
        if _key_id_of(path) == key_id(key):
            tables.append(path)
        else:
            missing.append(name)
    return tables, missing


def _shard_names(folder: Path) -> list[str]:
    """Give the names of a scrub output's shards, also of those whose text was deleted since."""
    from gptmodel.store import MANIFEST, Manifest

    present = {shard.name for shard in list_shards(folder)}
    try:
        made = Manifest.model_validate_json((folder / MANIFEST).read_bytes()).files
    except (OSError, ValueError):  # not committed yet
        made = {}
    return sorted(present | {Path(name).name for name in made if name.startswith(f"{SHARDS_DIR}/")})


def known_hashes(folder: Path, key: bytes, among: Collection[str] | None = None) -> set[str] | None:
    """Give the hashes of the values that were found in a scrub output; None if the index of a shard is missing.

    Args:
        folder: Folder of the stage `scrub`.
        key: The home's key.
        among: Only those of these hashes; None gives all, about 100 bytes of memory each.
    """
    tables, missing = indexed_shards(folder, key)
    if missing:
        return None
    if among is not None:
        return {row.hash for path in tables for row in find_values(path, among)}
    return {value for path in tables for value in _hashes_of(path)}


def _hashes_of(path: Path) -> list[str]:
    from gptmodel.corpus.tables import read_columns

    hashes: list[str] = read_columns(path, ["hash"])["hash"].to_pylist()
    return hashes


def _key_id_of(path: Path) -> str:
    """Give the id of the key that a table was made with; empty if there is no such table, or none can read it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata: dict[bytes, Any] = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException):
        return ""
    return str(metadata.get(_KEY_ID.encode(), b"").decode())
