"""Tables of dataclass rows: what is written is what is read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from gptmodel.corpus.tables import read_columns, read_table, schema_of, table_files, write_table


@dataclass(frozen=True)
class Row:
    """A row of every type that tables hold."""

    name: str
    num: int
    ratio: float
    kept: bool
    kind: Literal["a", "b"] = "a"


ROWS = [Row("one", 1, 0.5, True), Row("二", -2, 1e300, False, "b")]


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    assert write_table(tmp_path / "t.parquet", Row, ROWS) == 2
    assert list(read_table(tmp_path / "t.parquet", Row)) == ROWS


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    write_table(tmp_path / "00001.parquet", Row, ROWS[1:])
    write_table(tmp_path / "00000.parquet", Row, ROWS[:1])
    assert list(read_table(tmp_path, Row)) == ROWS
    assert [path.name for path in table_files(tmp_path)] == ["00000.parquet", "00001.parquet"]


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", Row, [])
    assert read_columns(tmp_path / "t.parquet", ["name", "num"]).schema.names == ["name", "num"]


def test_many_rows_are_written_a_batch_at_a_time(tmp_path: Path) -> None:
    rows = [Row(str(number), number, 0.0, True) for number in range(25_000)]
    write_table(tmp_path / "t.parquet", Row, iter(rows))
    assert list(read_table(tmp_path / "t.parquet", Row)) == rows


def test_a_write_that_fails_leaves_no_table(tmp_path: Path) -> None:
    def rows():
        yield ROWS[0]
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write_table(tmp_path / "t.parquet", Row, rows())
    assert not (tmp_path / "t.parquet").exists()


def test_columns_have_the_types_of_the_fields() -> None:
    assert [str(kind) for kind in schema_of(Row).types] == ["string", "int64", "double", "bool", "string"]
