"""The table that says which split each document is in; `split` writes it, every later stage reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SPLIT_FILE = "split.parquet"
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class SplitRow:
    """Where one document goes.

    Attributes:
        id: The document.
        source: Its source.
        split: `train`, `validation` or `test`.
        planted: Whether it is a planted test phrase.
    """

    id: str
    source: str
    split: Split
    planted: bool


def read_split(folder: Path) -> list[SplitRow]:
    """Read the table that `split` wrote into its folder."""
    import pyarrow.parquet as pq

    return [SplitRow(**row) for row in pq.read_table(folder / SPLIT_FILE).to_pylist()]


def write_split(path: Path, rows: Sequence[SplitRow]) -> None:
    """Write the table of documents and their splits, sorted by id."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"id": pa.string(), "source": pa.string(), "split": pa.string(), "planted": pa.bool_()}
    ordered = sorted(rows, key=lambda row: row.id)
    columns = {name: [getattr(row, name) for row in ordered] for name in types}
    pq.write_table(pa.table(columns, schema=pa.schema(types.items())), path, compression="zstd")
