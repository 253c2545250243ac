"""The stage `ingest`: typed sources in, shards of raw documents out.

Every file of the listing is read once, by shard, in the order of its path; what can't be read is set aside with a
reason and counted, so that documents and quarantine add up to what was read. Long texts are divided, planted test
phrases come in a shard of their own. Nothing here cleans, scrubs or judges. Called by flows.corpus.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from gptmodel.config import CorpusConfig, PlantedConfig, SourceConfig
from gptmodel.corpus import builtin
from gptmodel.corpus.decoding import tidy
from gptmodel.corpus.division import divide
from gptmodel.corpus.documents import (
    Document,
    document_id,
    shard_name,
    shard_of,
    shard_path,
    write_shard,
    write_shard_files,
)  # fmt: skip
from gptmodel.corpus.formats import Columns, InputFile, Item, Record, format_of, read_items
from gptmodel.corpus.listing import FileInfo, Listing, list_sources
from gptmodel.corpus.quarantine import NotTextError, QuarantineRow, Reason, Rejected
from gptmodel.corpus.tables import write_table
from gptmodel.errors import SourceError
from gptmodel.parts import Mapper, Part, PartsRuntime, Progress, clear_but_parts, in_turn, make_parts
from gptmodel.store import Workspace

__all__ = ["IngestResult", "Listing", "SourceAccount", "ingest", "list_sources"]

QUARANTINE_DIR = "quarantine"
FILES_DIR = "files"


class SourceAccount(BaseModel):
    """What one source gave."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the source."""
    num_files: int
    """Files listed."""
    num_documents: int
    """Texts read, before division."""
    num_parts: int
    """Documents they gave, after division."""
    num_quarantined: int
    """Files and records set aside."""
    quarantined_by_reason: dict[str, int]
    """The same by reason."""
    num_bytes: int
    """UTF-8 bytes of the texts."""
    digest: str
    """Digest of the listed files' paths and bytes."""
    weight: float
    """Mixing weight as the config says."""
    licence: str
    """Licence as the config says."""
    owner: str
    """Who answers for the text, as the config says."""
    purpose: str
    """What it may be used for, as the config says."""
    keep_until: date | None
    """Last day on which it may be used; None: no end."""
    personal_data: str
    """Whether it holds data about people, as the config says."""
    skipped: dict[str, int] = {}
    """Entries of its folder that were left out, by reason: hidden, link, special, unreadable_folder."""


class IngestResult(BaseModel):
    """What was read, and what was set aside. `num_read` = `num_documents` + `num_quarantined`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_read: int
    """Files and records met."""
    num_documents: int
    """Texts read, before division."""
    num_parts: int
    """Documents in the shards, after division, planted ones aside."""
    num_bytes: int
    """UTF-8 bytes of the texts."""
    num_quarantined: int
    """Files and records set aside."""
    quarantined_by_reason: dict[str, int]
    """Files and records set aside, by reason."""
    num_divided: int
    """Texts longer than the limit."""
    num_planted: int
    """Documents with planted test phrases."""
    encodings: dict[str, int]
    """Files by the encoding they were decoded with."""
    sources: list[SourceAccount]
    """The sources in the config's order."""
    runtime: PartsRuntime = PartsRuntime()
    """How much was read anew."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """What was found out about one file.

    Attributes:
        source: Its source.
        path: Its path within the source.
        num_bytes: Its size as stored.
        format: How it was read.
        encoding: Codec its text was decoded with; empty for binary formats.
    """

    source: str
    path: str
    num_bytes: int
    format: str
    encoding: str


class _Tally(BaseModel):
    """Counts of one source in one shard."""

    num_documents: int = 0
    num_parts: int = 0
    num_divided: int = 0
    num_bytes: int = 0
    reasons: Counter[Reason] = Counter()
    encodings: Counter[str] = Counter()

    def __add__(self, other: "_Tally") -> "_Tally":
        return _Tally(**{name: getattr(self, name) + getattr(other, name) for name in _Tally.model_fields})


class _ShardAccount(BaseModel):
    """Counts of one shard, by source."""

    sources: dict[str, _Tally]


@dataclass(frozen=True)
class _Task:
    """One file to read: its source, its path within it, and the file."""

    source: SourceConfig
    name: str
    info: FileInfo


@dataclass(frozen=True)
class _Shard:
    """The files of one shard, sorted by source and path."""

    number: int
    tasks: tuple[_Task, ...]


def ingest(
    work: Workspace, corpus: CorpusConfig, planted: PlantedConfig, listing: Listing, progress: Progress | None = None,
    mapper: Mapper = in_turn,
) -> IngestResult:  # fmt: skip
    """Read all sources into shards of documents.

    Writes shards/, and beside them quarantine/ (source, path, position, reason) and files/ (what was found out about
    each file), one table a shard, and listing.json. Shards whose files are as they were are taken over.

    Args:
        work: The folder to write into.
        corpus: The sources, the limit on a document's length and the number of shards.
        planted: The test phrases to plant; they are in no count but `num_planted`.
        listing: The sources' files as `list_sources` found them.
        progress: Called with the share of shards made so far and a message.
        mapper: Where the shards are read.

    Raises:
        SourceError: A source gave no document at all, or changed while it was read.
    """
    clear_but_parts(work)
    listing.save(work.path)
    parts = [Part(shard_name(shard.number), _key_of(shard, corpus), shard) for shard in _shards(corpus, listing)]
    make = partial(_read_shard, folder=work.path, max_document_chars=corpus.max_document_chars)
    made = make_parts(work, parts, make, _ShardAccount, mapper, progress)
    tallies = {source.name: _total(source.name, made.accounts.values()) for source in corpus.sources}
    for source in corpus.sources:
        _refuse_empty(source, tallies[source.name], listing)
    num_bytes = sum(tally.num_bytes for tally in tallies.values())
    num_planted = _plant(work.path, corpus, planted, num_bytes)
    return _result(corpus, listing, tallies, num_planted, made.runtime)


def _shards(corpus: CorpusConfig, listing: Listing) -> list[_Shard]:
    tasks: list[list[_Task]] = [[] for _ in range(corpus.num_shards)]
    for source in sorted(corpus.sources, key=lambda source: source.name):
        for name, info in sorted(listing.sources[source.name].files.items()):
            tasks[shard_of(source.name, name, corpus.num_shards)].append(_Task(source, name, info))
    return [_Shard(number, tuple(mine)) for number, mine in enumerate(tasks)]


def _key_of(shard: _Shard, corpus: CorpusConfig) -> list[Any]:
    """Give all that shapes a shard: the limit on a document's length, and each file with how it is read."""
    return [
        corpus.max_document_chars,
        [[_reading_of(task.source), task.name, task.info.sha256] for task in shard.tasks],
    ]


