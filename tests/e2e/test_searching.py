"""The search for values finds them wherever they may lie; else its silence would say nothing."""

import base64
import gzip
import hashlib
import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.e2e.searching import places_of

VALUE = "Änne.Keller+x@example.com"


def _table(path: Path) -> None:
    pq.write_table(pa.table({"n": [1, 2], "note": ["nothing", f"see {VALUE}."]}), path, compression="zstd")


def _database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE log (note TEXT)")
        database.execute("INSERT INTO log VALUES (?)", ("x" * 4000 + VALUE + "y" * 90_000,))
        database.commit()


def _archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", VALUE * 50)


PLANTINGS: dict[str, Callable[[Path], object]] = {
    "plain": lambda path: path.write_text(f"to {VALUE}\n"),
    "another case": lambda path: path.write_text(VALUE.replace("Keller", "KELLER")),
    "wide": lambda path: path.write_bytes(f"to {VALUE}".encode("utf-16")),
    "json": lambda path: path.write_text(json.dumps({"note": VALUE})),
    "url": lambda path: path.write_text(f"http://h.example/?q={quote(VALUE)}"),
    "base64": lambda path: path.write_bytes(base64.b64encode(f"xy{VALUE}z".encode())),
    "gzip": lambda path: path.write_bytes(gzip.compress(VALUE.encode() * 9)),
    "zstd": lambda path: path.write_bytes(zstandard.ZstdCompressor().compress(VALUE.encode() * 9)),
    "hash": lambda path: path.write_text(hashlib.sha256(VALUE.encode()).hexdigest()),
    "parquet": _table,
    "database": _database,
    "archive": _archive,
}


@pytest.mark.parametrize("name", PLANTINGS)
def test_a_value_is_found_wherever_it_lies(name: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    PLANTINGS[name](tmp_path / "deep" / "file")
    assert {(path, number) for path, number, _ in places_of(["other@example.com", VALUE], tmp_path)} == {
        (str(tmp_path / "deep" / "file"), 1)
    }


def test_a_value_in_a_files_name_is_found(tmp_path: Path) -> None:
    (tmp_path / f"{VALUE}.txt").write_text("")
    assert places_of([VALUE], tmp_path)


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("Änne Keller, example.com")
    assert places_of([VALUE], tmp_path) == []
