"""Tables of dataclass rows."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from gptmodel.corpus import tables
from gptmodel.corpus.tables import TableWriter, read_table, write_table


@dataclass(frozen=True)
class Row:
    name: str
    count: int
    share: float
    is_kept: bool


ROWS = [Row(f"n{number % 3}", number, number / 7, number % 2 == 0) for number in range(25)]


def test_rows_come_back_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_BATCH_ROWS", 10)
    assert write_table(tmp_path / "t.parquet", Row, iter(ROWS)) == 25
    assert list(read_table(tmp_path / "t.parquet", Row)) == ROWS


def test_an_empty_table_is_a_table_too(tmp_path: Path) -> None:
    assert write_table(tmp_path / "t.parquet", Row, []) == 0
    assert list(read_table(tmp_path / "t.parquet", Row)) == []


def test_a_table_whose_rows_break_off_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), TableWriter(tmp_path / "t.parquet", Row) as table:
        table.add(ROWS[0])
        _ = 1 / 0
    assert not (tmp_path / "t.parquet").exists()
