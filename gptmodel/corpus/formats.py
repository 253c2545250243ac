"""One reader a format: a file's records, or why there are none.

A reader yields a `Record` for each text and `Rejected` for each record it can't take; a file that fails as a whole
ends as one `Rejected`. Nothing here raises for bad content, and no file is held in memory but where its format leaves
no choice (HTML, JSON), under a limit. Called by sources; the survey asks it for the table of formats.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from gptmodel.corpus.compression import SUFFIXES, open_bytes
from gptmodel.corpus.decoding import detect, open_text
from gptmodel.corpus.extraction import MAX_HTML_BYTES, decode_html, main_text
from gptmodel.corpus.quarantine import NotTextError, Rejected

MAX_JSON_BYTES = 64 * 2**20
"""Largest JSON file read as a whole; JSON lines have no such limit."""
MAX_RECORD_CHARS = 16 * 2**20
"""Longest line of JSON lines, and longest field of a CSV file."""
_READ_CHARS = 2**16

_FORMATS = {
    "text": (".txt", ".text", ".md", ".markdown", ".rst", ".log", ""),
    "html": (".html", ".htm", ".xhtml"),
    "xml": (".xml",),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson"),
    "csv": (".csv",),
    "tsv": (".tsv",),
    "parquet": (".parquet",),
}
_FORMAT_OF = {suffix: name for name, suffixes in _FORMATS.items() for suffix in suffixes}

RECORD_FORMATS = frozenset({"json", "jsonl", "csv", "tsv", "parquet"})
"""Formats whose files hold records with named columns."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a record its text and its identity are."""

    text: str = "text"
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One text as a reader found it.

    Attributes:
        chunks: The text in pieces; a file of plain text streams.
        position: Number of the record in its file, from 1; 0 where the file is the record.
        id: Value of the id column as text; None where there is none.
        path: Path of its own, where one file holds several named texts; else that of the file.
    """

    chunks: Iterable[str]
    position: int = 0
    id: str | None = None
    path: str | None = None


Item = Record | Rejected


@dataclass
class InputFile:
    """A file being read, and what was found out about it on the way.

    Attributes:
        path: Where it lies.
        columns: Columns of its records.
        encoding: Codec the text was decoded with; empty until known, and for binary formats.
    """

    path: Path
    columns: Columns = field(default_factory=Columns)
    encoding: str = ""


def format_of(name: str) -> str | None:
    """Give the format that a file's name promises, compression aside; None if there is no reader for it.

    Example:
        >>> format_of("notes.txt.gz"), format_of("README"), format_of("photo.png")
        ('text', 'text', None)
    """
    path = Path(name.lower())
    compressed = path.suffix in SUFFIXES
    inner = _FORMAT_OF.get(path.with_suffix("").suffix if compressed else path.suffix)
    return None if compressed and inner == "parquet" else inner


def read_items(file: InputFile) -> Iterator[Item]:
    """Read a file's records in their order; what can't be read comes as `Rejected`, never as an error."""
    reader = _READERS.get(format_of(file.path.name) or "")
    if reader is None:
        yield Rejected(0, "unsupported_format")
        return
    position = 0
    try:
        for item in reader(file):
            position = item.position
            yield item
    except NotTextError as error:
        yield Rejected(position and position + 1, error.reason)
    except OSError:
        yield Rejected(position and position + 1, "unreadable")


def _read_text(file: InputFile) -> Iterator[Item]:
    opener = partial(open_bytes, file.path)
    found = detect(opener)
    if found.failure:  # half a text is none
        raise found.failure
    file.encoding = found.codec
    yield Record(_stream(lambda: open_text(opener, found.codec)))


def _stream(opener: Callable[[], TextIO]) -> Iterator[str]:
    with opener() as text:
        while chunk := text.read(_READ_CHARS):
            yield chunk


def _read_html(file: InputFile) -> Iterator[Item]:
    html, file.encoding = decode_html(_whole(file.path, MAX_HTML_BYTES))
    yield Record([main_text(html)])


def _read_xml(file: InputFile) -> Iterator[Item]:
    # XML in general has no main text that could be told from its data; XHTML under this name has.
    html, file.encoding = decode_html(_whole(file.path, MAX_HTML_BYTES))
    if not re.search(r"<html[\s>]", html[:4096], re.IGNORECASE):
        raise NotTextError("unsupported_format")
    yield Record([main_text(html)])


def _whole(path: Path, max_bytes: int) -> bytes:
    with open_bytes(path) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise NotTextError("too_large")
    return data


def open_lines(file: InputFile, newline: str | None = None) -> TextIO:
    """Open a file as text once its encoding is known.

    Raises:
        NotTextError: It holds no text.
    """
    opener = partial(open_bytes, file.path)
    # A stream that ends early still gives the records before the break; reading it comes upon the break again.
    file.encoding = detect(opener).codec
    return open_text(opener, file.encoding, newline)


def _read_json(file: InputFile) -> Iterator[Item]:
    data = _whole(file.path, MAX_JSON_BYTES)
    file.encoding = detect(lambda: io.BytesIO(data)).codec
    text = data.decode(file.encoding, "replace")
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        if not str(error).startswith("Extra data"):
            raise NotTextError("broken_file") from error
        yield from _json_lines(io.StringIO(text), file.columns)  # JSON lines under the name of JSON
        return
    for position, value in enumerate(tree if isinstance(tree, list) else [tree], 1):
        yield _record(value, position, file.columns)


def _read_jsonl(file: InputFile) -> Iterator[Item]:
    with open_lines(file) as lines:
        yield from _json_lines(lines, file.columns)


def _json_lines(lines: TextIO, columns: Columns) -> Iterator[Item]:
    for position, line in _lines(lines):
        if line is None:
            yield Rejected(position, "too_large")
        elif not line.isspace():
            yield _json_line(line, position, columns)


def _json_line(line: str, position: int, columns: Columns) -> Item:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return Rejected(position, "broken_record")
    return _record(value, position, columns)


def _lines(stream: TextIO) -> Iterator[tuple[int, str | None]]:
    """Number a stream's lines from 1; None stands for one that is longer than MAX_RECORD_CHARS."""
    position = 0
    while line := stream.readline(MAX_RECORD_CHARS):
        position += 1
        if len(line) < MAX_RECORD_CHARS or line.endswith("\n"):
            yield position, line
            continue
        while line and not line.endswith("\n"):
            line = stream.readline(MAX_RECORD_CHARS)
        yield position, None


