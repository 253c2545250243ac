"""A few documents' rows out of large tables: ids are read first, other columns only where one of them was met.

Ids are hashes; where they do not ascend, every id is looked at once, and a million of them take about 0.1 s on one
core. Filters of pyarrow would read all columns of all rows, and import pandas.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptmodel.corpus.arrow_strings import arrow_strings
from gptmodel.corpus.documents import text_id
from gptmodel.errors import StoreError
from gptmodel.store import MANIFEST

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

Row = dict[str, Any]
Chosen = Callable[["pa.Table"], Any]
"""Gives a mask over a table's rows, by the columns that are looked at."""
GroupsOf = Callable[["pq.ParquetFile"], list[int]]
"""Gives the groups of rows of a file that are looked at."""

ID_CHARS = 32
"""Characters of a text's id; those of its parts go on after them."""
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
    texts = sorted({text_id(name) for name in ids})
    chosen = partial(_begins_with, texts=texts)
    rows = _rows(path, ("id",), chosen, columns, partial(_groups_with, texts=texts)) if texts else []
    return [row for row in rows if row["id"] in ids or text_id(row["id"]) in ids]


def rows_where(
    path: Path, looked_at: Sequence[str], chosen: Chosen, columns: Sequence[str]
) -> list[Row]:  # fmt: skip
    """Read the rows of a table that are chosen by some of its columns.

    Args:
        path: The table.
        looked_at: The columns that are looked at, in every row.
        chosen: Gives a mask, one yes or no for each row.
        columns: The columns wanted; those of no chosen row are not read.

    Raises:
        StoreError: The table can't be read.
    """
    return _rows(path, looked_at, chosen, columns)


def column_of(path: Path, name: str) -> "pa.ChunkedArray":
    """Read one column of a table.

    Raises:
        StoreError: The table can't be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return file.read([name])[name]
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


def _all_groups(file: "pq.ParquetFile") -> list[int]:
    return [*range(file.num_row_groups)]


def _rows(
    path: Path, looked_at: Sequence[str], chosen: Chosen, columns: Sequence[str], groups_of: GroupsOf = _all_groups
) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            groups = groups_of(file)
            table = file.read_row_groups(groups, columns=list(looked_at))
            return list(_rows_at(file, groups, columns, chosen(table))) if len(table) else []
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from None


def _groups_with(file: "pq.ParquetFile", texts: Sequence[str]) -> list[int]:
    """Give the groups of rows that may hold one of some texts by their least and greatest id: few where ids ascend."""
    column = file.schema_arrow.get_field_index("id")
    facts = [(group, file.metadata.row_group(group).column(column).statistics) for group in _all_groups(file)]
    return [group for group, its in facts if its is None or not its.has_min_max or _is_between(texts, its.min, its.max)]


def _is_between(texts: Sequence[str], least: str, greatest: str) -> bool:
    first = bisect_left(texts, text_id(least))
    return first < len(texts) and texts[first] <= text_id(greatest)


def _begins_with(table: "pa.Table", texts: Sequence[str]) -> Any:
    """Give as a mask which ids begin with one of some texts' ids, at least one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(texts) <= _FEW:
        return reduce(pc.or_, [pc.starts_with(table["id"], text) for text in texts])
    heads = pc.binary_slice(table["id"].cast(pa.binary()), 0, ID_CHARS)
    return pc.is_in(heads, value_set=arrow_strings(texts).cast(pa.binary()))


def _rows_at(file: "pq.ParquetFile", groups: Sequence[int], columns: Sequence[str], mask: Any) -> Iterator[Row]:
    """Give the rows of a mask over some groups of rows, a group at a time."""
    import pyarrow.compute as pc

    first = 0
    for group in groups:
        num_rows = file.metadata.row_group(group).num_rows
        mine = mask.slice(first, num_rows)
        first += num_rows
        if pc.any(mine).as_py():
            yield from file.read_row_group(group, columns=list(columns)).filter(mine).to_pylist()
