"""One pass over the files of a shard: documents out, with an account of what was set aside and why.

Every file is read in the order of its path, an archive's members in their own order. What can't be read becomes a row
of the quarantine, so that documents and quarantine add up to what was read. Called by sources.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path

from pydantic import BaseModel

from gptmodel.config import SourceConfig
from gptmodel.corpus.documents import Document, document_id, shard_name, write_shard_files
from gptmodel.corpus.sources import builtin, hub
from gptmodel.corpus.sources.archives import read_members
from gptmodel.corpus.sources.decoding import tidy
from gptmodel.corpus.sources.division import divide
from gptmodel.corpus.sources.forgetting import (
    FORGOTTEN_DIR,
    ErasureMarks,
    ForgottenRow,
    KnownText,
    beginning_of,
    index_name,
    text_mark,
)  # fmt: skip
from gptmodel.corpus.sources.formats import format_of, read_items
from gptmodel.corpus.sources.listing import FileInfo
from gptmodel.corpus.sources.locations import open_later, stamp_now
from gptmodel.corpus.sources.occurrences import Occurrences
from gptmodel.corpus.sources.quarantine import NotTextError, QuarantineRow, Reason, Rejected
from gptmodel.corpus.sources.records import Item, Record
from gptmodel.corpus.sources.streams import Columns, InputFile
from gptmodel.corpus.table_names import FILES_DIR, QUARANTINE_DIR
from gptmodel.corpus.tables import TableWriter, write_table
from gptmodel.errors import SourceError


@dataclass(frozen=True, slots=True)
class FileRow:
    """What was found out about one file, or one member of an archive.

    Attributes:
        source: Its source.
        path: Its path within the source; ARCHIVE/MEMBER for a member.
        num_bytes: Its size: as stored, for a member of an archive as it is without the archive; 0 if not known.
        format: How it was read; empty where there is no reader.
        encoding: Codec its text was decoded with; empty for binary formats.
    """

    source: str
    path: str
    num_bytes: int
    format: str
    encoding: str


@dataclass
class Tally:
    """Counts of one source in one shard."""

    num_documents: int = 0
    num_parts: int = 0
    num_divided: int = 0
    num_bytes: int = 0
    num_forgotten: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    encodings: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Tally") -> "Tally":
        """Add the counts of another shard."""
        return Tally(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Tally)))


class ShardAccount(BaseModel):
    """Counts of one shard, by source."""

    sources: dict[str, Tally]


@dataclass(frozen=True)
class Task:
    """One file to read: its source, its path within it, and the file."""

    source: SourceConfig
    name: str
    info: FileInfo


@dataclass(frozen=True)
class Shard:
    """The files of one shard, sorted by source and path.

    Attributes:
        number: Its number.
        tasks: The files.
        made_from: Digest of all that its documents follow from.
    """

    number: int
    tasks: tuple[Task, ...]
    made_from: str = ""


def index_name_of(shard: Shard, key: bytes) -> str:
    """Give the name of the index of a shard's texts within the folder."""
    return index_name(shard_name(shard.number), shard.made_from, key)


def make_shard(shard: Shard, folder: Path, max_document_chars: int, marks: ErasureMarks | None = None) -> ShardAccount:
    """Read the files of one shard into its tables; what differs between two calls is the folder alone.

    Args:
        shard: The files.
        folder: Where the tables are written.
        max_document_chars: Longer texts are divided (characters).
        marks: What is left out; None leaves nothing out, and keeps no index of the texts.

    Raises:
        SourceError: A file changed since it was listed, or a server failed.
    """
    name = f"{shard_name(shard.number)}.parquet"
    quarantine = TableWriter(folder / QUARANTINE_DIR / name, QuarantineRow)
    files = TableWriter(folder / FILES_DIR / name, FileRow)
    index = TableWriter(folder / index_name_of(shard, marks.key), KnownText) if marks is not None else None
    with quarantine, files, index or nullcontext():
        reading = _Reading(max_document_chars, quarantine, files, marks, index)
        write_shard_files(folder, shard.number, reading.documents(shard))
    if reading.forgotten:
        write_table(folder / FORGOTTEN_DIR / name, ForgottenRow, reading.forgotten)
    return ShardAccount(sources=dict(reading.tallies))


