"""What differs between two versions: settings, code, sources, documents and metrics.

Read from the store alone. What was deleted since is null, never "no difference".
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptmodel.corpus.arrow_strings import arrow_strings
from gptmodel.corpus.rows import ID_CHARS
from gptmodel.corpus.sources.forgetting import TEXTS_DIR
from gptmodel.corpus.split_table import SPLIT_DIR
from gptmodel.corpus.tables import table_files
from gptmodel.lineage.ancestry import Ancestry, StageOrigin
from gptmodel.lineage.raw_files import read_raw_files
from gptmodel.lineage.record import corpus_counts
from gptmodel.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

MOST_IDS = 1000
"""Documents that are named, of those added and of those removed; of all others the number is told."""

_METRICS = (
    ("evaluate", ("loss", "perplexity", "bits_per_byte", "num_documents")),
    ("train", ("train_loss", "validation_loss", "num_steps", "num_tokens", "num_parameters")),
)
_COUNTS = ("num_read", "num_kept", "num_dropped", "num_quarantined", "num_forgotten")
_CODE = ("version", "commit", "is_dirty", "lock_digest", "python", "machine")


def difference(store: Store, old: Ancestry, new: Ancestry) -> dict[str, Any]:
    """Compare two versions, as JSON values.

    Args:
        store: The home's store.
        old: The version that `from` stands for.
        new: The version that `to` stands for.

    Raises:
        StoreError: A table can't be read.
    """
    return {
        "from": old.version.uri, "to": new.version.uri,
        "config": changed_settings(old.config, new.config) if old.config and new.config else None,
        "code": _code(old, new), "sources": _sources(store, old, new), "documents": _documents(store, old, new),
        "metrics": [*_metrics(old, new)],
    }  # fmt: skip


def changed_settings(old: str, new: str) -> list[dict[str, Any]]:
    r"""Give the settings that differ between two configs as TOML, by dotted path, sorted; null where one is not set.

    Example:
        >>> changed_settings("[training]\nmax_steps = 1", "[training]\nmax_steps = 2")
        [{'path': 'training.max_steps', 'from': 1, 'to': 2}]
    """
    before, after = dict(_flat(tomllib.loads(old))), dict(_flat(tomllib.loads(new)))
    return [
        {"path": path, "from": _plain(before.get(path)), "to": _plain(after.get(path))}
        for path in sorted({*before, *after}) if before.get(path) != after.get(path)
    ]  # fmt: skip


def _flat(tree: Mapping[str, Any], outer: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{outer}{key}.")
        elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
            for number, one in enumerate(value):
                yield from _flat(one, f"{outer}{key}.{one.get('name', number)}.")
        else:
            yield f"{outer}{key}", value


def _plain(value: Any) -> Any:
    """Give a value of TOML as one of JSON: days become text."""
    return value if value is None or isinstance(value, str | int | float | list) else str(value)


def _code(old: Ancestry, new: Ancestry) -> dict[str, Any] | None:
    """Give what the two were registered with, where it differs, and the stages whose own code differs."""
    before, after = old.made_with, new.made_with
    stages = [
        stage for stage, origin in _origins(new).items()
        if (other := _origins(old).get(stage)) and origin.code_version and other.code_version
        and origin.code_version != other.code_version
    ]  # fmt: skip
    if before is None or after is None:
        return None
    fields = {name: (getattr(before, name), getattr(after, name)) for name in _CODE}
    names = sorted({*before.libraries, *after.libraries})
    fields |= {name: (before.libraries.get(name), after.libraries.get(name)) for name in names}
    changed = [{"name": name, "from": was, "to": now} for name, (was, now) in fields.items() if was != now]
    return {"changed": changed, "stages_with_other_code": stages}


def _origins(ancestry: Ancestry) -> dict[str, StageOrigin]:
    return {origin.stage: origin for origin in ancestry.stages if origin.stage != "promote"}


def _sources(store: Store, old: Ancestry, new: Ancestry) -> dict[str, Any] | None:
    before, after = _register(old), _register(new)
    if before is None or after is None:
        return None
    files_before, files_after = _files(store, old), _files(store, new)
    rows = []
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was is None or now is None or was["digest"] != now["digest"]:
            rows.append({
                "name": name, "change": "added" if was is None else "removed" if now is None else "changed",
                "from": was["digest"] if was else None, "to": now["digest"] if now else None,
                **_file_counts(files_before.get(name, {}), files_after.get(name, {})),
            })  # fmt: skip
    return {"changed": rows, "num_same": len({*before, *after}) - len(rows)}


def _register(ancestry: Ancestry) -> dict[str, Mapping[str, Any]] | None:
    rows = ancestry.result("ingest").get("sources")
    return None if rows is None else {row["name"]: row for row in rows}


def _files(store: Store, ancestry: Ancestry) -> dict[str, dict[str, str]]:
    files: dict[str, dict[str, str]] = {}
    for file in read_raw_files(folder) if (folder := _folder(store, ancestry, "ingest")) else ():
        files.setdefault(file.source, {})[file.path] = file.sha256
    return files


def _file_counts(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, int]:
    return {
        "num_files_added": len(new.keys() - old.keys()), "num_files_removed": len(old.keys() - new.keys()),
        "num_files_changed": sum(old[path] != new[path] for path in old.keys() & new.keys()),
    }  # fmt: skip


def _documents(store: Store, old: Ancestry, new: Ancestry) -> dict[str, Any] | None:
    """Compare what the splits name, planted test phrases aside; None where a split is gone."""
    folders = [_folder(store, one, "split") for one in (old, new)]
    if None in folders:
        return None
    before, after = (_split(folder) for folder in folders if folder)
    added, removed = _without(after, before), _without(before, after)
    moved = _moved(before, after)
    by_split = _by(added, "split"), _by(removed, "split")
    return {
        "num_added": len(added), "num_removed": len(removed), "num_same": len(after) - len(added),
        "added_by_source": _by(added, "source"), "removed_by_source": _by(removed, "source"),
        "added_by_split": by_split[0], "removed_by_split": by_split[1], "moved": moved,
        "num_changed": _num_changed(store, old, new, after),
        "same_test": not any("test" in part for part in (*by_split, *({row["from"], row["to"]} for row in moved))),
        "added": _ids(added), "removed": _ids(removed),
    }  # fmt: skip


def _split(folder: Path) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    columns = ["id", "source", "split", "planted"]
    table = pa.concat_tables([pq.ParquetFile(path).read(columns) for path in table_files(folder / SPLIT_DIR)])
    return table.filter(pc.invert(table["planted"])).combine_chunks()


def _without(table: "pa.Table", other: "pa.Table") -> "pa.Table":
    import pyarrow.compute as pc

    ids = other["id"].combine_chunks() if len(other) else arrow_strings([])
    return table.filter(pc.invert(pc.is_in(table["id"], value_set=ids)))


def _moved(before: "pa.Table", after: "pa.Table") -> list[dict[str, Any]]:
    """Count the documents of both that are in another split."""
    one, other = (table.select(["id", "split"]) for table in (before, after))
    joined = one.join(other, "id", join_type="inner", right_suffix="_now")
    rows = joined.group_by(["split", "split_now"]).aggregate([([], "count_all")]).to_pylist()
    return [
        {"from": row["split"], "to": row["split_now"], "num_documents": row["count_all"]}
        for row in sorted(rows, key=lambda row: (row["split"], row["split_now"])) if row["split"] != row["split_now"]
    ]  # fmt: skip


def _num_changed(store: Store, old: Ancestry, new: Ancestry, after: "pa.Table") -> int | None:
    """Count the texts of both that say something else than they did; None where an ingest left no index."""
    import pyarrow as pa
    import pyarrow.compute as pc

    before, now = (_marks(store, one) for one in (old, new))
    if before is None or now is None:
        return None
    joined = before.join(now, "id", join_type="inner", right_suffix="_now")
    changed = joined.filter(pc.not_equal(joined["mark"], joined["mark_now"]))
    kept = pc.binary_slice(after["id"].cast(pa.binary()), 0, ID_CHARS).combine_chunks()
    return int(pc.sum(pc.is_in(changed["id"].cast(pa.binary()), value_set=kept)).as_py() or 0)


def _marks(store: Store, ancestry: Ancestry) -> "pa.Table | None":
    """Read what each text of a version's ingest said, as marks."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = _folder(store, ancestry, "ingest")
    files = sorted((folder / TEXTS_DIR).glob("*.parquet")) if folder else []
    return pa.concat_tables([pq.ParquetFile(path).read(["id", "mark"]) for path in files]) if files else None


