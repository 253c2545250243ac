"""The stage `ingest`: typed sources in, shards of raw documents out.

Every file of the listing is read once, by shard, in the order of its path; what can't be read is set aside with a
reason and counted, so that documents and quarantine add up to what was read. Long texts are divided, planted test
phrases come in a shard of their own. Nothing here cleans, scrubs or judges. Called by flows.corpus.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gptmodel.config import CorpusConfig, PlantedConfig, SourceConfig
from gptmodel.corpus import builtin
from gptmodel.corpus.decoding import tidy
from gptmodel.corpus.division import divide
from gptmodel.corpus.documents import Document, document_id, shard_of, shard_path, write_shard
from gptmodel.corpus.formats import Columns, InputFile, Item, Record, format_of, read_items
from gptmodel.corpus.listing import FileInfo, Listing, list_sources
from gptmodel.corpus.quarantine import NotTextError, QuarantineRow, QuarantineTable, Reason, Rejected
from gptmodel.errors import SourceError
from gptmodel.store import Workspace

__all__ = ["IngestResult", "Listing", "SourceAccount", "ingest", "list_sources"]

QUARANTINE_FILE = "quarantine.parquet"
FILES_FILE = "files.parquet"

Progress = Callable[[float, str], None]

logger = logging.getLogger(__name__)


class SourceAccount(BaseModel):
    """What one source gave."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the source."""
    num_files: int
    """Files listed."""
    num_documents: int
    """Texts read, before division."""
    num_quarantined: int
    """Files and records set aside."""
    num_bytes: int
    """UTF-8 bytes of the texts."""
    digest: str
    """Digest of the listed files' paths and bytes."""
    licence: str
    """Licence as the config says."""
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


@dataclass
class _Tally:
    """Counts of one source while it is read."""

    num_documents: int = 0
    num_parts: int = 0
    num_divided: int = 0
    num_bytes: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    encodings: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Task:
    """One file to read: its source, its path within it, and the file."""

    source: SourceConfig
    name: str
    info: FileInfo


def ingest(
    work: Workspace, corpus: CorpusConfig, planted: PlantedConfig, listing: Listing, progress: Progress | None = None
) -> IngestResult:
    """Read all sources into shards of documents.

    Writes shards/, quarantine.parquet (source, path, position, reason), files.parquet (what was found out about each
    file) and listing.json into the workspace.

    Args:
        work: The folder to write into; what an interrupted attempt left there is removed.
        corpus: The sources, the limit on a document's length and the number of shards.
        planted: The test phrases to plant; they are in no count but `num_planted`.
        listing: The sources' files as `list_sources` found them.
        progress: Called with the share of bytes read so far and a message.

    Raises:
        SourceError: A source gave no document at all, or changed while it was read.
    """
    work.clear()
    listing.save(work.path)
    with QuarantineTable(work.path / QUARANTINE_FILE) as quarantine:
        reading = _Reading(corpus, listing, quarantine, progress)
        for number in range(corpus.num_shards):
            write_shard(shard_path(work.path, number), reading.documents(number))
    reading.refuse_empty_sources()
    reading.save_files(work.path / FILES_FILE)
    return reading.result(_plant(work.path, corpus, planted, reading.num_bytes))


def _plant(folder: Path, corpus: CorpusConfig, planted: PlantedConfig, num_bytes: int) -> int:
    """Write the planted test phrases into a shard after the others, and return how many documents hold them."""
    from gptmodel.corpus.canaries import planted_documents

    documents = planted_documents(planted, num_bytes)
    if not documents:
        return 0
    ordered = sorted(documents, key=lambda document: (document.path, document.id))
    return write_shard(shard_path(folder, corpus.num_shards), ordered)


