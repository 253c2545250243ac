"""Small tables beside the text: one dataclass a row, one Parquet file a shard.

Every corpus stage writes its tables (files, quarantine, drops, findings, clusters, splits) through this room.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_origin, get_type_hints

if TYPE_CHECKING:
    import pyarrow as pa

Row = TypeVar("Row")

_BATCH_ROWS = 10_000


def write_table(path: Path, kind: type[Row], rows: Iterable[Row]) -> int:
    """Write rows in the order given, a batch at a time in memory, and return how many there were.

    Args:
        path: The file; it appears under its name only when it is whole.
        kind: Dataclass of the rows, with fields of text, whole numbers, floats or yes and no.
        rows: The rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = schema_of(kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, count, rest = path.with_suffix(".tmp"), 0, iter(rows)
    with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        while batch := list(islice(rest, _BATCH_ROWS)):
            columns = {name: [getattr(row, name) for row in batch] for name in schema.names}
            writer.write_table(pa.table(columns, schema=schema))
            count += len(batch)
    partial.replace(path)
    return count


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
