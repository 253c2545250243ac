"""The tables that the quality gate judges, made of what reading the shards gave and of the stages' own accounts.

`statistics/` holds one row a document, one file a shard; `totals.parquet` one row of counts a shard. From their sums
and from the accounts follow three small tables: the corpus as a whole in one row of counts and ratios, one row a
source, one row a language. No text enters any of them. Called by the quality gate.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gptmodel.corpus.quality.overlaps import Overlap, find_overlaps
from gptmodel.corpus.quality.reading import NO_ENCODING, READ, UNKNOWN, ReadAccount, ReadRow
from gptmodel.corpus.tables import schema_of, table_files, write_arrow
from gptmodel.intervals import lower_bound

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from gptmodel.corpus.cleaning import CleanResult
    from gptmodel.corpus.dedup.stage import DedupResult
    from gptmodel.corpus.scrubbing import ScrubResult
    from gptmodel.corpus.scrubbing.measuring.self_test import KindTest
    from gptmodel.corpus.sources.stage import IngestResult, SourceAccount
    from gptmodel.corpus.split import SplitResult

STATISTICS_DIR = "statistics"
TOTALS_FILE = "totals.parquet"
SHORT_CHARS = 40
"""Documents with fewer characters count as very short."""
LONG_CHARS = 50_000
"""Documents with more characters count as very long."""
COPIED_RATIO = 0.5
"""A held-out document of which train has a larger share counts as copied."""

_ROWS_AT_ONCE = 100_000
_UNKNOWN_LANGUAGE = "und"
_UTF8 = ("utf-8", "utf-8-sig", "ascii", NO_ENCODING, UNKNOWN)


@dataclass(frozen=True, slots=True)
class DocumentRow(ReadRow):
    """One document's statistics.

    Attributes:
        crosses: Whether it is held out and its text, its cluster, or the text it is a part of is in train too.
        copied_ratio: Share of its bytes, if it is held out, in long lines that train has too.
        is_repeated: Whether another document has the same id.
    """

    crosses: bool
    copied_ratio: float
    is_repeated: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of one shard's documents; of several shards they add up, but for the largest document."""

    num_documents: int = 0
    num_train: int = 0
    num_validation: int = 0
    num_test: int = 0
    num_bytes: int = 0
    num_chars: int = 0
    num_held_out_chars: int = 0
    num_largest_chars: int = 0
    num_broken: int = 0
    num_unknown_language: int = 0
    num_not_utf8: int = 0
    num_short: int = 0
    num_long: int = 0
    num_searched: int = 0
    num_findings: int = 0
    num_loose_findings: int = 0
    num_scanned: int = 0
    num_with_residual: int = 0
    num_with_loose_residual: int = 0
    num_crossing: int = 0
    num_copied: int = 0
    num_repeated_ids: int = 0
    num_missing: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        """Add another shard's counts."""
        mine, others = asdict(self), asdict(other)
        added = {name: mine[name] + others[name] for name in mine}
        return Totals(**added | {"num_largest_chars": max(self.num_largest_chars, other.num_largest_chars)})


@dataclass
class Counts:
    """Documents and bytes by source and language, and documents by length."""

    documents_by_source: Counter[str] = field(default_factory=Counter)
    bytes_by_source: Counter[str] = field(default_factory=Counter)
    documents_by_language: Counter[str] = field(default_factory=Counter)
    bytes_by_language: Counter[str] = field(default_factory=Counter)
    documents_by_length: Counter[int] = field(default_factory=Counter)

    def add(self, rows: "pd.DataFrame") -> None:
        """Count some documents."""
        for name, documents, num_bytes in (
            ("source", self.documents_by_source, self.bytes_by_source),
            ("lang", self.documents_by_language, self.bytes_by_language),
        ):
            groups = rows.groupby(name)["num_bytes"]
            documents.update(groups.size().to_dict())
            num_bytes.update(groups.sum().to_dict())
        self.documents_by_length.update(rows["num_chars"].value_counts().to_dict())


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
        statistics: Folder of the documents' statistics.
        corpus: One row of counts and ratios of the whole corpus.
        sources: One row a source, in the order of preference.
        languages: One row a language that was found or is expected, sorted.
        residual: Documents with a value that the second scanner is sure of, by kind.
        self_test: What the scrubber's test of itself gave, by kind.
        untested: Kinds that it did not try.
    """

    statistics: Path
    corpus: "pd.DataFrame"
    sources: "pd.DataFrame"
    languages: "pd.DataFrame"
    residual: Mapping[str, int]
    self_test: Sequence["KindTest"]
    untested: Sequence[str]

    def documents(self) -> Iterator["pd.DataFrame"]:
        """Give the documents' statistics, some rows at a time in the order of the shards; at least one table."""
        return read_batches(self.statistics)


