"""One reader a format: a file's records, or why there are none.

A reader yields a `Record` for each text and `Rejected` for each record it can't take; a file that fails as a whole
ends as one `Rejected`. Nothing here raises for bad content, and no file is held in memory but where its format leaves
no choice (HTML, JSON, XML), under a limit. Called by reading; the survey asks it for the table of formats.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from gptmodel.corpus.sources.archives import archive_of
from gptmodel.corpus.sources.columnar import read_arrow, read_parquet
from gptmodel.corpus.sources.compression import compression_of, open_bytes
from gptmodel.corpus.sources.decoding import Detection, detect, open_text
from gptmodel.corpus.sources.extraction import MAX_HTML_BYTES, decode_html, main_text
from gptmodel.corpus.sources.quarantine import NotTextError, Rejected
from gptmodel.corpus.sources.records import MAX_RECORD_CHARS, Item, Record, record_of
from gptmodel.corpus.sources.streams import Columns, InputFile, Opener, read_whole
from gptmodel.corpus.sources.xml_extraction import xml_text

MAX_JSON_BYTES = 64 * 2**20
"""Largest JSON file read as a whole; JSON lines have no such limit."""
MAX_XML_BYTES = 64 * 2**20
"""Largest XML file, which is read as a whole too: one that breaks off is no text."""
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
    "arrow": (".arrow",),
}
_FORMAT_OF = {suffix: name for name, suffixes in _FORMATS.items() for suffix in suffixes}

RECORD_FORMATS = frozenset({"json", "jsonl", "csv", "tsv", "parquet", "arrow"})
"""Formats whose files hold records with named columns."""


def format_of(name: str) -> str | None:
    """Give the format that a file's name promises, compression aside; None if there is no reader for it.

    Example:
        >>> format_of("notes.txt.gz"), format_of("README"), format_of("photo.png"), format_of("all.tar.gz")
        ('text', 'text', None, 'tar')
    """
    if archive := archive_of(name):
        return archive
    inner, compression = compression_of(name)
    kind = _FORMAT_OF.get(Path(inner.lower()).suffix)
    return None if compression and kind in ("parquet", "arrow") else kind


def read_items(file: InputFile) -> Iterator[Item]:
    """Read a file's records in their order; what can't be read comes as `Rejected`, never as an error."""
    reader = _READERS.get(format_of(file.name) or "")
    if file.refused or reader is None:
        yield Rejected(0, file.refused or "unsupported_format")
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
    opener = partial(open_bytes, file)
    found = detect(opener)
    if found.failure:  # half a text is none
        raise found.failure
    file.encoding = found.codec
    yield Record(_stream(partial(_open_found, found, opener)))


def _open_found(found: Detection, opener: Opener, newline: str | None = None) -> TextIO:
    """Open a stream as text; what was kept of it is not read again."""
    return open_text(opener if found.data is None else partial(io.BytesIO, found.data), found.codec, newline)


def _stream(opener: Callable[[], TextIO]) -> Iterator[str]:
    with opener() as text:
        while chunk := text.read(_READ_CHARS):
            yield chunk


def _read_html(file: InputFile) -> Iterator[Item]:
    html, file.encoding = decode_html(_whole(file, MAX_HTML_BYTES))
    yield Record([main_text(html)])


def _read_xml(file: InputFile) -> Iterator[Item]:
    text, file.encoding = decode_html(_whole(file, MAX_XML_BYTES))
    is_page = re.search(r"<html[\s>]", text[:4096], re.IGNORECASE)
    yield Record([main_text(text) if is_page else xml_text(text)])


def _whole(file: InputFile, max_bytes: int) -> bytes:
    with open_bytes(file) as stream:
        return read_whole(stream, max_bytes)


def open_lines(file: InputFile, newline: str | None = None) -> TextIO:
    """Open a file as text once its encoding is known.

    Raises:
        NotTextError: It holds no text.
    """
    opener = partial(open_bytes, file)
    # A stream that ends early still gives the records before the break; reading it comes upon the break again.
    found = detect(opener)
    file.encoding = found.codec
    return _open_found(found, opener, newline)


def _read_json(file: InputFile) -> Iterator[Item]:
    data = _whole(file, MAX_JSON_BYTES)
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
        yield record_of(value, position, file.columns)


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
    return record_of(value, position, columns)


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


def _read_csv(file: InputFile, delimiters: str) -> Iterator[Item]:
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_CHARS))
    with open_lines(file, newline="") as stream:
        lines = _bounded(stream)
        header = next(lines, "")
        delimiter = next((one for one in delimiters if file.columns.text in _names(header, one)), None)
        if delimiter is None:
            raise NotTextError("no_text_column")
        names = _names(header, delimiter)
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
            yield record_of(dict(zip(names, row, strict=True)), position, columns)


_READERS: dict[str, Callable[[InputFile], Iterator[Item]]] = {
    "text": _read_text,
    "html": _read_html,
    "xml": _read_xml,
    "json": _read_json,
    "jsonl": _read_jsonl,
    "csv": partial(_read_csv, delimiters=",;\t|"),
    "tsv": partial(_read_csv, delimiters="\t"),
    "parquet": read_parquet,
    "arrow": read_arrow,
}
