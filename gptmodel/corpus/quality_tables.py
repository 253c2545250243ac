"""The statistics that the quality gate judges: one row a document, and one row of totals; never any text.

The scrubbed text is read once more, independently of what the stages said: its length, whether the same text stands in
two splits, and a second search for sensitive data. Planted test phrases stay aside. Called by the quality gate.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from gptmodel.corpus.documents import Document, read_documents
from gptmodel.corpus.members import Member, read_members
from gptmodel.corpus.signing import comparable, text_key
from gptmodel.corpus.split_table import read_split
from gptmodel.store import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from gptmodel.corpus.cleaning import CleanResult
    from gptmodel.corpus.dedup import DedupResult
    from gptmodel.corpus.scrubbing import ScrubResult
    from gptmodel.corpus.sources import IngestResult
    from gptmodel.corpus.split import SplitResult

MAX_RESCAN_BYTES = 20_000_000
"""Text searched a second time for sensitive data, at most (bytes); of more, documents are drawn by hash."""
DROPPED = ""
"""What stands for the split of a document that is left out as a duplicate."""

_REPLACEMENT = "\ufffd"
_MIN_LINE_CHARS = 40
_COPIED_RATIO = 0.5


@dataclass(frozen=True)
class Accounts:
    """What the stages before the gate said of themselves."""

    ingest: "IngestResult"
    clean: "CleanResult"
    scrub: "ScrubResult"
    dedup: "DedupResult"
    split: "SplitResult"


@dataclass
class Tables:
    """What the gate judges.

    Attributes:
        documents: One row a document, with lengths and counts (the fields of `_Row`), sorted by id.
        totals: One row of counts and ratios.
        num_rescanned: Documents searched a second time for sensitive data.
    """

    documents: "pd.DataFrame"
    totals: "pd.DataFrame"
    num_rescanned: int


@dataclass
class _Row:
    id: str
    source: str
    lang: str
    split: str
    num_chars: int
    num_broken: int
    num_findings: int = 0
    crosses: bool = False
    copied_ratio: float = 0.0


@dataclass
class _Reading:
    """What is gathered while the text is read."""

    rows: list[_Row] = field(default_factory=list)
    keys: dict[str, set[bytes]] = field(default_factory=dict)
    key_of: dict[str, bytes] = field(default_factory=dict)
    held_out_lines: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    num_rescanned: int = 0


def build_tables(work: Workspace, accounts: Accounts) -> Tables:
    """Read the scrubbed text and the tables of dedup and split into statistics.

    Args:
        work: Reads `scrub`, `deduplicate` and `split`.
        accounts: The earlier stages' results.
    """
    import pandas as pd

    split_of = {row.id: row.split for row in read_split(work.inputs["split"]) if not row.planted}
    reading = _read(work.inputs["scrub"], split_of, accounts)
    _mark_crossing(reading, list(read_members(work.inputs["deduplicate"])), split_of)
    _mark_copied(reading, work.inputs["scrub"], split_of)
    columns = {name: [getattr(row, name) for row in reading.rows] for name in _Row.__dataclass_fields__}
    documents = pd.DataFrame(columns).sort_values("id", ignore_index=True)
    return Tables(documents, pd.DataFrame([_totals(reading.rows, accounts)]), reading.num_rescanned)


def _read(folder: Path, split_of: Mapping[str, str], accounts: Accounts) -> _Reading:
    reading = _Reading()
    share = _rescan_share(accounts.split)
    for document in _real_documents(folder):
        split = split_of.get(document.id, DROPPED)
        row = _Row(
            document.id, document.source, document.lang, split, len(document.text), document.text.count(_REPLACEMENT)
        )
        reading.rows.append(row)
        if split == DROPPED:
            continue
        _note_text(document, split, reading)
        if _drawn(document.id, share):
            reading.num_rescanned += 1
            row.num_findings = _num_findings(document.text, accounts.scrub.kinds_searched)
    return reading


def _real_documents(folder: Path) -> Iterator[Document]:
    return (document for document in read_documents(folder) if not document.planted)


def _rescan_share(split: "SplitResult") -> float:
    return MAX_RESCAN_BYTES / max(1, split.num_bytes_train + split.num_bytes_validation + split.num_bytes_test)


def _drawn(document_id: str, share: float) -> bool:
    return int.from_bytes(hashlib.sha256(f"rescan\0{document_id}".encode()).digest()[:8]) < share * 2**64


def _num_findings(text: str, kinds: Sequence[str]) -> int:
    from gptmodel.corpus.scrubbing import find

    # Names are found by the words around them, not validated, so they can't decide.
    wanted = [kind for kind in kinds if kind != "PERSON"]
    return len(find(text, wanted, names=False)) if wanted else 0


def _note_text(document: Document, split: str, reading: _Reading) -> None:
    key = text_key(document.text)
    reading.keys.setdefault(split, set()).add(key)
    if split == "train":
        return
    reading.key_of[document.id] = key
    for line, size in _long_lines(document.text):
        reading.held_out_lines.setdefault(line, []).append((document.id, size))


def _long_lines(text: str) -> Iterator[tuple[int, int]]:
    for line in text.split("\n"):
        if len(line) >= _MIN_LINE_CHARS:
            yield xxhash.xxh3_64_intdigest(comparable(line).encode("utf-8", "surrogatepass")), len(line)


def _mark_crossing(reading: _Reading, members: Sequence[Member], split_of: Mapping[str, str]) -> None:
    """Mark the held-out documents whose cluster, or whose very text, is in train too."""
    in_train = {member.cluster for member in members if split_of.get(member.id) == "train"}
    cluster_of = {member.id: member.cluster for member in members}
    texts = reading.keys.get("train", set())
    for row in reading.rows:
        if row.split not in (DROPPED, "train"):
            row.crosses = cluster_of.get(row.id) in in_train or reading.key_of[row.id] in texts


def _mark_copied(reading: _Reading, folder: Path, split_of: Mapping[str, str]) -> None:
    """Measure which share of each held-out document's characters is in long lines that train holds too."""
    copied: dict[str, int] = {}
    if reading.held_out_lines:
        for document in _real_documents(folder):
            if split_of.get(document.id) != "train":
                continue
            for line, _ in _long_lines(document.text):
                for held_out, size in reading.held_out_lines.pop(line, ()):
                    copied[held_out] = copied.get(held_out, 0) + size
    for row in reading.rows:
        row.copied_ratio = copied.get(row.id, 0) / max(1, row.num_chars)


