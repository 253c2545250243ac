"""Read Parquet and Arrow files, a few rows at a time in memory. Called by formats."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from gptmodel.corpus.sources.quarantine import NotTextError, Rejected
from gptmodel.corpus.sources.records import Item, record_of
from gptmodel.corpus.sources.streams import Columns, InputFile, open_seekable

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_BYTES = 8 * 2**20
_MAX_BATCH_ROWS = 1000
_FILE_MAGIC = b"ARROW1"

_Batches = Callable[[BinaryIO, Columns], Iterator["pa.RecordBatch"]]


def read_parquet(file: InputFile) -> Iterator[Item]:
    """Read the rows of a Parquet file.

    Raises:
        NotTextError: `broken_file` or `no_text_column`.
    """
    yield from _read(file, _parquet_batches)


def read_arrow(file: InputFile) -> Iterator[Item]:
    """Read the rows of an Arrow file, in the IPC file format or the stream format.

    Raises:
        NotTextError: `broken_file` or `no_text_column`.
    """
    yield from _read(file, _arrow_batches)


def first_rows(file: InputFile, num_rows: int) -> list[dict[str, Any]]:
    """Read the first rows of a Parquet or Arrow file as they stand; a damaged file gives pyarrow's errors."""
    import pyarrow.parquet as pq

    with open_seekable(file) as stream:
        if file.name.lower().endswith(".parquet"):
            with pq.ParquetFile(stream, pre_buffer=False, buffer_size=2**20) as table:
                batch = next(table.iter_batches(batch_size=num_rows), None)
        else:
            with _opened_arrow(stream) as reader:
                batch = next(_batches_of(reader), None)
        rows: list[dict[str, Any]] = [] if batch is None else batch.slice(0, num_rows).to_pylist()
        return rows


def _read(file: InputFile, batches: _Batches) -> Iterator[Item]:
    import pyarrow as pa

    position = 0
    with open_seekable(file) as stream:
        try:
            for batch in batches(stream, file.columns):
                yield from _rows(batch, position, file.columns)
                position += batch.num_rows
        # A damaged page is an error of the system to pyarrow, a damaged length one of memory.
        except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
            raise NotTextError("broken_file") from error


def _parquet_batches(stream: BinaryIO, columns: Columns) -> Iterator["pa.RecordBatch"]:
    import pyarrow.parquet as pq

    # Without these settings a whole row group lies in memory.
    with pq.ParquetFile(stream, pre_buffer=False, buffer_size=2**20) as table:
        names = _wanted(table.schema_arrow, columns)
        yield from table.iter_batches(batch_size=_batch_rows(table.metadata), columns=names)


def _batch_rows(metadata: Any) -> int:
    """Give how many rows of a Parquet file are about 8 MiB, from 1 to 1000."""
    num_bytes = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    rows = _BATCH_BYTES * metadata.num_rows // max(num_bytes, 1)
    return min(max(rows, 1), _MAX_BATCH_ROWS)


def _arrow_batches(stream: BinaryIO, columns: Columns) -> Iterator["pa.RecordBatch"]:
    with _opened_arrow(stream) as reader:
        names = _wanted(reader.schema, columns)
        for batch in _batches_of(reader):
            chosen = batch.select(names)
            for column in chosen.columns:
                _refuse_invalid(column)
            yield chosen


def _opened_arrow(stream: BinaryIO) -> Any:
    import pyarrow as pa

    is_file = stream.read(len(_FILE_MAGIC)) == _FILE_MAGIC
    stream.seek(0)
    return pa.ipc.open_file(stream) if is_file else pa.ipc.open_stream(stream)


def _batches_of(reader: Any) -> Iterator["pa.RecordBatch"]:
    """Give the batches of an Arrow file, which can be asked for by number, or of a stream."""
    if hasattr(reader, "get_batch"):
        return map(reader.get_batch, range(reader.num_record_batches))
    return iter(reader)


def _refuse_invalid(column: "pa.Array") -> None:
    """Refuse offsets that lead out of the buffers: reading them would read other memory."""
    import pyarrow as pa

    # Text that is no UTF-8 costs one row, not the file.
    plain = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}.get(column.type)
    (column if plain is None else column.view(plain)).validate(full=True)


def _wanted(schema: "pa.Schema", columns: Columns) -> list[str]:
    names = [name for name in (columns.text, columns.id) if name is not None and name in schema.names]
    if columns.text not in names or not _is_text(schema.field(columns.text).type):
        raise NotTextError("no_text_column")
    return names


def _is_text(kind: "pa.DataType") -> bool:
    import pyarrow.types as types

    inner = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner))


def _rows(batch: "pa.RecordBatch", before: int, columns: Columns) -> Iterator[Item]:
    ids = batch.column(columns.id) if columns.id in batch.schema.names else None
    for row, scalar in enumerate(batch.column(columns.text), 1):
        try:
            value = {columns.text: scalar.as_py(), columns.id: None if ids is None else ids[row - 1].as_py()}
        except UnicodeDecodeError:
            yield Rejected(before + row, "unknown_encoding")
            continue
        yield record_of(value, before + row, columns)