def build_tables(
    folder: Path, read: Mapping[str, ReadAccount], accounts: Accounts, expected_languages: Mapping[str, float]
) -> Tables:
    """Write the documents' statistics and the shards' totals, and make the small tables of their sums.

    Args:
        folder: The stage's folder, where the shards were read into.
        read: What reading each shard gave, by the name of its table.
        accounts: What the stages said.
        expected_languages: Share of the text that each language should have.
    """
    import pandas as pd

    total, counts = write_statistics(folder, list(read), find_overlaps(folder, list(read)))
    num_scrubbed = sum((Counter(account.num_scrubbed) for account in read.values()), Counter[str]())
    sources = pd.DataFrame(source_rows(num_scrubbed, counts, accounts))
    corpus = pd.DataFrame([corpus_row(total, counts, sources, accounts)])
    languages = pd.DataFrame(language_rows(counts, expected_languages))
    residual = sum((Counter(account.num_residual) for account in read.values()), Counter[str]())
    scrub = accounts.scrub
    return Tables(folder / STATISTICS_DIR, corpus, sources, languages, residual, scrub.self_test, scrub.untested_kinds)


def write_statistics(folder: Path, names: Sequence[str], overlaps: Sequence[Overlap]) -> tuple[Totals, Counts]:
    """Complete the statistics of every shard and count them.

    Args:
        folder: The stage's folder, with the tables of `ReadRow`.
        names: Names of these tables.
        overlaps: The shards' overlaps, in their order.
    """
    import pyarrow as pa

    counts, totals = Counts(), dict[str, Totals]()
    for name, overlap in zip(names, overlaps, strict=True):
        shard = name.removeprefix(f"{READ}-")
        path = folder / STATISTICS_DIR / f"{shard}.parquet"
        totals[shard] = _write_shard(folder / f"{name}.parquet", path, overlap, counts)
    rows = [{"shard": shard} | asdict(total) for shard, total in totals.items()]
    schema = schema_of(Totals).insert(0, pa.field("shard", pa.string()))
    write_arrow(folder / TOTALS_FILE, pa.Table.from_pylist(rows, schema))
    return sum(totals.values(), Totals()), counts


def _write_shard(read: Path, written: Path, overlap: Overlap, counts: Counts) -> Totals:
    import pyarrow.parquet as pq

    total, start = Totals(), 0
    written.parent.mkdir(parents=True, exist_ok=True)
    schema = schema_of(DocumentRow)
    with pq.ParquetFile(read) as file, pq.ParquetWriter(written, schema, compression="zstd") as writer:
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
            table = _completed(batch, overlap, start).cast(schema)
            writer.write_table(table)
            rows = table.to_pandas()
            total += totals_of(rows)
            counts.add(rows)
            start += len(rows)
    return total


def _completed(batch: "pa.RecordBatch", overlap: Overlap, start: int) -> "pa.Table":
    import pyarrow as pa

    end = start + len(batch)
    sizes = np.maximum(1, batch["num_bytes"].to_numpy())
    copied = np.minimum(1.0, overlap.num_bytes_copied[start:end] / sizes)  # lower case may take more bytes
    crosses, is_repeated = overlap.crosses[start:end], overlap.is_repeated[start:end]
    table = pa.Table.from_batches([batch])
    for name, column in (("crosses", crosses), ("copied_ratio", copied), ("is_repeated", is_repeated)):
        table = table.append_column(name, pa.array(column))
    return table


