"""The Document record and its shards."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus import documents as room
from gptmodel.corpus.documents import (
    Document,
    document_id,
    list_shards,
    read_documents,
    read_shard,
    shard_of,
    shard_path,
    write_shard,
    write_shard_files,
)


def make(number: int, text: str = "text") -> Document:
    return Document(document_id("s", "a.txt", str(number)), "s", "a.txt", text, "en")


def test_a_shard_gives_back_the_documents_written_in_their_order(tmp_path: Path) -> None:
    written = [make(3, "三\n\n"), make(1, ""), make(2, "a\u2028b"), Document("x", "p", "q", "r", planted="catchable")]
    assert write_shard(tmp_path / "a.parquet", written) == 4
    assert list(read_shard(tmp_path / "a.parquet")) == written


def test_an_empty_shard_can_be_written_and_read(tmp_path: Path) -> None:
    assert write_shard(tmp_path / "a.parquet", []) == 0
    assert list(read_shard(tmp_path / "a.parquet")) == []


def test_the_same_documents_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_shard(tmp_path / f"{name}.parquet", [make(number) for number in range(50)])
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_shard_that_fails_half_way_does_not_appear_under_its_name(tmp_path: Path) -> None:
    def failing():
        yield make(1)
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_shard(tmp_path / "a.parquet", failing())
    assert not (tmp_path / "a.parquet").exists()


def test_a_batch_ends_at_its_rows_or_its_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BATCH_CHARS", 100)
    write_shard(tmp_path / "a.parquet", [make(number, "x" * 60) for number in range(6)], batch_rows=1000)
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 3


def test_documents_of_a_stage_are_read_shard_by_shard(tmp_path: Path) -> None:
    write_shard(shard_path(tmp_path, 1), [make(2)])
    write_shard(shard_path(tmp_path, 0), [make(1)])
    assert [path.name for path in list_shards(tmp_path)] == ["00000-000.parquet", "00001-000.parquet"]
    assert list(read_documents(tmp_path)) == [make(1), make(2)]


def test_a_shard_that_is_full_goes_on_in_a_next_file(tmp_path: Path) -> None:
    documents = [make(number) for number in range(7)]
    assert write_shard_files(tmp_path, 4, documents, max_chars=2 * len(documents[0].text)) == 7
    assert [path.name for path in list_shards(tmp_path)] == [f"00004-{file:03d}.parquet" for file in range(4)]
    assert list(read_documents(tmp_path)) == documents


def test_a_shard_without_documents_is_one_empty_file(tmp_path: Path) -> None:
    assert write_shard_files(tmp_path, 0, []) == 0
    assert list(read_documents(tmp_path)) == []
    assert len(list_shards(tmp_path)) == 1


def test_an_identity_is_the_same_in_every_process() -> None:
    assert document_id("books", "a.txt", "0") == "ba4e48bab6ac9cf03762fe27faff8c33"


def test_an_identity_keeps_its_parts_apart() -> None:
    assert document_id("a", "b", "c") != document_id("ab", "", "c")


@given(st.text(), st.text(), st.integers(1, 4096))
def test_a_shard_number_lies_in_range_for_any_path(source: str, path: str, num_shards: int) -> None:
    assert 0 <= shard_of(source, path, num_shards) < num_shards


def test_files_spread_over_the_shards() -> None:
    used = {shard_of("s", f"{number}.txt", 8) for number in range(200)}
    assert used == set(range(8))