def _reading_of(source: SourceConfig) -> dict[str, Any]:
    """Give the settings of a source that shape its documents; where it lies is not among them."""
    kept = source.model_dump(include={"name", "language", "text_column", "id_column", "max_records"})
    return kept | {"builtin": source.path == builtin.PYTHON_DOCS}


def _plant(folder: Path, corpus: CorpusConfig, planted: PlantedConfig, num_bytes: int) -> int:
    """Write the planted test phrases into a shard after the others, and return how many documents hold them."""
    from gptmodel.corpus.canaries import planted_documents

    documents = planted_documents(planted, num_bytes)
    if not documents:
        return 0
    ordered = sorted(documents, key=lambda document: (document.path, document.id))
    return write_shard(shard_path(folder, corpus.num_shards), ordered)


def _total(name: str, accounts: Iterable[_ShardAccount]) -> _Tally:
    return sum((account.sources[name] for account in accounts if name in account.sources), _Tally())


def _result(
    corpus: CorpusConfig, listing: Listing, tallies: Mapping[str, _Tally], num_planted: int, runtime: PartsRuntime
) -> IngestResult:
    total = sum(tallies.values(), _Tally())
    return IngestResult(
        num_read=total.num_documents + total.reasons.total(),
        num_documents=total.num_documents,
        num_parts=total.num_parts,
        num_bytes=total.num_bytes,
        num_quarantined=total.reasons.total(),
        quarantined_by_reason=dict(sorted(total.reasons.items())),
        num_divided=total.num_divided,
        num_planted=num_planted,
        encodings=dict(sorted(total.encodings.items())),
        sources=[_account(source, tallies[source.name], listing) for source in corpus.sources],
        runtime=runtime,
    )


def _account(source: SourceConfig, tally: _Tally, listing: Listing) -> SourceAccount:
    listed = listing.sources[source.name]
    return SourceAccount(
        name=source.name, num_files=len(listed.files), num_documents=tally.num_documents, num_parts=tally.num_parts,
        num_quarantined=tally.reasons.total(), quarantined_by_reason=dict(sorted(tally.reasons.items())),
        num_bytes=tally.num_bytes, digest=listing.digest(source.name), weight=source.weight,
        licence=source.licence, owner=source.owner,
        purpose=source.purpose, keep_until=source.keep_until, personal_data=source.personal_data,
        skipped=listed.skipped,
    )  # fmt: skip


def _read_shard(shard: _Shard, folder: Path, max_document_chars: int) -> _ShardAccount:
    """Read the files of one shard into its tables; what differs between two calls is the folder alone."""
    reading = _Reading(max_document_chars)
    write_shard_files(folder, shard.number, reading.documents(shard))
    name = f"{shard_name(shard.number)}.parquet"
    write_table(folder / QUARANTINE_DIR / name, QuarantineRow, reading.quarantine)
    write_table(folder / FILES_DIR / name, FileRow, reading.files)
    return _ShardAccount(sources=dict(reading.tallies))


