"""The Document record, and Parquet shards of documents.

A shard is one Parquet file; a document's shard follows from its path alone, so the same set of files gives the same
shards whatever the order. Every corpus stage reads and writes documents through this room.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Planted = Literal["", "catchable", "in_clear"]

SHARDS_DIR = "shards"
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


def shard_path(folder: Path, number: int) -> Path:
    """Give the file of a shard within a stage's folder."""
    return folder / SHARDS_DIR / f"{number:05d}.parquet"


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
    with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for batch in _batches(documents, batch_rows):
            columns = {name: [getattr(document, name) for document in batch] for name in Document.__slots__}
            writer.write_table(pa.table(columns, schema=schema))
            count += len(batch)
    partial.replace(path)
    return count


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
