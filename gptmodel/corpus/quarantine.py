"""What could not be read: a closed list of reasons, and the table of what was set aside.

Readers raise or yield one of these reasons instead of failing; `ingest` counts them and writes the table. The table
says where a thing lies (source, path, position) and why it was set aside, never what it holds.
"""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

Reason = Literal[
    "unsupported_format",
    "empty",
    "binary",
    "unknown_encoding",
    "damaged_archive",
    "expands_too_much",
    "broken_record",
    "broken_file",
    "no_text_column",
    "too_large",
    "too_deep",
    "unreadable",
]

REASONS: dict[Reason, str] = {
    "unsupported_format": "no reader for a file of this name",
    "empty": "a file or record without text",
    "binary": "bytes that are no text",
    "unknown_encoding": "text in an encoding that could not be told",
    "damaged_archive": "compressed data that ends early or is corrupt",
    "expands_too_much": "compressed data that grows beyond the limits",
    "broken_record": "a record that is no valid JSON, or a row that does not fit its header",
    "broken_file": "a JSON or Parquet file that is not valid as a whole",
    "no_text_column": "the text column is missing, or holds no text",
    "too_large": "a file or record that must be read whole and is larger than the limit",
    "too_deep": "HTML nested more deeply than any page is",
    "unreadable": "the system refused to read the file",
}


class NotTextError(Exception):
    """A file that gives no (more) text; stays inside the corpus room and ends as a row of the quarantine.

    Args:
        reason: Why, in one word of the closed list.
    """

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(REASONS[reason])


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record, or the rest of a file, that was set aside.

    Attributes:
        position: Number of the record in its file, from 1; 0 for the file as a whole.
        reason: Why it was set aside.
    """

    position: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One row of the quarantine's table."""

    source: str
    path: str
    position: int
    reason: Reason


class QuarantineTable:
    """Writes the quarantine to Parquet in the order of arrival, a batch at a time in memory."""

    def __init__(self, path: Path, batch_rows: int = 10_000) -> None:
        self._path = path
        self._batch_rows = batch_rows
        self._rows: list[QuarantineRow] = []
        self._writer: Any = None

    def __enter__(self) -> Self:
        """Open the table; it has its columns even when nothing is added."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        text = pa.string()
        self._schema = pa.schema([("source", text), ("path", text), ("position", pa.int64()), ("reason", text)])
        self._writer = pq.ParquetWriter(self._path, self._schema, compression="zstd")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left and close the file."""
        self._flush()
        self._writer.close()

    def add(self, row: QuarantineRow) -> None:
        """Add one row."""
        self._rows.append(row)
        if len(self._rows) >= self._batch_rows:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            columns = {name: [getattr(row, name) for row in self._rows] for name in QuarantineRow.__slots__}
            self._writer.write_table(pa.table(columns, schema=self._schema))
            self._rows = []
