"""The account of each document: where it lies, whether it is in, and if not, which rule of which stage left it out.

Read from the stages' tables alone (quarantine, drops, left out, members, splits, findings) and the columns beside the
scrubbed text, a shard at a time in memory. No text is read, so that it works after the raw text is gone. The corpus
report and a person's own question come here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gptmodel.corpus.arrow_strings import arrow_strings
from gptmodel.corpus.dedup.members import MEMBERS_DIR
from gptmodel.corpus.documents import list_shards
from gptmodel.corpus.sources.forgetting import FORGOTTEN, FORGOTTEN_DIR
from gptmodel.corpus.split_table import SPLIT_DIR
from gptmodel.corpus.table_names import DROPS_DIR, FINDINGS_DIR, LEFT_OUT_DIR, QUARANTINE_DIR

if TYPE_CHECKING:
    import pyarrow as pa

Status = Literal["train", "validation", "test", "kept", "dropped", "quarantined", "forgotten"]
Row = dict[str, Any]
Chosen = Callable[["pa.Table"], Any]
"""Gives a mask over a table's rows, by the columns that are read of it."""

_TEXT_STAGES = ("scrub", "clean", "ingest")
_BATCH_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class DocumentAccount:
    """What became of one document, or of a file or record that could not be read.

    Attributes:
        id: The document; empty for what could not be read.
        source: Its source.
        path: Its file within the source; empty for what an erasure request leaves out.
        status: Its split; `kept` where the run has not come to the split yet; else `dropped`, `quarantined` or
            `forgotten`.
        stage: The stage that decided so.
        reason: Why it is out; empty if it is in.
        position: Number of the record that could not be read, from 1; 0 for a document or a file as a whole.
        num_bytes: UTF-8 bytes of its text where it was last measured; None if it was not.
        lang: Its language; empty if it was out before that was found.
        cluster: The kept document of its cluster of duplicates; empty before deduplication.
        is_planted: Whether it is a planted test phrase, which no other count holds.
        findings: Sensitive data found in it, by kind.
    """

    id: str
    source: str
    path: str
    status: Status
    stage: str
    reason: str = ""
    position: int = 0
    num_bytes: int | None = None
    lang: str = ""
    cluster: str = ""
    is_planted: bool = False
    findings: Mapping[str, int] = field(default_factory=dict)


def read_accounts(
    folders: Mapping[str, Path], *, document: str = "", source: str = "", path: str = "", shard: str = ""
) -> Iterator[DocumentAccount]:
    """Give the account of each document: first what was not read, then what was dropped, then the others.

    Args:
        folders: Folder of each stage's output, by name, as far as the run went.
        document: Only this document, or the parts of this text.
        source: Only this source.
        path: Only this file, or what lies below this folder or in this archive.
        shard: Only what lies in this shard, by its number as file names begin: where it is known, the others need not
            be looked at.
    """
    chosen = _chosen(source, path)
    if not document:
        yield from _quarantined(folders, chosen)
    if not path:
        yield from _forgotten(folders, document, source, shard)
    chosen = _also(chosen, _id_is(document)) if document else chosen
    yield from _dropped(folders, chosen, shard)
    stage = next((name for name in _TEXT_STAGES if name in folders), None)
    for file in list_shards(folders[stage]) if stage else ():
        if file.name.startswith(shard):
            yield from _documents(folders, str(stage), file, chosen)


def _quarantined(folders: Mapping[str, Path], chosen: Chosen | None) -> Iterator[DocumentAccount]:
    for row in _rows(folders, "ingest", QUARANTINE_DIR, ("source", "path", "position", "reason"), chosen):
        yield DocumentAccount("", status="quarantined", stage="ingest", **row)


def _forgotten(folders: Mapping[str, Path], document: str, source: str, shard: str) -> Iterator[DocumentAccount]:
    for row in _rows(folders, "ingest", FORGOTTEN_DIR, ("id", "source"), _chosen(source, ""), shard):
        if document in ("", row["id"]):
            yield DocumentAccount(path="", status="forgotten", stage="ingest", reason=FORGOTTEN, **row)


def _dropped(
    folders: Mapping[str, Path], chosen: Chosen | None, shard: str
) -> Iterator[DocumentAccount]:  # fmt: skip
    for row in _rows(folders, "clean", DROPS_DIR, ("id", "source", "path", "reason", "num_bytes"), chosen, shard):
        yield DocumentAccount(status="dropped", stage="clean", **row)
    for path in _tables(folders, "scrub", LEFT_OUT_DIR, shard):
        rows = _read(path, ("id", "source", "path", "reason", "num_bytes", "planted"), chosen)
        yield from _left_out(folders, path, rows) if len(rows) else ()


def _left_out(folders: Mapping[str, Path], path: Path, rows: "pa.Table") -> Iterator[DocumentAccount]:
    """Give the documents of one shard that scrubbing left out, with what was found in them."""
    findings = _beside(folders, "scrub", FINDINGS_DIR, path, ("id", "kind", "num"), _id_among(rows["id"]))
    kinds = _kinds_by_id(findings, rows["id"])
    for row in rows.to_pylist():
        planted, found = bool(row.pop("planted")), kinds.get(row["id"], {})
        yield DocumentAccount(status="dropped", stage="scrub", is_planted=planted, findings=found, **row)