class _Reading:
    """One pass over the files of a shard, with the counts it leaves."""

    def __init__(self, max_document_chars: int) -> None:
        self._max_document_chars = max_document_chars
        self.tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
        self.quarantine: list[QuarantineRow] = []
        self.files: list[FileRow] = []

    def documents(self, shard: _Shard) -> Iterator[Document]:
        """Read the documents of the shard, sorted by source and path, then in the order of their file."""
        for task in shard.tasks:
            yield from self._file_documents(task)

    def _file_documents(self, task: _Task) -> Iterator[Document]:
        _refuse_change(task)
        source, tally = task.source, self.tallies[task.source.name]
        file = InputFile(Path(task.info.path), Columns(source.text_column, source.id_column))
        seen: Counter[bytes] = Counter()
        for item in _items(task, file):
            if isinstance(item, Rejected):
                self._reject(task, item.position, item.reason)
                continue
            yield from self._parts(task, item, seen)
        if file.encoding:
            tally.encodings[file.encoding] += 1
        kind = "python" if source.path == builtin.PYTHON_DOCS else format_of(file.path.name) or ""
        self.files.append(FileRow(source.name, task.name, task.info.num_bytes, kind, file.encoding))

    def _parts(self, task: _Task, record: Record, seen: Counter[bytes]) -> Iterator[Document]:
        source, tally = task.source, self.tallies[task.source.name]
        parts = divide(_tidied(record.chunks, source.name), self._max_document_chars)
        first = next(parts, None)
        if first is None:
            self._reject(task, record.position, "empty")
            return
        path = record.path or task.name
        whole = document_id(source.name, path, _key(record, first, seen))
        second = next(parts, None)
        tally.num_documents += 1
        tally.num_divided += second is not None
        texts = _chain(first, second, parts)
        for number, text in enumerate(texts, 1):
            tally.num_parts += 1
            tally.num_bytes += len(text.encode())
            part_id = whole if second is None else f"{whole}.{number}"
            yield Document(part_id, source.name, path, text, source.language or "und")

    def _reject(self, task: _Task, position: int, reason: Reason) -> None:
        self.tallies[task.source.name].reasons[reason] += 1
        self.quarantine.append(QuarantineRow(task.source.name, task.name, position, reason))


def _items(task: _Task, file: InputFile) -> Iterator[Item]:
    if task.source.path == builtin.PYTHON_DOCS:
        return builtin.read_python_docs(task.name, file)
    return read_items(file)


def _tidied(chunks: Iterable[str], source: str) -> Iterator[str]:
    try:
        for chunk in chunks:
            yield tidy(chunk)
    except (NotTextError, OSError) as error:
        # Only a file of plain text streams, and it was read through once before: it was whole a moment ago.
        raise _changed(source) from error


def _chain(first: str, second: str | None, others: Iterable[str]) -> Iterator[str]:
    yield first
    if second is not None:
        yield second
        yield from others


def _key(record: Record, text: str, seen: Counter[bytes]) -> str:
    """Give a record's key within its file: `0` for a whole file, else id or digest of its text, and occurrence."""
    if record.position == 0 or record.path is not None:
        return "0"
    base = f"id:{record.id}" if record.id is not None else f"text:{sha256(text.encode()).hexdigest()}"
    mark = sha256(base.encode("utf-8", "surrogatepass")).digest()[:16]
    seen[mark] += 1
    return f"{base}:{seen[mark] - 1}"


def _refuse_change(task: _Task) -> None:
    try:
        status = Path(task.info.path).stat()
    except OSError as error:
        raise _changed(task.source.name) from error
    if (status.st_size, status.st_mtime_ns) != (task.info.num_bytes, task.info.mtime_ns):
        raise _changed(task.source.name)


def _changed(source: str) -> SourceError:
    return SourceError(
        expected=f"the files of source {source} to stay as they were listed",
        actual="one that changed or went while it was read",
        mend="Type the same command again when nothing writes there.",
    )


def _refuse_empty(source: SourceConfig, tally: _Tally, listing: Listing) -> None:
    """Stop where a source gave nothing: a mistaken path or column is no corpus with some bad records."""
    if not tally.num_documents:
        raise _no_text(source, tally, len(listing.sources[source.name].files))


def _no_text(source: SourceConfig, tally: _Tally, num_files: int) -> SourceError:
    reasons = ", ".join(f"{num} {reason.replace('_', ' ')}" for reason, num in sorted(tally.reasons.items()))
    mend = "Readable are text, Markdown, reStructuredText, HTML, JSON, JSON lines, CSV, TSV and Parquet files."
    if "no_text_column" in tally.reasons:
        mend = f"Name the column that holds the text: text_column = {source.text_column!r} was not found."
    return SourceError(
        expected=f"at least one readable text at {source.path!r} (source {source.name})",
        actual=f"{num_files} files and no text ({reasons or 'no records'})",
        mend=mend,
    )
