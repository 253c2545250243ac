"""Rows of a few documents out of a table of several groups of rows."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gptmodel.corpus.rows import column_of, rows_of
from gptmodel.errors import StoreError

NAMES = [f"{number:032x}" for number in range(100)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A hundred documents in groups of seven; the last is divided."""
    ids = [*NAMES[:99], f"{NAMES[99]}.1", f"{NAMES[99]}.2"]
    pq.write_table(pa.table({"id": ids, "place": range(101)}), tmp_path / "t.parquet", row_group_size=7)
    return tmp_path / "t.parquet"


@pytest.mark.parametrize("asked", [[3], [0, 6, 7, 98], [*range(2, 90, 3)]])
def test_the_rows_of_the_documents_come_in_the_order_of_the_table(table: Path, asked: list[int]) -> None:
    rows = rows_of(table, ("id", "place"), {NAMES[number] for number in asked})
    assert rows == [{"id": NAMES[number], "place": number} for number in asked]


def test_a_text_stands_for_its_parts_and_a_part_for_itself(table: Path) -> None:
    assert [row["place"] for row in rows_of(table, ("id", "place"), [NAMES[99]])] == [99, 100]
    assert [row["place"] for row in rows_of(table, ("id", "place"), [f"{NAMES[99]}.2"])] == [100]


@pytest.mark.parametrize("asked", [[], ["f" * 32], [f"{NAMES[1]}.1"]])
def test_what_is_not_there_gives_no_row(table: Path, asked: list[str]) -> None:
    assert rows_of(table, ("id", "place"), asked) == []


def test_an_empty_table_gives_no_row(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": pa.array([], pa.string())}), tmp_path / "t.parquet")
    assert rows_of(tmp_path / "t.parquet", ("id",), NAMES[:1]) == []


def test_a_table_that_can_not_be_read_names_its_stage(tmp_path: Path) -> None:
    path = tmp_path / "split" / ("a" * 32) / "splits" / "00000.parquet"
    path.parent.mkdir(parents=True)
    (path.parents[1] / "manifest.json").touch()
    path.write_bytes(b"PAR1 cut")
    with pytest.raises(StoreError, match="--force split"):
        column_of(path, "id")
