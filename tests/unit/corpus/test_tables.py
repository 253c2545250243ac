"""Tables of dataclass rows: what is written is what is read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from gptmodel.corpus import tables
from gptmodel.corpus.tables import TableWriter, read_columns, read_table, schema_of, table_files, write_table


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


def test_many_rows_are_written_a_batch_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_BATCH_ROWS", 10)
    rows = [Row(str(number), number, 0.0, True) for number in range(25)]
    assert write_table(tmp_path / "t.parquet", Row, iter(rows)) == 25
    assert list(read_table(tmp_path / "t.parquet", Row)) == rows


def test_a_table_whose_rows_break_off_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), TableWriter(tmp_path / "t.parquet", Row) as table:
        table.add(ROWS[0])
        _ = 1 / 0
    assert not (tmp_path / "t.parquet").exists()


def test_columns_have_the_types_of_the_fields() -> None:
    assert [str(kind) for kind in schema_of(Row).types] == ["string", "int64", "double", "bool", "string"]