class _Reading:
    """One pass over the files of a shard, with the counts it leaves."""

    def __init__(
        self, max_document_chars: int, quarantine: TableWriter[QuarantineRow], files: TableWriter[FileRow],
        marks: ErasureMarks | None, index: TableWriter[KnownText] | None,
    ) -> None:  # fmt: skip
        self._max_document_chars = max_document_chars
        self._quarantine = quarantine
        self._files = files
        self._marks = marks
        self._index = index
        self.forgotten: list[ForgottenRow] = []
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)

    def documents(self, shard: Shard) -> Iterator[Document]:
        """Read the documents of the shard, sorted by source and path, then in the order of their file."""
        for task in shard.tasks:
            file = replace(
                open_later(task.name, task.info.path, task.info.num_bytes),
                columns=Columns(task.source.text_column, task.source.id_column),
            )
            if _kind_of(task.source, file.name) in ("zip", "tar"):
                yield from self._archive_documents(task.source, file)
            else:
                yield from self._file_documents(task.source, file)
            _refuse_change(task)

    def _archive_documents(self, source: SourceConfig, archive: InputFile) -> Iterator[Document]:
        for member in read_members(archive, self.tallies[source.name].skipped):
            if isinstance(member, Rejected):
                self._reject(source, archive, member)
            else:
                yield from self._file_documents(source, member)
        self._note(source, archive)

    def _file_documents(self, source: SourceConfig, file: InputFile) -> Iterator[Document]:
        seen = Occurrences()
        for item in islice(_items(source, file), source.max_records):
            if isinstance(item, Rejected):
                self._reject(source, file, item)
            else:
                yield from self._record_documents(source, file, item, seen)
        self._note(source, file)

    def _record_documents(
        self, source: SourceConfig, file: InputFile, record: Record, seen: Occurrences
    ) -> Iterator[Document]:
        tally = self.tallies[source.name]
        parts = divide(_tidied(record.chunks, source.name), self._max_document_chars)
        taken, head = beginning_of(parts) if self._marks is not None else (list(islice(parts, 1)), b"")
        if not taken:
            self._reject(source, file, Rejected(record.position, "empty"))
            return
        first, rest = taken[0], chain(taken[1:], parts)
        data = first.encode()
        path = f"{file.name}/{record.path}" if record.path else file.name
        whole, lang = document_id(source.name, path, _key(record, data, seen)), source.language or "und"
        if self._is_forgotten(whole, source.name, path, head):
            return
        second = next(rest, None)
        tally.num_documents += 1
        if second is None:
            tally.num_parts += 1
            tally.num_bytes += len(data)
            yield Document(whole, source.name, path, first, lang)
            return
        tally.num_divided += 1
        for number, text in enumerate(chain((first, second), rest), 1):
            tally.num_parts += 1
            tally.num_bytes += len(text.encode())
            yield Document(f"{whole}.{number}", source.name, path, text, lang)

    def _is_forgotten(self, document: str, source: str, path: str, head: bytes) -> bool:
        """Put a document into the index; tell, count and note it if it is left out."""
        if self._marks is None or self._index is None:
            return False
        text = KnownText(document, source, path, text_mark(self._marks.key, head))
        self._index.add(text)
        if not self._marks.covers(text):
            return False
        self.tallies[source].num_forgotten += 1
        self.forgotten.append(ForgottenRow(document, source))
        return True

    def _reject(self, source: SourceConfig, file: InputFile, rejected: Rejected) -> None:
        self.tallies[source.name].reasons[rejected.reason] += 1
        self._quarantine.add(QuarantineRow(source.name, file.name, rejected.position, rejected.reason))

    def _note(self, source: SourceConfig, file: InputFile) -> None:
        if file.encoding:
            self.tallies[source.name].encodings[file.encoding] += 1
        kind = "" if file.refused else _kind_of(source, file.name)
        self._files.add(FileRow(source.name, file.name, file.num_bytes or 0, kind, file.encoding))


def _kind_of(source: SourceConfig, name: str) -> str:
    """Tell how a file is read."""
    if source.path == builtin.PYTHON_DOCS:
        return "python"
    return "dataset" if hub.is_dataset(source.path) else format_of(name) or ""


def _items(source: SourceConfig, file: InputFile) -> Iterator[Item]:
    if source.path == builtin.PYTHON_DOCS:
        return builtin.read_python_docs(file)
    return hub.read_dataset(source) if hub.is_dataset(source.path) else read_items(file)


def _tidied(chunks: Iterable[str], source: str) -> Iterator[str]:
    try:
        for chunk in chunks:
            yield tidy(chunk)
    except (NotTextError, OSError) as error:
        # Only a file of plain text streams, and it was read through once before: it was whole a moment ago.
        raise _changed(source) from error


def _key(record: Record, data: bytes, seen: Occurrences) -> str:
    """Give a record's key within its file: `0` for a whole file, else id or digest of its text, and occurrence."""
    if record.position == 0:
        return "0"
    if record.id is None:
        digest = sha256(data)
        return f"text:{digest.hexdigest()}:{seen.count(digest.digest())}"
    return f"id:{record.id}:{seen.count(sha256(record.id.encode('utf-8', 'surrogatepass')).digest())}"


def _refuse_change(task: Task) -> None:
    """Stop where a file is not the one that was listed, whose digest the text would be known by."""
    if task.info.stamp and stamp_now(task.source, task.info.path) != task.info.stamp:
        raise _changed(task.source.name)


def _changed(source: str) -> SourceError:
    return SourceError(
        expected=f"the files of source {source} to stay as they were listed",
        actual="one that changed or went while it was read",
        mend="Type the same command again when nothing writes there.",
    )