def _totals(rows: Sequence[_Row], accounts: Accounts) -> dict[str, float | int]:
    kept = [row for row in rows if row.split != DROPPED]
    held_out = [row for row in kept if row.split != "train"]
    clean, scrub, dedup, split = accounts.clean, accounts.scrub, accounts.dedup, accounts.split
    num_chars = sum(row.num_chars for row in kept)
    return {
        "num_documents": len(kept),
        "num_train": sum(row.split == "train" for row in kept),
        "num_validation": sum(row.split == "validation" for row in kept),
        "num_test": sum(row.split == "test" for row in kept),
        "num_lost": max(abs(len(rows) - number) for number in (clean.num_kept, scrub.num_documents, dedup.num_read))
        + abs(len(kept) - dedup.num_kept)
        + abs(len(kept) - split.num_train - split.num_validation - split.num_test),
        "dropped_ratio": _ratio(clean.num_dropped, clean.num_read),
        "quarantined_ratio": _ratio(accounts.ingest.num_quarantined, accounts.ingest.num_read),
        "duplicate_ratio": _ratio(dedup.num_read - dedup.num_kept, dedup.num_read),
        "cross_split_ratio": _ratio(sum(row.crosses for row in held_out), len(held_out)),
        "copied_ratio": _ratio(sum(row.copied_ratio > _COPIED_RATIO for row in held_out), len(held_out)),
        "held_out_ratio": _ratio(sum(row.num_chars for row in held_out), num_chars),
        "unknown_language_ratio": _ratio(sum(row.lang == "und" for row in kept), len(kept)),
        "broken_ratio": _ratio(sum(row.num_broken for row in kept), num_chars),
        "largest_document_ratio": _ratio(max((row.num_chars for row in kept), default=0), num_chars),
        "num_findings": sum(row.num_findings for row in kept),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