def totals_of(rows: "pd.DataFrame") -> Totals:
    """Count some documents, given by their statistics."""
    held_out = rows["split"] != "train"
    sizes = rows["num_chars"]
    return Totals(
        num_documents=len(rows),
        num_train=int((~held_out).sum()),
        num_validation=int((rows["split"] == "validation").sum()),
        num_test=int((rows["split"] == "test").sum()),
        num_bytes=int(rows["num_bytes"].sum()),
        num_chars=int(sizes.sum()),
        num_held_out_chars=int(sizes[held_out].sum()),
        num_largest_chars=int(sizes.max()) if len(rows) else 0,
        num_broken=int(rows["num_broken"].sum()),
        num_unknown_language=int((rows["lang"] == _UNKNOWN_LANGUAGE).sum()),
        num_not_utf8=int((~rows["encoding"].isin(_UTF8)).sum()),
        num_short=int((sizes < SHORT_CHARS).sum()),
        num_long=int((sizes > LONG_CHARS).sum()),
        num_searched=int(rows["is_searched"].sum()),
        num_findings=int(rows["num_findings"].sum()),
        num_loose_findings=int(rows["num_loose_findings"].sum()),
        num_scanned=int(rows["is_scanned"].sum()),
        num_with_residual=int((rows["num_residual"] > 0).sum()),
        num_with_loose_residual=int((rows["num_loose_residual"] > 0).sum()),
        num_crossing=int(rows["crosses"].sum()),
        num_copied=int((rows["copied_ratio"] > COPIED_RATIO).sum()),
        num_repeated_ids=int(rows["is_repeated"].sum()),
        num_missing=int(rows.isna().to_numpy().sum()),
    )


def read_batches(statistics: Path) -> Iterator["pd.DataFrame"]:
    """Read the documents' statistics, up to 100,000 rows at a time; at least one table, if need be without rows.

    Small shards come together: each table costs Great Expectations some 50 ms whatever its size.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    batches: list[pa.RecordBatch] = []
    num_rows, num_given = 0, 0
    for path in table_files(statistics):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                if num_rows + len(batch) > _ROWS_AT_ONCE:
                    yield pa.Table.from_batches(batches).to_pandas()
                    num_given += num_rows
                    batches, num_rows = [], 0
                batches.append(batch)
                num_rows += len(batch)
    if num_rows or not num_given:
        yield pa.Table.from_batches(batches, schema_of(DocumentRow)).to_pandas()


def corpus_row(total: Totals, counts: Counts, sources: "pd.DataFrame", accounts: Accounts) -> dict[str, float | int]:
    """Give the counts and ratios of the whole corpus.

    Args:
        total: The shards' counts, added up.
        counts: Documents by length.
        sources: The sources' rows.
        accounts: What the stages said.
    """
    ingest, clean, dedup = accounts.ingest, accounts.clean, accounts.dedup
    num_held_out = total.num_documents - total.num_train
    return (
        asdict(total)
        | self_test_row(accounts.scrub)
        | {
            "residual_least_ratio": lower_bound(total.num_with_residual, total.num_scanned)
            if total.num_scanned
            else 0.0,
            "loose_residual_ratio": ratio(total.num_with_loose_residual, total.num_scanned),
            "num_lost": _num_lost(total, sources, accounts),
            "median_chars": median(counts.documents_by_length),
            "short_ratio": ratio(total.num_short, total.num_documents),
            "long_ratio": ratio(total.num_long, total.num_documents),
            "quarantined_ratio": ratio(ingest.num_quarantined, ingest.num_read),
            "dropped_ratio": ratio(clean.num_dropped, clean.num_read),
            "duplicate_ratio": ratio(dedup.num_read - dedup.num_kept, dedup.num_read),
            "cross_split_ratio": ratio(total.num_crossing, num_held_out),
            "copied_ratio": ratio(total.num_copied, num_held_out),
            "held_out_ratio": ratio(total.num_held_out_chars, total.num_chars),
            "unknown_language_ratio": ratio(total.num_unknown_language, total.num_documents),
            "not_utf8_ratio": ratio(total.num_not_utf8, total.num_documents),
            "broken_ratio": ratio(total.num_broken, total.num_chars),
            "largest_document_ratio": ratio(total.num_largest_chars, total.num_chars),
            "largest_source_ratio": float(sources["bytes_ratio"].max()) if len(sources) > 1 else 0.0,
        }
    )


def self_test_row(scrub: "ScrubResult") -> dict[str, float | int]:
    """Give the extremes of the scrubber's test of itself; where nothing was tested, nothing was missed."""
    return {
        "least_recall_ratio": min(scrub.self_test_recall.values(), default=1.0),
        "touched_ratio": max((ratio(row.num_decoys_touched, row.num_decoys) for row in scrub.self_test), default=0.0),
        "num_untested_kinds": len(scrub.untested_kinds),
    }


