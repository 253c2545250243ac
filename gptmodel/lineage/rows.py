"""A few documents' rows out of large tables: ids are read first, other columns only where one of them was met.

Ids are hashes, in no order that a file's statistics could tell, so that every id is looked at once. A million of them
take about 0.1 s on one core.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gptmodel.corpus.documents import text_id
from gptmodel.errors import StoreError
from gptmodel.store import MANIFEST

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

Row = dict[str, Any]

_ID_CHARS = 32  # of a text's id; its parts go on after that
_FEW = 4  # so many beginnings are compared one by one faster than looked up together


def rows_of(path: Path, columns: Sequence[str], ids: Collection[str]) -> list[Row]:
    """Read the rows of some documents from one table.

    Args:
        path: A Parquet file with a column `id`.
        columns: The columns wanted, `id` among them.
        ids: The documents; the id of a divided text stands for its parts too.

    Raises:
        StoreError: The table can't be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = sorted({text_id(name) for name in ids})
    try:
        with pq.ParquetFile(path) as file:
            found = _places(file.read(["id"])["id"], texts)
            rows = list(_rows_at(file, columns, found))
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from None
    return [row for row in rows if row["id"] in ids or text_id(row["id"]) in ids]


def column_of(path: Path, name: str) -> "pa.ChunkedArray":
    """Read one column of a table.

    Raises:
        StoreError: The table can't be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, columns=[name], partitioning=None)[name]
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from None


def places_where(path: Path, columns: Sequence[str], chosen: Callable[["pa.Table"], Any]) -> list[int]:
    """Give the places of a table's rows that are chosen by some of its columns.

    Args:
        path: The table.
        columns: The columns that are looked at.
        chosen: Gives a mask, one yes or no for each row.

    Raises:
        StoreError: The table can't be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=list(columns), partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from None
    return [int(place) for place in np.flatnonzero(chosen(table).to_numpy())] if len(table) else []


def rows_at(path: Path, columns: Sequence[str], places: Iterable[int]) -> list[Row]:
    """Read the rows at some places of a table, in ascending order; other groups of rows are passed over.

    Raises:
        StoreError: The table can't be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return list(_rows_at(file, columns, np.array(sorted(places), dtype=np.int64)))
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: Exception) -> StoreError:
    """Make the error for a table that can't be read."""
    return StoreError(
        expected=f"a table of documents at {path}",
        actual=type(error).__name__,
        mend=f"Compute it again: gptmodel run --force {_stage_of(path)}",
    )


def _stage_of(path: Path) -> str:
    return next((folder.parent.name for folder in path.parents if (folder / MANIFEST).exists()), "ingest")


def _places(ids: "pa.ChunkedArray", texts: Sequence[str]) -> Any:
    """Give the places of the ids that begin with one of some texts' ids."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(texts) <= _FEW:
        masks = [pc.starts_with(ids, text) for text in texts]
        mask = masks[0] if masks else pa.array([], pa.bool_())
        for other in masks[1:]:
            mask = pc.or_(mask, other)
    else:
        heads = pc.binary_slice(ids.cast(pa.binary()), 0, _ID_CHARS)
        mask = pc.is_in(heads, value_set=pa.array(texts, pa.string()).cast(pa.binary()))
    return np.flatnonzero(mask.to_numpy(zero_copy_only=False)) if len(mask) else np.zeros(0, np.int64)


def _rows_at(file: "pq.ParquetFile", columns: Sequence[str], places: Any) -> Iterator[Row]:
    if not len(places):
        return
    sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    ends = np.cumsum(sizes)
    groups = np.searchsorted(ends, places, side="right")
    for group in np.unique(groups):
        first = int(ends[group]) - sizes[group]
        inside = [int(place) - first for place in places[groups == group]]
        yield from file.read_row_group(int(group), columns=list(columns)).take(inside).to_pylist()