def _by(table: "pa.Table", column: str) -> dict[str, int]:
    rows = table.group_by([column]).aggregate([([], "count_all")]).to_pylist()
    return {row[column]: row["count_all"] for row in sorted(rows, key=lambda row: str(row[column]))}


def _ids(table: "pa.Table") -> list[str]:
    ids: Sequence[str] = sorted(table["id"].to_pylist())
    return list(ids[:MOST_IDS])


def _folder(store: Store, ancestry: Ancestry, stage: str) -> Path | None:
    """Give the folder of an output whose tables are whole; None where they are not."""
    origin = ancestry.stage(stage)
    if origin is None or not origin.fingerprint or origin.state == "damaged":
        return None
    return store.folder(stage, origin.fingerprint)


def _metrics(old: Ancestry, new: Ancestry) -> Iterator[dict[str, Any]]:
    for stage, names in _METRICS:
        for name in names:
            yield {"name": name, "from": old.result(stage).get(name), "to": new.result(stage).get(name)}
    before, after = corpus_counts(old) or {}, corpus_counts(new) or {}
    for name in _COUNTS:
        yield {"name": name, "from": before.get(name), "to": after.get(name)}
    findings = [sum(one.result("scrub").get("findings", {}).values()) for one in (old, new)]
    yield {"name": "num_findings", "from": findings[0], "to": findings[1]}
