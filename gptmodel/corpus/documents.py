"""The Document record, and Parquet shards of documents.

A shard is one Parquet file; a document's shard follows from its path alone, so the same set of files gives the same
shards whatever the order. Every corpus stage reads and writes documents through this room.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

Planted = Literal["", "catchable", "in_clear"]

SHARDS_DIR = "shards"
SHARD_CHARS = 64_000_000
"""Characters in one file of a shard, about; a larger shard goes on in a next file."""
BATCH_CHARS = 8_000_000
"""Characters in one batch of rows, about: what a shard's writer and reader hold in memory at once."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text with its identity.

    Attributes:
        id: First 32 hex digits of sha256(source, path, record key); parts of a divided text end in `.1`, `.2`, ...
        source: Name of the source it came from.
        path: File within the source, relative to the source's root.
        text: The text itself.
        lang: ISO 639-1 code, or `und`.
        planted: Empty for real text; else the sort of planted test phrase it is.
    """

    id: str
    source: str
    path: str
    text: str
    lang: str = "und"
    planted: Planted = ""


def document_id(source: str, path: str, key: str) -> str:
    """Give a document's identity: stable as long as its source, path and record key are.

    Example:
        >>> len(document_id("books", "a.txt", "0"))
        32
    """
    return hashlib.sha256("\0".join((source, path, key)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def text_id(document_id: str) -> str:
    """Give the identity of the text that a document is, or is a part of: the parts of text ID are ID.1, ID.2, ...

    Example:
        >>> text_id("ab12.3"), text_id("ab12")
        ('ab12', 'ab12')
    """
    return document_id.partition(".")[0]


def shard_of(source: str, path: str, num_shards: int) -> int:
    """Give the shard (0 <= n < num_shards) that a file's documents belong to, by hash of its path."""
    digest = hashlib.sha256(f"{source}\0{path}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) % num_shards


def shard_name(number: int) -> str:
    """Give the name of a shard, the stem that its files begin with.

    Example:
        >>> shard_name(3)
        '00003'
    """
    return f"{number:05d}"


def shard_path(folder: Path, number: int, file: int = 0) -> Path:
    """Give a file of a shard within a stage's folder: the first, or one that goes on where another is full."""
    return folder / SHARDS_DIR / f"{shard_name(number)}-{file:03d}.parquet"


def list_shards(folder: Path) -> list[Path]:
    """List a stage's shards in order."""
    return sorted((folder / SHARDS_DIR).glob("*.parquet"))


def write_shard(path: Path, documents: Iterable[Document], batch_rows: int = 1000) -> int:
    """Write documents to one Parquet file in the order given and return how many there were.

    The file appears under its name only when it is whole.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.string()) for name in Document.__slots__])
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, count = path.with_suffix(".tmp"), 0
    # A dictionary of the texts, or their least and greatest as statistics, would cost time and help nobody.
    few = ["source", "path", "lang", "planted"]
    with pq.ParquetWriter(partial, schema, compression="zstd", use_dictionary=few, write_statistics=False) as writer:
        for batch in _batches(documents, batch_rows):
            columns = {name: [getattr(document, name) for document in batch] for name in Document.__slots__}
            writer.write_table(pa.table(columns, schema=schema))
            count += len(batch)
    partial.replace(path)
    return count


def write_shard_files(folder: Path, number: int, documents: Iterable[Document], max_chars: int = SHARD_CHARS) -> int:
    """Write a shard's documents in the order given into one file or more, and return how many documents there were.

    Args:
        folder: The stage's folder.
        number: The shard.
        documents: Its documents.
        max_chars: Characters after which the next file begins.
    """
    rest, count = iter(documents), 0
    for file, first in enumerate(chain([None], rest)):
        head = [] if first is None else [first]
        count += write_shard(shard_path(folder, number, file), _up_to(chain(head, rest), max_chars))
    return count


def _up_to(documents: Iterator[Document], max_chars: int) -> Iterator[Document]:
    num_chars = 0
    while num_chars < max_chars and (document := next(documents, None)) is not None:
        num_chars += len(document.text)
        yield document


def read_shard(path: Path, batch_rows: int = 1000) -> Iterator[Document]:
    """Read a shard's documents in their order, a batch at a time in memory."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=batch_rows):
            for row in batch.to_pylist():
                yield Document(**row)


def read_documents(folder: Path) -> Iterator[Document]:
    """Read all documents of a stage, shard by shard."""
    for path in list_shards(folder):
        yield from read_shard(path)


def _batches(documents: Iterable[Document], size: int) -> Iterator[list[Document]]:
    batch: list[Document] = []
    num_chars = 0
    for document in documents:
        batch.append(document)
        num_chars += len(document.text)
        if len(batch) == size or num_chars >= BATCH_CHARS:
            yield batch
            batch, num_chars = [], 0
    if batch:
        yield batch
