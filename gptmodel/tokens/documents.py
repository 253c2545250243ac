"""Where each document lies in its split's stream: the table `documents.parquet`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gptmodel.corpus.split_table import SPLITS

if TYPE_CHECKING:
    import pyarrow as pa

DOCUMENTS_FILE = "documents.parquet"

_ROWS_OF_A_GROUP = 10_000


@dataclass(frozen=True, slots=True)
class PackedDocument:
    """Where a document lies in its split's stream; a row of `documents.parquet`.

    Attributes:
        id: Identity of the document.
        source: Its source.
        lang: Its language.
        split: train, validation or test.
        planted: Empty for real text, else the sort of planted test phrase.
        start: Position of its first token in the split's stream.
        num_tokens: Its tokens, the end of document included.
        num_bytes: UTF-8 bytes of its text.
    """

    id: str
    source: str
    lang: str
    split: str
    planted: str
    start: int
    num_tokens: int
    num_bytes: int


def read_packed_documents(folder: Path, splits: Sequence[str] = SPLITS) -> list[PackedDocument]:
    """Read where the documents of some splits lie, in the order of the stream."""
    import pyarrow.parquet as pq

    rows = pq.read_table(folder / DOCUMENTS_FILE, filters=[("split", "in", list(splits))]).to_pylist()
    return [PackedDocument(**row) for row in rows]


def windows_of(document: PackedDocument, context_length: int, total: int) -> range:
    """Give the windows, of `total` in the stream, that hold at least one token of a document."""
    first = max(0, (document.start - 1) // context_length)
    last = (document.start + document.num_tokens - 1) // context_length
    return range(first, min(last + 1, total))


def write_packed_documents(folder: Path, rows: "pa.Table") -> None:
    """Write the table of documents; the rows may have further columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"start": pa.int64(), "num_tokens": pa.int64(), "num_bytes": pa.int64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in PackedDocument.__slots__])
    # In small groups of rows, whose least and greatest id tell a look-up whether a document is in them.
    table = rows.select(schema.names).cast(schema)
    pq.write_table(table, folder / DOCUMENTS_FILE, compression="zstd", row_group_size=_ROWS_OF_A_GROUP)
