"""Search whatever a run leaves for values that must not be there: raw, in common encodings, and inside containers."""

import base64
import gzip
import hashlib
import html
import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

import zstandard

Encoding = Callable[[str], Iterable[bytes]]


def places_of(values: Iterable[str], *folders: Path) -> list[tuple[str, int, str]]:
    """Give (file, number of the value, encoding) for every value that a file's name or bytes hold."""
    written = [(number, *each) for number, value in enumerate(values) for each in _written(value)]
    return sorted(
        {
            (str(path), number, encoding)
            for folder in folders
            for path in folder.rglob("*")
            for view in _views(path)
            for number, encoding, raw in written
            if raw in view
        }
    )


def _written(value: str) -> Iterator[tuple[str, bytes]]:
    """Give the bytes that a value may lie in a file as; case is folded, as the views' is."""
    for name, encode in _ENCODINGS.items():
        for raw in encode(value):
            yield name, raw.lower()


def _base64(value: str) -> Iterator[bytes]:
    """Give what base64 makes of a value wherever it begins; what its neighbours shape is left out."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + value.encode())
        yield encoded[4 * (shift > 0) : -4]


_HASHES = ("md5", "sha1", "sha256")
_ENCODINGS: dict[str, Encoding] = {
    "utf-8": lambda value: [value.encode()],
    "utf-16": lambda value: [value.encode("utf-16-le"), value.encode("utf-16-be")],
    "json": lambda value: [json.dumps(value)[1:-1].encode()],
    "url": lambda value: [quote(value, safe="").encode(), quote(value).encode(), quote_plus(value).encode()],
    "html": lambda value: [html.escape(value).encode()],
    "hex": lambda value: [value.encode().hex().encode()],
    "base64": _base64,
    "reversed": lambda value: [value[::-1].encode()],
    "hash": lambda value: [hashlib.new(name, value.encode()).hexdigest().encode() for name in _HASHES],
    "raw hash": lambda value: [hashlib.new(name, value.encode()).digest() for name in _HASHES],
}  # fmt: skip


def _views(path: Path) -> Iterator[bytes]:
    """Give a file's name, its bytes, and what is packed in them, in lower case."""
    yield path.name.encode().lower()
    if not path.is_file() or path.is_symlink():
        return
    raw = path.read_bytes()
    yield raw.lower()
    for magic, unpack in _CONTAINERS.items():
        if raw.startswith(magic):
            yield from (packed.lower() for packed in unpack(path, raw))


def _parquet(path: Path, raw: bytes) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    for column in pq.read_table(path, partitioning=None).columns:
        yield "\n".join(map(str, column.to_pylist())).encode("utf-8", "surrogatepass")


def _database(path: Path, raw: bytes) -> Iterator[bytes]:
    """Give the cells of all tables: a long one may lie in pages that are no neighbours."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                yield "\n".join(
                    cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell) for cell in row
                ).encode()


def _archive(path: Path, raw: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive:
        yield from (archive.read(name) for name in archive.namelist())


_CONTAINERS: dict[bytes, Callable[[Path, bytes], Iterable[bytes]]] = {
    b"\x1f\x8b": lambda path, raw: [gzip.decompress(raw)],
    b"\x28\xb5\x2f\xfd": lambda path, raw: [zstandard.ZstdDecompressor().stream_reader(raw).read()],
    b"PAR1": _parquet,
    b"PK\x03\x04": _archive,
    b"SQLite format 3": _database,
}