class _Reading:
    """One pass over the listed files, with the counts it leaves."""

    def __init__(
        self, corpus: CorpusConfig, listing: Listing, quarantine: QuarantineTable, progress: Progress | None
    ) -> None:
        self._corpus = corpus
        self._listing = listing
        self._quarantine = quarantine
        self._progress = progress
        self._tallies = {source.name: _Tally() for source in corpus.sources}
        self._files: list[tuple[str, str, int, str, str]] = []
        self._num_bytes_left = self._num_bytes_all = sum(task.info.num_bytes for task in self._tasks())

    @property
    def num_bytes(self) -> int:
        """UTF-8 bytes of the texts read so far."""
        return sum(tally.num_bytes for tally in self._tallies.values())

    def documents(self, shard: int) -> Iterator[Document]:
        """Read the documents of one shard, sorted by source and path, then in the order of their file."""
        for task in self._tasks():
            if shard_of(task.source.name, task.name, self._corpus.num_shards) == shard:
                yield from self._file_documents(task)
                self._report(task)

    def refuse_empty_sources(self) -> None:
        """Stop where a source gave nothing: a mistaken path or column is no corpus with some bad records.

        Raises:
            SourceError: A source gave no document.
        """
        for source in self._corpus.sources:
            tally = self._tallies[source.name]
            if not tally.num_documents:
                raise _no_text(source, tally, len(self._listing.sources[source.name].files))

    def save_files(self, path: Path) -> None:
        """Write the table of files: source, path, num_bytes, format, encoding."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = ("source", "path", "num_bytes", "format", "encoding")
        kinds = (pa.string(), pa.string(), pa.int64(), pa.string(), pa.string())
        rows = sorted(self._files)
        columns = {name: [row[number] for row in rows] for number, name in enumerate(names)}
        schema = pa.schema(list(zip(names, kinds, strict=True)))
        pq.write_table(pa.table(columns, schema=schema), path, compression="zstd")

    def result(self, num_planted: int) -> IngestResult:
        """Give the account of the pass."""
        tallies = self._tallies.values()
        reasons = sum((tally.reasons for tally in tallies), Counter[Reason]())
        encodings = sum((tally.encodings for tally in tallies), Counter[str]())
        num_documents = sum(tally.num_documents for tally in tallies)
        return IngestResult(
            num_read=num_documents + reasons.total(),
            num_documents=num_documents,
            num_parts=sum(tally.num_parts for tally in tallies),
            num_bytes=self.num_bytes,
            num_quarantined=reasons.total(),
            quarantined_by_reason=dict(sorted(reasons.items())),
            num_divided=sum(tally.num_divided for tally in tallies),
            num_planted=num_planted,
            encodings=dict(sorted(encodings.items())),
            sources=[self._account(source) for source in self._corpus.sources],
        )

    def _account(self, source: SourceConfig) -> SourceAccount:
        tally, listed = self._tallies[source.name], self._listing.sources[source.name]
        return SourceAccount(
            name=source.name, num_files=len(listed.files), num_documents=tally.num_documents,
            num_quarantined=tally.reasons.total(), num_bytes=tally.num_bytes,
            digest=self._listing.digest(source.name), licence=source.licence, personal_data=source.personal_data,
            skipped=listed.skipped,
        )  # fmt: skip

    def _tasks(self) -> Iterator[_Task]:
        for source in sorted(self._corpus.sources, key=lambda source: source.name):
            for name, info in sorted(self._listing.sources[source.name].files.items()):
                yield _Task(source, name, info)

    def _file_documents(self, task: _Task) -> Iterator[Document]:
        _refuse_change(task)
        source, tally = task.source, self._tallies[task.source.name]
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
        self._files.append((source.name, task.name, task.info.num_bytes, kind, file.encoding))

    def _parts(self, task: _Task, record: Record, seen: Counter[bytes]) -> Iterator[Document]:
        source, tally = task.source, self._tallies[task.source.name]
        parts = divide(_tidied(record.chunks, source.name), self._corpus.max_document_chars)
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
        self._tallies[task.source.name].reasons[reason] += 1
        self._quarantine.add(QuarantineRow(task.source.name, task.name, position, reason))

    def _report(self, task: _Task) -> None:
        self._num_bytes_left -= task.info.num_bytes
        if self._progress:
            done = 1.0 - self._num_bytes_left / max(self._num_bytes_all, 1)
            num_documents = sum(tally.num_documents for tally in self._tallies.values())
            self._progress(done, f"{num_documents} documents, {self.num_bytes / 1e6:.1f} MB read")


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
