"""A first look at a folder: how much of what lies there, and which columns may hold the text.

`gptmodel init FILE --source DIR` asks this room before it writes a config. It lists names and sizes and looks into
the first records of a few files; it changes nothing and keeps no text.
"""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from gptmodel.config import SourceConfig
from gptmodel.corpus.sources import hub
from gptmodel.corpus.sources.archives import read_members
from gptmodel.corpus.sources.columnar import first_rows
from gptmodel.corpus.sources.compression import SUFFIXES
from gptmodel.corpus.sources.formats import MAX_JSON_BYTES, RECORD_FORMATS, format_of, open_lines
from gptmodel.corpus.sources.locations import find_inputs
from gptmodel.corpus.sources.quarantine import NotTextError
from gptmodel.corpus.sources.streams import InputFile
from gptmodel.errors import SourceError

NUM_FILES_OPENED = 5
"""Files of each record format that are looked into."""
NUM_MEMBERS_OPENED = 20
"""Members of each archive that are looked into."""
NUM_RECORDS_READ = 20
NUM_CHARS_READ = 2**20
"""Characters of a file that are looked at; a JSON file is read whole."""

# Where several columns hold text, a usual name decides before length does.
_USUAL_NAMES = ("text", "content", "body", "document", "article", "markdown")


class FolderView(BaseModel):
    """What lies in a folder, without any of its text."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: str
    """The folder, file, glob, URL or data set as it was given."""
    num_files: int
    """Files in it, hidden ones and links that leave it aside."""
    num_bytes: int
    """Their bytes on disk."""
    num_files_by_extension: dict[str, int]
    """Files by the end of their name (`.jsonl.gz`), the most frequent first; '' for names without one."""
    num_unsupported: int
    """Files that no reader takes."""
    text_columns: tuple[str, ...]
    """Columns of its records that may hold the text, the likeliest first."""
    id_columns: tuple[str, ...]
    """Columns whose values differ in all records seen and whose name says that they identify."""
    skipped: dict[str, int]
    """Entries left out, by reason."""


def describe_folder(path: str | Path) -> FolderView:
    """Look at a folder, file, glob, URL or data set.

    Raises:
        SourceError: Nothing is there, or its server fails.
    """
    skipped: Counter[str] = Counter()
    source = SourceConfig(name="source", path=str(path))
    files = {} if hub.is_dataset(source.path) else _files(source, skipped)
    extensions = Counter(extension_of(name) for name in files)
    records = _records(files.values()) if files else hub.first_rows(source, NUM_RECORDS_READ)
    text_columns, id_columns = _columns(records)
    return FolderView(
        path=source.path,
        num_files=len(files),
        num_bytes=sum(file.num_bytes or 0 for file in files.values()),
        num_files_by_extension=dict(sorted(extensions.items(), key=lambda item: (-item[1], item[0]))),
        num_unsupported=sum(format_of(name) is None for name in files),
        text_columns=text_columns,
        id_columns=id_columns,
        skipped=dict(sorted(skipped.items())),
    )


def extension_of(name: str) -> str:
    """Give the end of a file's name that says its format, with the compression's.

    Example:
        >>> extension_of("a.b.JSONL.gz"), extension_of("README")
        ('.jsonl.gz', '')
    """
    suffixes = [suffix.lower() for suffix in Path(name).suffixes[-2:]]
    return "".join(suffixes if suffixes and suffixes[-1] in SUFFIXES else suffixes[-1:])


def _files(source: SourceConfig, skipped: Counter[str]) -> dict[str, InputFile]:
    files = find_inputs(source, skipped)
    if not files:
        raise SourceError(
            expected=f"a file, folder or glob with text at {source.path!r}",
            actual="no file",
            mend="Check the path; it is taken from the current folder.",
        )
    return files


def _columns(records: Iterable[dict[str, Any]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    lengths: dict[str, int] = defaultdict(int)
    values: dict[str, list[str]] = defaultdict(list)
    num_records = 0
    for record in records:
        num_records += 1
        for name, value in record.items():
            if isinstance(value, str):
                lengths[name] += len(value)
            if isinstance(value, str | int):
                values[name].append(str(value))
    return _text_columns(lengths), _id_columns(values, num_records)


def _records(files: Iterable[InputFile]) -> Iterator[dict[str, Any]]:
    """Read the first records of a few files of each record format, and of members of a few archives."""
    by_format: dict[str, list[InputFile]] = defaultdict(list)
    for file in files:
        by_format[format_of(file.name) or ""].append(file)
    for kind in sorted(RECORD_FORMATS & by_format.keys()):
        for file in by_format[kind][:NUM_FILES_OPENED]:
            yield from _first_records(file)
    for archive in (by_format["zip"] + by_format["tar"])[:NUM_FILES_OPENED]:
        for member in islice(read_members(archive, Counter()), NUM_MEMBERS_OPENED):
            if isinstance(member, InputFile) and not member.refused:
                yield from _first_records(member)


def _first_records(file: InputFile) -> list[dict[str, Any]]:
    """Read the first records of a file as they stand; none where it holds none, or can't be read."""
    import pyarrow as pa

    kind = format_of(file.name)
    records: list[dict[str, Any]] = []
    try:
        if kind in ("parquet", "arrow"):
            return first_rows(file, NUM_RECORDS_READ)
        if kind in RECORD_FORMATS:
            for record in islice(_text_records(file, kind), NUM_RECORDS_READ):
                records.append(record)
    except (NotTextError, OSError, ValueError, RecursionError, csv.Error, pa.ArrowException):
        pass  # what could be read says enough for a first look
    return records


def _text_records(file: InputFile, kind: str | None) -> Iterator[dict[str, Any]]:
    with open_lines(file, newline="") as lines:
        head = lines.read(MAX_JSON_BYTES if kind == "json" else NUM_CHARS_READ)
    if kind in ("csv", "tsv"):
        header = head.partition("\n")[0]
        delimiter = "\t" if kind == "tsv" else max(",;", key=header.count)
        yield from csv.DictReader(io.StringIO(head, newline=""), delimiter=delimiter)
        return
    values = _json_values(head) if kind == "json" else map(json.loads, filter(str.strip, head.split("\n")))
    yield from (value for value in values if isinstance(value, dict))


def _json_values(text: str) -> Iterator[Any]:
    try:
        tree = json.loads(text)
    except json.JSONDecodeError:
        yield from map(json.loads, filter(str.strip, text.split("\n")))
        return
    yield from tree if isinstance(tree, list) else [tree]


def _text_columns(lengths: dict[str, int]) -> tuple[str, ...]:
    # A column with a small share of the characters is a title, a language or a licence.
    longest = max(lengths.values(), default=0)
    likely = [name for name, length in lengths.items() if length * 5 >= longest and length]
    return tuple(sorted(likely, key=lambda name: (_rank(name), -lengths[name], name)))


def _rank(name: str) -> int:
    return _USUAL_NAMES.index(name.lower()) if name.lower() in _USUAL_NAMES else len(_USUAL_NAMES)


def _id_columns(values: dict[str, list[str]], num_records: int) -> tuple[str, ...]:
    return tuple(
        sorted(
            name
            for name, seen in values.items()
            if name.lower().endswith(("id", "key", "uuid")) and len(seen) == len(set(seen)) == num_records > 1
        )
    )