def _num_lost(total: Totals, sources: "pd.DataFrame", accounts: Accounts) -> int:
    """Count the documents by which the sums of the stages' accounts differ from each other or from what was read."""
    ingest, split = accounts.ingest, accounts.split
    return (
        abs(ingest.num_read - sum(map(_num_records, ingest.sources)))
        + abs(accounts.scrub.num_documents - accounts.scrub.num_dropped - int(sources["num_scrubbed"].sum()))
        + abs(total.num_train - split.num_train)
        + abs(total.num_validation - split.num_validation)
        + abs(total.num_test - split.num_test)
    )


def _num_records(source: "SourceAccount") -> int:
    return source.num_documents + source.num_quarantined + source.num_forgotten


def source_rows(num_scrubbed: Counter[str], counts: Counts, accounts: Accounts) -> list[dict[str, str | float | int]]:
    """Give the account of each source through the stages, in the order of preference; sources past their day aside.

    Args:
        num_scrubbed: Documents in the shards of scrubbed text, by source.
        counts: Documents and bytes kept, as read.
        accounts: What the stages said.
    """
    num_bytes = counts.bytes_by_source.total()
    cleaned = {source.name: source for source in accounts.clean.sources}
    scrubbed = {source.name: source for source in accounts.scrub.sources}
    compared = {source.name: source for source in accounts.dedup.sources}
    rows = []
    for source in accounts.ingest.sources:
        if source.left_out:
            continue
        clean, dedup = cleaned.get(source.name), compared.get(source.name)
        scrub = scrubbed.get(source.name)
        row: dict[str, str | float | int] = {
            "source": source.name,
            "num_records": _num_records(source),
            "num_quarantined": source.num_quarantined,
            "num_read": source.num_parts,
            "num_cleaned": clean.num_kept if clean else 0,
            "num_dropped": sum(clean.dropped_by_reason.values()) if clean else 0,
            "num_dropped_at_scrub": sum(scrub.dropped_by_reason.values()) if scrub else 0,
            "num_scrubbed": num_scrubbed[source.name],
            "num_left_out": sum(dedup.dropped_by_reason.values()) if dedup else 0,
            "num_documents": counts.documents_by_source[source.name],
            "num_bytes": counts.bytes_by_source[source.name],
            "bytes_ratio": ratio(counts.bytes_by_source[source.name], num_bytes),
        }
        rows.append(row | {"num_lost": _gap(row)})
    return rows


def _gap(row: Mapping[str, str | float | int]) -> int:
    """Give the largest number of documents by which read, kept and dropped of a source do not add up."""
    names = ("read", "cleaned", "dropped", "dropped_at_scrub", "scrubbed", "left_out", "documents")
    read, cleaned, dropped, at_scrub, scrubbed, left_out, kept = (int(row[f"num_{name}"]) for name in names)
    return max(abs(read - cleaned - dropped), abs(cleaned - at_scrub - scrubbed), abs(scrubbed - left_out - kept))


def language_rows(counts: Counts, expected: Mapping[str, float]) -> list[dict[str, str | float | int]]:
    """Give documents and bytes of each language, and how far its share of the bytes is from the expected one.

    Args:
        counts: Documents and bytes by language.
        expected: Expected share of the bytes; none for a language that is not named.
    """
    num_bytes = counts.bytes_by_language.total()
    rows: list[dict[str, str | float | int]] = []
    for name in sorted({*counts.bytes_by_language, *expected}):
        found = ratio(counts.bytes_by_language[name], num_bytes)
        rows.append({
            "lang": name, "num_documents": counts.documents_by_language[name],
            "num_bytes": counts.bytes_by_language[name], "bytes_ratio": found,
            "expected_ratio": expected.get(name, 0.0), "deviation_ratio": abs(found - expected.get(name, 0.0)),
        })  # fmt: skip
    return rows


def median(counts: Counter[int]) -> float:
    """Give the median of numbers that are given with how often each occurs; 0 of none.

    Example:
        >>> median(Counter({10: 2, 40: 2}))
        25.0
    """
    if not counts.total():
        return 0.0
    values = np.array(sorted(counts))
    ends = np.cumsum([counts[int(value)] for value in values])
    middle = [(counts.total() - 1) // 2, counts.total() // 2]
    return float(values[np.searchsorted(ends, middle, side="right")].mean())


def ratio(part: float, whole: float) -> float:
    """Give the share of a part; 0 of nothing."""
    return part / whole if whole else 0.0
