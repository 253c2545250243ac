"""Small tables beside the text: one dataclass a row, one Parquet file a shard.

Every corpus stage writes its tables (files, quarantine, drops, findings, clusters, splits) through this room.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, get_origin, get_type_hints

if TYPE_CHECKING:
    import pyarrow as pa

Row = TypeVar("Row")

_BATCH_ROWS = 10_000


class TableWriter(Generic[Row]):
    """Writes rows as they come, a batch at a time in memory; the file appears under its name when it is whole.

    Args:
        path: The file.
        kind: Dataclass of the rows, with fields of text, whole numbers, floats or yes and no.
        about: What is noted in the file's metadata.
    """

    def __init__(self, path: Path, kind: type[Row], about: Mapping[str, str] | None = None) -> None:
        self._path = path
        self._schema = schema_of(kind).with_metadata(about)
        self._rows: list[Row] = []
        self.num_rows = 0

    def __enter__(self) -> Self:
        """Open the file; it has its columns even when nothing is added."""
        import pyarrow.parquet as pq

        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(self._path.with_suffix(".tmp"), self._schema, compression="zstd")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what is left and close the file."""
        with self._writer:
            self._flush()
        if kind is None:
            self._path.with_suffix(".tmp").replace(self._path)

    def add(self, row: Row) -> None:
        """Add one row."""
        self._rows.append(row)
        self.num_rows += 1
        if len(self._rows) == _BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            columns = {name: [getattr(row, name) for row in self._rows] for name in self._schema.names}
            self._writer.write_table(pa.table(columns, schema=self._schema))
            self._rows = []


def write_table(path: Path, kind: type[Row], rows: Iterable[Row], about: Mapping[str, str] | None = None) -> int:
    """Write rows in the order given, a batch at a time in memory, and return how many there were.

    Args:
        path: The file.
        kind: Dataclass of the rows.
        rows: The rows.
        about: What is noted in the file's metadata.
    """
    with TableWriter(path, kind, about) as table:
        for row in rows:
            table.add(row)
    return table.num_rows


def write_arrow(path: Path, table: "pa.Table") -> None:
    """Write an Arrow table; the file appears under its name only when it is whole."""
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".tmp")
    pq.write_table(table, partial, compression="zstd")
    partial.replace(path)


def read_table(path: Path, kind: type[Row]) -> Iterator[Row]:
    """Read the rows of a file, or of all files of a folder in the order of their names."""
    import pyarrow.parquet as pq

    for file in table_files(path):
        with pq.ParquetFile(file) as table:
            for batch in table.iter_batches(batch_size=_BATCH_ROWS):
                for row in batch.to_pylist():
                    yield kind(**row)


def read_columns(path: Path, columns: Sequence[str]) -> "pa.Table":
    """Read some columns of a file, or of all files of a folder in the order of their names, as one Arrow table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pa.concat_tables(pq.read_table(file, columns=list(columns)) for file in table_files(path))


def table_files(path: Path) -> list[Path]:
    """List the Parquet files of a folder in the order of their names; a file is its own list."""
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def schema_of(kind: type[Any]) -> "pa.Schema":
    """Give the Arrow schema of a dataclass's rows."""
    import pyarrow as pa

    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    hints = get_type_hints(kind)
    columns = ((field.name, hints[field.name]) for field in fields(kind))
    return pa.schema([(name, types.get(get_origin(hint) or hint, pa.string())) for name, hint in columns])
