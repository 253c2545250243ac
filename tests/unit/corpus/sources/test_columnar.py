"""Parquet and Arrow files."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gptmodel.corpus.sources import records, streams
from gptmodel.corpus.sources.columnar import first_rows
from gptmodel.corpus.sources.formats import read_items
from gptmodel.corpus.sources.quarantine import Rejected
from gptmodel.corpus.sources.streams import Columns, InputFile

TABLE = {"text": ["a", None, "中文"], "id": [10, 11, None], "size": [0.5, 1.5, 2.5]}


def arrow(columns: dict[str, Any], kind: str = "file", **options: Any) -> bytes:
    table, data = pa.table(columns), io.BytesIO()
    opened = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
    with opened(data, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=2)
    return data.getvalue()


def parquet(columns: dict[str, Any]) -> bytes:
    data = io.BytesIO()
    pq.write_table(pa.table(columns), data, row_group_size=2)
    return data.getvalue()


def file_of(name: str, data: bytes) -> InputFile:
    return replace(InputFile(name, lambda: io.BytesIO(data)), columns=Columns("text", "id"))


def read(name: str, data: bytes) -> list[Any]:
    return [
        (item.position, item.reason) if isinstance(item, Rejected) else (item.position, item.id, "".join(item.chunks))
        for item in read_items(file_of(name, data))
    ]


ROWS = [(1, "10", "a"), (2, "no_text_column"), (3, None, "中文")]


@pytest.mark.parametrize("kind", ["file", "stream"])
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_arrow_rows_come_with_their_ids(kind: str, compression: str | None) -> None:
    assert read("a.arrow", arrow(TABLE, kind, compression=compression)) == ROWS


def test_parquet_rows_come_across_row_groups() -> None:
    assert read("a.parquet", parquet(TABLE)) == ROWS


TEXT_TYPES = [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]


@pytest.mark.parametrize("kind", TEXT_TYPES)
def test_every_kind_of_text_column_is_read(kind: pa.DataType) -> None:
    data = arrow({"text": pa.array(["a", "b", "a"]).cast(kind)})
    assert [item[2] for item in read("a.arrow", data)] == ["a", "b", "a"]


@pytest.mark.parametrize("column", [[1, 2], [["a"], ["b"]], [{"x": "a"}, None], [None, None]])
def test_a_column_that_holds_no_text_is_set_aside(column: list[Any]) -> None:
    assert read("a.arrow", arrow({"text": column})) == [(0, "no_text_column")]
    assert read("a.parquet", parquet({"text": column})) == [(0, "no_text_column")]


@pytest.mark.parametrize("kind", ["file", "stream"])
def test_an_arrow_file_that_ends_early_is_broken(kind: str) -> None:
    data = arrow({"text": ["some text"] * 50}, kind)
    assert read("a.arrow", data[: len(data) // 2])[-1][1] == "broken_file"


def test_offsets_that_lead_out_of_the_buffers_are_refused() -> None:
    offsets = pa.array([0, 2**30, 2], pa.int32()).buffers()[1]
    bad = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"ab")])
    assert read("a.arrow", arrow({"text": bad})) == [(0, "broken_file")]


def test_an_arrow_value_that_is_no_utf8_is_set_aside_alone() -> None:
    offsets = pa.array([0, 1, 2], pa.int32()).buffers()[1]
    bad = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"\xffb")])
    assert read("a.arrow", arrow({"text": bad})) == [(1, "unknown_encoding"), (2, None, "b")]


def test_a_text_beyond_the_limit_is_set_aside_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_RECORD_CHARS", 10)
    assert read("a.parquet", parquet({"text": ["a", "b" * 11]})) == [(1, None, "a"), (2, "too_large")]


class _Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize(("limit", "found"), [(2**20, ROWS), (10, [(0, "too_large")])])
def test_a_file_that_only_streams_is_held_in_memory_within_a_limit(
    monkeypatch: pytest.MonkeyPatch, limit: int, found: list[Any]
) -> None:
    monkeypatch.setattr(streams, "MAX_WHOLE_BYTES", limit)
    data = parquet(TABLE)
    file = InputFile("a.parquet", lambda: _Pipe(data), columns=Columns("text", "id"))
    assert [
        (item.position, item.reason) if isinstance(item, Rejected) else (item.position, item.id, "".join(item.chunks))
        for item in read_items(file)
    ] == found


@pytest.mark.parametrize("name", ["a.arrow", "a.parquet"])
def test_the_first_rows_are_given_as_they_stand(name: str) -> None:
    data = arrow(TABLE) if name == "a.arrow" else parquet(TABLE)
    assert first_rows(file_of(name, data), 1) == [{"text": "a", "id": 10, "size": 0.5}]


@pytest.mark.parametrize("name", ["a.arrow", "a.parquet"])
def test_an_empty_table_has_no_first_rows(name: str, tmp_path: Path) -> None:
    empty = {"text": pa.array([], pa.string())}
    assert first_rows(file_of(name, arrow(empty) if name == "a.arrow" else parquet(empty)), 5) == []