def _documents(
    folders: Mapping[str, Path], stage: str, shard: Path, chosen: Chosen | None
) -> Iterator[DocumentAccount]:
    """Give the documents of one shard, put together from the tables beside it."""
    documents = _read(shard, ("id", "source", "path", "lang", "planted"), chosen)
    if not len(documents):
        return
    # Of a few documents the other tables are read for these alone.
    only = None if chosen is None else _id_among(documents["id"])
    for name, table, columns in (
        ("deduplicate", MEMBERS_DIR, ("id", "cluster", "reason", "num_bytes")), ("split", SPLIT_DIR, ("id", "split"))
    ):  # fmt: skip
        documents = _joined(documents, _beside(folders, name, table, shard, columns, only))
    findings = _beside(folders, "scrub", FINDINGS_DIR, shard, ("id", "kind", "num"), only)
    last = "deduplicate" if "deduplicate" in folders else stage
    for batch in documents.to_batches(max_chunksize=_BATCH_ROWS):
        kinds = _kinds_by_id(findings, batch.column("id"))
        for row in batch.to_pylist():
            yield _account(row, kinds.get(row["id"], {}), last)


def _account(row: Row, findings: Mapping[str, int], last: str) -> DocumentAccount:
    reason, split = row.get("reason") or "", row.get("split")
    status: Status = split or ("dropped" if reason else "kept")
    stage = "split" if split else "deduplicate" if reason else last
    return DocumentAccount(
        row["id"], row["source"], row["path"], status, stage, reason, num_bytes=row.get("num_bytes"), lang=row["lang"],
        cluster=row.get("cluster") or "", is_planted=bool(row["planted"]), findings=findings,
    )  # fmt: skip


def _joined(documents: "pa.Table", other: "pa.Table | None") -> "pa.Table":
    """Put another table's columns beside the documents, by id; nothing stands where it has no row for one."""
    import pyarrow.compute as pc

    if other is None:
        return documents
    ids = other["id"].combine_chunks() if len(other) else arrow_strings([])  # of none, pyarrow asks pandas
    places = pc.index_in(documents["id"], value_set=ids)
    for name in other.column_names[1:]:
        documents = documents.append_column(name, other[name].take(places))
    return documents


def _kinds_by_id(findings: "pa.Table | None", ids: "pa.Array") -> dict[str, dict[str, int]]:
    """Add up the findings of some documents by kind."""
    import pyarrow.compute as pc

    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    mine = findings.filter(pc.is_in(findings["id"], value_set=ids)).to_pylist() if findings is not None else []
    for row in mine:
        kinds = found[row["id"]]
        kinds[row["kind"]] = kinds.get(row["kind"], 0) + row["num"]
    return dict(found)


def _beside(
    folders: Mapping[str, Path], stage: str, table: str, shard: Path, columns: Sequence[str],
    only: Chosen | None,
) -> "pa.Table | None":  # fmt: skip
    """Read a stage's table of one shard; None if the stage did not run or the shard had nothing for it."""
    path = folders[stage] / table / shard.name if stage in folders else None
    return _read(path, columns, only) if path is not None and path.exists() else None


def _rows(
    folders: Mapping[str, Path], stage: str, table: str, columns: Sequence[str], chosen: Chosen | None,
    shard: str = "",
) -> Iterator[Row]:  # fmt: skip
    """Read a stage's table of all shards, or of one, row by row."""
    for path in _tables(folders, stage, table, shard):
        for batch in _read(path, columns, chosen).to_batches(max_chunksize=_BATCH_ROWS):
            yield from batch.to_pylist()


def _tables(folders: Mapping[str, Path], stage: str, table: str, shard: str = "") -> list[Path]:
    """List a stage's table of each shard, or of one; none if the stage did not run."""
    return sorted((folders[stage] / table).glob(f"{shard}*.parquet")) if stage in folders else []


def _read(path: Path, columns: Sequence[str], chosen: Chosen | None) -> "pa.Table":
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        table = file.read(list(columns))
    return table if chosen is None else table.filter(chosen(table))


def _chosen(source: str, path: str) -> Chosen | None:
    chosen = partial(_is, column="source", text=source) if source else None
    return _also(chosen, partial(_lies_in, path=path.rstrip("/"))) if path else chosen


def _id_is(document: str) -> Chosen:
    return partial(_is_or_starts, column="id", text=document, beginning=f"{document}.")


def _lies_in(table: "pa.Table", path: str) -> Any:
    return _is_or_starts(table, "path", path, f"{path}/")


def _is_or_starts(table: "pa.Table", column: str, text: str, beginning: str) -> Any:
    import pyarrow.compute as pc

    return pc.or_(_is(table, column, text), pc.starts_with(table[column], beginning))


def _is(table: "pa.Table", column: str, text: str) -> Any:
    import pyarrow.compute as pc

    return pc.is_in(table[column], value_set=arrow_strings([text]))


def _id_among(ids: "pa.ChunkedArray") -> Chosen:
    def mask(table: "pa.Table") -> Any:
        import pyarrow.compute as pc

        return pc.is_in(table["id"], value_set=ids.combine_chunks())

    return mask


def _also(one: Chosen | None, other: Chosen) -> Chosen:
    def mask(table: "pa.Table") -> Any:
        import pyarrow.compute as pc

        return pc.and_(one(table), other(table)) if one else other(table)

    return mask
