"""The index of keyed hashes, written by the stage and asked."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.documents import Document, shard_path, write_shard
from gptmodel.corpus.scrubbing import Scrubber, scrub
from gptmodel.corpus.scrubbing.value_index import (
    FoundValue,
    ValueIndex,
    asked_hashes,
    find_values,
    indexed_shards,
    known_hashes,
    value_hashes,
)  # fmt: skip
from gptmodel.keys import Keys
from gptmodel.store import Workspace

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
A, B, C = (letter * 32 for letter in "abc")
VALUES = ("ada@example.com", "138 0013 8000", "4111 1111 1111 1111")
DOCUMENTS = [
    Document(A, "letters", "a.txt", "ada@example.com, Ada@Example.com and ada [at] example [dot] com", "en"),
    Document(B, "letters", "b.txt", "电话：138 0013 8000, ada@example.com", "zh"),
    Document(C, "planted", "c", "code 4111 1111 1111 1111", "und", "catchable"),
]


def scrubbed(folder: Path, name: str = "out", key: bytes | None = KEY, earlier: tuple[Path, ...] = ()) -> Workspace:
    """Scrub the documents, one shard each."""
    for number, document in enumerate(DOCUMENTS):
        write_shard(shard_path(folder / "clean", number), [document])
    (folder / name).mkdir()
    work = Workspace(folder / name, {"clean": folder / "clean"}, earlier=earlier)
    scrub(work, Scrubber(ScrubbingConfig(), Keys(home=key)))
    return work


def asked(work: Workspace, value: str, key: bytes = KEY) -> set[tuple[str, str]]:
    """Ask for a value; give documents and kinds."""
    tables, missing = indexed_shards(work.path, key)
    assert missing == []
    hashes = asked_hashes(key, value)
    return {(row.id, row.kind) for path in tables for row in find_values(path, hashes)}


def test_a_value_names_every_document_that_holds_it(tmp_path: Path) -> None:
    assert asked(scrubbed(tmp_path), "ADA@example.com") == {(A, "EMAIL"), (B, "EMAIL")}


def test_a_value_written_otherwise_is_found(tmp_path: Path) -> None:
    assert asked(scrubbed(tmp_path), "+86 13800138000") == {(B, "CN_PHONE")}


def test_planted_test_phrases_are_in_the_index(tmp_path: Path) -> None:
    assert asked(scrubbed(tmp_path), "4111-1111-1111-1111") == {(C, "CREDIT_CARD")}


def test_a_value_that_no_document_holds_is_not_found(tmp_path: Path) -> None:
    assert asked(scrubbed(tmp_path), "eve@example.com") == set()


def test_a_table_is_sorted_and_has_each_row_once(tmp_path: Path) -> None:
    work = scrubbed(tmp_path)
    [path] = (work.path / "notes" / "values").glob("00000-*.parquet")
    rows = [FoundValue(**row) for row in pq.read_table(path).to_pylist()]
    assert rows == [FoundValue(*value_hashes(KEY, "EMAIL", "ada@example.com"), "EMAIL", A)]


def test_the_same_documents_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = scrubbed(tmp_path, "one"), scrubbed(tmp_path, "two")
    for path in (first.path / "notes" / "values").iterdir():
        assert path.read_bytes() == (second.path / "notes" / "values" / path.name).read_bytes()


def test_without_the_homes_key_no_index_is_kept(tmp_path: Path) -> None:
    work = scrubbed(tmp_path, key=None)
    assert not (work.path / "notes" / "values").exists()
    assert len(indexed_shards(work.path, KEY)[1]) == 3
    assert known_hashes(work.path, KEY) is None


def test_another_homes_index_counts_as_missing(tmp_path: Path) -> None:
    assert len(indexed_shards(scrubbed(tmp_path).path, OTHER_KEY)[1]) == 3


def test_a_damaged_table_counts_as_missing(tmp_path: Path) -> None:
    work = scrubbed(tmp_path)
    path = next((work.path / "notes" / "values").iterdir())
    path.write_bytes(b"PAR1 cut")
    assert indexed_shards(work.path, KEY)[1] == [path.name]


@pytest.mark.parametrize("first", [None, OTHER_KEY])
def test_a_shard_without_this_homes_index_is_scrubbed_again(tmp_path: Path, first: bytes | None) -> None:
    earlier = scrubbed(tmp_path, "one", key=first)
    again = scrubbed(tmp_path, "two", earlier=(earlier.path,))
    assert asked(again, "ada@example.com") == {(A, "EMAIL"), (B, "EMAIL")}


def test_a_shard_that_is_taken_over_brings_its_index(tmp_path: Path) -> None:
    earlier = scrubbed(tmp_path, "one")
    again = scrubbed(tmp_path, "two", earlier=(earlier.path,))
    for path in (again.path / "notes" / "values").iterdir():
        assert path.samefile(earlier.path / "notes" / "values" / path.name)


def test_known_hashes_are_those_of_the_values_found(tmp_path: Path) -> None:
    work = scrubbed(tmp_path)
    known = known_hashes(work.path, KEY)
    assert known is not None
    assert all(asked_hashes(KEY, value) & known for value in VALUES)
    assert len(known) == len(VALUES)
    assert known_hashes(work.path, KEY, asked_hashes(KEY, VALUES[0])) == known & asked_hashes(KEY, VALUES[0])


def test_the_index_says_nothing_without_the_key() -> None:
    assert not asked_hashes(KEY, VALUES[0]) & asked_hashes(OTHER_KEY, VALUES[0])


def test_neither_value_nor_key_shows_in_what_is_kept_in_memory() -> None:
    index = ValueIndex(KEY)
    assert VALUES[0] not in repr(index)
    assert KEY.decode() not in repr(index)


def test_a_passwords_urls_are_found_by_the_password(tmp_path: Path) -> None:
    hashes = value_hashes(KEY, "URL_WITH_CREDENTIALS", "https://bob:s3cretPW@h.example")
    assert asked_hashes(KEY, "s3cretPW") & {*hashes}