def _read_csv(file: InputFile, delimiter: str) -> Iterator[Item]:
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_CHARS))
    with open_lines(file, newline="") as stream:
        lines = _bounded(stream)
        header = next(lines, "")
        if ";" in header and delimiter == "," and file.columns.text in _names(header, ";"):
            delimiter = ";"
        names = _names(header, delimiter)
        if file.columns.text not in names:
            raise NotTextError("no_text_column")
        yield from _rows(csv.reader(lines, delimiter=delimiter, strict=True), names, file.columns)


def _bounded(stream: TextIO) -> Iterator[str]:
    for _, line in _lines(stream):
        if line is None:
            raise NotTextError("too_large")
        yield line


def _names(header: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _rows(reader: Any, names: list[str], columns: Columns) -> Iterator[Item]:
    position = 0
    while True:
        position += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Rejected(position, "broken_record")
            continue
        if row and len(row) != len(names):
            yield Rejected(position, "broken_record")
        elif row:
            yield _record(dict(zip(names, row, strict=True)), position, columns)


def _record(value: Any, position: int, columns: Columns) -> Item:
    text = value.get(columns.text) if isinstance(value, dict) else None
    if not isinstance(text, str):
        return Rejected(position, "no_text_column")
    return Record([text], position, _id_text(value.get(columns.id)) if columns.id else None)


def _id_text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def _read_parquet(file: InputFile) -> Iterator[Item]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file.path) as table:
            wanted = [name for name in (file.columns.text, file.columns.id) if name in table.schema_arrow.names]
            if file.columns.text not in wanted or not _is_text(table.schema_arrow.field(file.columns.text).type):
                raise NotTextError("no_text_column")
            position = 0
            for batch in table.iter_batches(batch_size=1000, columns=wanted):
                yield from _batch(batch, position, file.columns)
                position += batch.num_rows
    except pa.ArrowException as error:
        raise NotTextError("broken_file") from error


def _is_text(kind: Any) -> bool:
    import pyarrow.types as types

    inner = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner))


def _batch(batch: Any, before: int, columns: Columns) -> Iterator[Item]:
    texts = batch.column(columns.text)
    ids = batch.column(columns.id) if columns.id in batch.schema.names else None
    for row, scalar in enumerate(texts):
        position = before + row + 1
        try:
            text = scalar.as_py()
        except UnicodeDecodeError:
            yield Rejected(position, "unknown_encoding")
            continue
        id_text = None if ids is None else _id_text(ids[row].as_py())
        yield Rejected(position, "no_text_column") if text is None else Record([text], position, id_text)


_READERS: dict[str, Callable[[InputFile], Iterator[Item]]] = {
    "text": _read_text,
    "html": _read_html,
    "xml": _read_xml,
    "json": _read_json,
    "jsonl": _read_jsonl,
    "csv": partial(_read_csv, delimiter=","),
    "tsv": partial(_read_csv, delimiter="\t"),
    "parquet": _read_parquet,
}
