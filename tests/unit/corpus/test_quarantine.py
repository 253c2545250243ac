"""The quarantine's reasons and table."""

from pathlib import Path
from typing import get_args

import pyarrow.parquet as pq

from gptmodel.corpus.quarantine import REASONS, QuarantineRow, QuarantineTable, Reason


def read_quarantine(path: Path) -> list[QuarantineRow]:
    return [QuarantineRow(**row) for row in pq.read_table(path).to_pylist()]


def test_every_reason_is_explained() -> None:
    assert set(REASONS) == set(get_args(Reason))


def test_rows_come_back_in_their_order(tmp_path: Path) -> None:
    rows = [QuarantineRow("s", f"{number % 3}.txt", number, "empty") for number in range(25)]
    with QuarantineTable(tmp_path / "q.parquet", batch_rows=10) as table:
        for row in rows:
            table.add(row)
    assert read_quarantine(tmp_path / "q.parquet") == rows


def test_an_empty_quarantine_is_a_table_too(tmp_path: Path) -> None:
    with QuarantineTable(tmp_path / "q.parquet"):
        pass
    assert read_quarantine(tmp_path / "q.parquet") == []
