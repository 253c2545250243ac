"""The account of each document: where it lies, whether it is in, and if not, which rule of which stage left it out.

Read from the stages' tables alone (quarantine, drops, members, splits, findings) and the columns beside the scrubbed
text, a shard at a time in memory. No text is read, so that it works after the raw text is gone. The corpus report and
a person's own question come here.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gptmodel.corpus.cleaning import DROPS_DIR
from gptmodel.corpus.documents import list_shards
from gptmodel.corpus.members import MEMBERS_DIR
from gptmodel.corpus.reading import QUARANTINE_DIR
from gptmodel.corpus.scrubbing.stage import FINDINGS_DIR
from gptmodel.corpus.split_table import SPLIT_DIR

if TYPE_CHECKING:
    import pyarrow.compute as pc

Status = Literal["train", "validation", "test", "kept", "dropped", "quarantined"]
Row = dict[str, Any]

_TEXT_STAGES = ("scrub", "clean", "ingest")


@dataclass(frozen=True, slots=True)
class DocumentAccount:
    """What became of one document, or of a file or record that could not be read.

    Attributes:
        id: The document; empty for what could not be read.
        source: Its source.
        path: Its file within the source.
        status: Its split; `kept` where the run has not come to the split yet; else `dropped` or `quarantined`.
        stage: The stage that decided so.
        reason: Why it is out; empty if it is in.
        position: Number of the record that could not be read, from 1; 0 for a document or a file as a whole.
        num_bytes: UTF-8 bytes of its text where it was last measured; None if it was not.
        lang: Its language; empty if it was out before that was found.
        cluster: The kept document of its cluster of duplicates; empty before deduplication.
        is_planted: Whether it is a planted test phrase, which no other count holds.
        findings: Sensitive data replaced in it, by kind.
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
    folders: Mapping[str, Path], *, document: str = "", source: str = "", path: str = ""
) -> Iterator[DocumentAccount]:
    """Give the account of each document: first what could not be read, then what was dropped, then the others.

    Args:
        folders: Folder of each stage's output, by name, as far as the run went.
        document: Only this document, or the parts of this text.
        source: Only this source.
        path: Only this file, or what lies below this folder or in this archive.
    """
    chosen = _chosen(source, path)
    if not document:
        yield from _quarantined(folders, chosen)
    chosen = _also(chosen, _id_is(document)) if document else chosen
    yield from _dropped(folders, chosen)
    stage = next((name for name in _TEXT_STAGES if name in folders), None)
    for shard in list_shards(folders[stage]) if stage else ():
        yield from _documents(folders, str(stage), shard, chosen)


def _quarantined(folders: Mapping[str, Path], chosen: "pc.Expression | None") -> Iterator[DocumentAccount]:
    for row in _tables(folders, "ingest", QUARANTINE_DIR, ("source", "path", "position", "reason"), chosen):
        yield DocumentAccount("", status="quarantined", stage="ingest", **row)


def _dropped(folders: Mapping[str, Path], chosen: "pc.Expression | None") -> Iterator[DocumentAccount]:
    for row in _tables(folders, "clean", DROPS_DIR, ("id", "source", "path", "reason", "num_bytes"), chosen):
        yield DocumentAccount(status="dropped", stage="clean", **row)


def _documents(
    folders: Mapping[str, Path], stage: str, shard: Path, chosen: "pc.Expression | None"
) -> Iterator[DocumentAccount]:
    """Give the documents of one shard, put together from the tables beside it."""
    documents = _rows(shard, ("id", "source", "path", "lang", "planted"), chosen)
    if not documents:
        return
    # Of a few documents the other tables are read for these alone.
    only = None if chosen is None else _id_among([row["id"] for row in documents])
    members = _by_id(folders, "deduplicate", MEMBERS_DIR, shard, ("id", "cluster", "reason", "num_bytes"), only)
    splits = _by_id(folders, "split", SPLIT_DIR, shard, ("id", "split"), only)
    findings = _findings(folders, shard, only)
    last = "deduplicate" if "deduplicate" in folders else stage
    for row in documents:
        is_planted, name = bool(row.pop("planted")), row["id"]
        member = members.get(name, {"cluster": "", "reason": "", "num_bytes": None})
        status, decided = _status(member["reason"], splits.get(name), last)
        yield DocumentAccount(
            **row, **member, status=status, stage=decided, is_planted=is_planted, findings=findings.get(name, {})
        )


def _status(reason: str, split: Row | None, last: str) -> tuple[Status, str]:
    if split is not None:
        return split["split"], "split"
    return ("dropped", "deduplicate") if reason else ("kept", last)


def _findings(folders: Mapping[str, Path], shard: Path, only: "pc.Expression | None") -> dict[str, dict[str, int]]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in _beside(folders, "scrub", FINDINGS_DIR, shard, ("id", "kind", "num"), only):
        kinds = found[row["id"]]
        kinds[row["kind"]] = kinds.get(row["kind"], 0) + row["num"]
    return dict(found)


def _by_id(
    folders: Mapping[str, Path], stage: str, table: str, shard: Path, columns: Sequence[str],
    only: "pc.Expression | None",
) -> dict[str, Row]:  # fmt: skip
    return {row.pop("id"): row for row in _beside(folders, stage, table, shard, columns, only)}


def _beside(
    folders: Mapping[str, Path], stage: str, table: str, shard: Path, columns: Sequence[str],
    only: "pc.Expression | None",
) -> list[Row]:  # fmt: skip
    """Read a stage's table of one shard; none if the stage did not run or the shard had nothing for it."""
    path = folders[stage] / table / shard.name if stage in folders else None
    return _rows(path, columns, only) if path is not None and path.exists() else []


def _tables(
    folders: Mapping[str, Path], stage: str, table: str, columns: Sequence[str], chosen: "pc.Expression | None"
) -> Iterator[Row]:
    for path in sorted((folders[stage] / table).glob("*.parquet")) if stage in folders else ():
        yield from _rows(path, columns, chosen)


def _rows(path: Path, columns: Sequence[str], chosen: "pc.Expression | None") -> list[Row]:
    import pyarrow.parquet as pq

    rows: list[Row] = pq.read_table(path, columns=list(columns), filters=chosen, partitioning=None).to_pylist()
    return rows


def _chosen(source: str, path: str) -> "pc.Expression | None":
    import pyarrow.compute as pc

    chosen = None
    if source:
        chosen = pc.field("source") == source
    if path:
        inside = pc.starts_with(pc.field("path"), f"{path.rstrip('/')}/")
        chosen = _also(chosen, (pc.field("path") == path) | inside)
    return chosen


def _id_is(document: str) -> "pc.Expression":
    import pyarrow.compute as pc

    return (pc.field("id") == document) | pc.starts_with(pc.field("id"), f"{document}.")


def _id_among(ids: Sequence[str]) -> "pc.Expression":
    import pyarrow.compute as pc

    return pc.field("id").isin(ids)


def _also(one: "pc.Expression | None", other: "pc.Expression") -> "pc.Expression":
    return other if one is None else one & other
