"""Reading one shard again: lengths, encodings and findings as they are, marks beside them, and never any text."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.dedup.repeated_lines import REPEATED_LINES_FILE
from gptmodel.corpus.documents import Document
from gptmodel.corpus.quality.reading import (
    Folders,
    ReadRow,
    Search,
    codec_name,
    num_findings,
    read_shards,
    read_statistics,
    residues_of,
    scan_share,
    search_share,
)  # fmt: skip
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.sources.reading import FileRow
from gptmodel.corpus.split_table import read_split
from gptmodel.corpus.table_names import FILES_DIR
from gptmodel.corpus.tables import read_table, write_table
from tests.unit.corpus.gate import KINDS, SCRUBBER, House, make, prose, sound

ALL = Search(SCRUBBER, 1.0, 1.0)


def read(house: House, search: Search = ALL) -> dict[str, ReadRow]:
    names = read_shards(house.gate, search).accounts
    return {row.id: row for name in names for row in read_table(house.gate.path / f"{name}.parquet", ReadRow)}


def test_a_row_tells_length_language_and_split(tmp_path: Path) -> None:
    document = make(1, "这是一个句子\ufffd。" * 4, lang="zh")
    house = House(tmp_path, [document, *(make(number) for number in range(2, 40))])
    split = {row.id: row.split for row in read_split(tmp_path / "split")}[document.id]
    assert read(house)[document.id] == ReadRow(
        document.id, "notes", "zh", split, "text", "utf-8", 32, 96, 4, True, 0, 0, True, 0, 0
    )  # fmt: skip


def test_documents_left_out_as_duplicates_and_planted_ones_have_no_row_but_the_former_are_counted(
    tmp_path: Path,
) -> None:
    planted = replace(make(90, "a phrase"), planted="in_clear")
    house = House(tmp_path, [make(number, prose(number % 30)) for number in range(60)] + [planted])
    assert len(read(house)) == 30
    accounts = read_shards(house.gate, ALL).accounts.values()
    assert sum(account.num_scrubbed["notes"] for account in accounts) == 60
    assert sum(account.num_rows for account in accounts) == 30


def test_the_text_is_read_without_repeated_lines(tmp_path: Path) -> None:
    footer = "This notice stands below every page of this source."
    documents = [make(number, f"{prose(number)}\n{footer}") for number in range(60)]
    rows = read(House(tmp_path, documents))
    assert [rows[d.id].num_chars for d in documents] == [len(prose(number)) for number in range(60)]


def test_findings_are_counted_by_how_they_were_validated(tmp_path: Path) -> None:
    document = make(1, f"{prose(1)}\nName: Anna Keller\nwrite to anna.keller@example.com")
    row = read(sound(tmp_path, replace(document, id=make(70).id, path="70.txt")))[make(70).id]
    assert (row.num_findings, row.num_loose_findings) == (1, 1)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("Dear Mr. Jonathan Miller,", (0, 1)),
        ("call 12 34 56 78", (0, 1)),
        ("+49 30 901820", (1, 0)),
        ("a plain sentence", (0, 0)),
    ],
)
def test_what_is_taken_for_the_word_before_it_is_loose(text: str, counts: tuple[int, int]) -> None:
    assert num_findings(text, SCRUBBER) == counts


def test_values_that_the_site_allows_are_no_residue(tmp_path: Path) -> None:
    (tmp_path / "allowed.txt").write_text("info@example.com")
    allowing = Scrubber(ScrubbingConfig(allow_file=str(tmp_path / "allowed.txt")))
    text = "write to info@example.com or anna.keller@example.com"
    assert [len(residues_of(text, scrubber)) for scrubber in (SCRUBBER, allowing)] == [2, 1]


def test_a_document_that_is_not_drawn_is_not_searched(tmp_path: Path) -> None:
    house = sound(tmp_path, *(make(number, f"{prose(number)}\na.b{number}@example.com") for number in range(60, 120)))
    rows = read(house, Search(SCRUBBER, 0.5, 1.0)).values()
    assert 30 < sum(row.is_searched for row in rows) < 90
    assert not any(row.num_findings for row in rows if not row.is_searched)


def test_documents_drawn_from_a_larger_corpus_are_among_those_drawn_from_a_smaller_one(tmp_path: Path) -> None:
    house = sound(tmp_path)
    half, quarter = (
        {name for name, row in read(house, Search(SCRUBBER, share, 1.0)).items() if row.is_searched}
        for share in (0.5, 0.25)
    )
    assert quarter < half


@given(st.integers(0, 10**15))
def test_the_share_searched_is_the_largest_power_of_two_within_the_bound(num_bytes: int) -> None:
    share = search_share(num_bytes, 20_000_000)
    assert share * num_bytes <= 20_000_000
    assert share == 1 or 2 * share * num_bytes > 20_000_000


def files_read(folder: Path, path: str, *files: FileRow) -> tuple[str, str]:
    """Give format and encoding of a document under a path, out of a shard that was read from these files."""
    house = House(folder, [replace(make(n), path=path) if n == 0 else make(n) for n in range(30)])
    write_table(folder / "ingest" / FILES_DIR / "00000.parquet", FileRow, files)
    row = read(house)[make(0).id]
    return row.format, row.encoding


def test_a_document_has_the_encoding_of_its_file(tmp_path: Path) -> None:
    files = [FileRow("notes", "a.txt", 1, "text", "GB18030"), FileRow("mail", "a.txt", 1, "csv", "cp1252")]
    assert files_read(tmp_path, "a.txt", *files) == ("text", "gb18030")


def test_a_document_under_a_path_within_its_file_has_that_files(tmp_path: Path) -> None:
    assert files_read(tmp_path, "b.zip/c/d.txt", FileRow("notes", "b.zip", 1, "zip", "cp1252")) == ("zip", "cp1252")


def test_a_member_with_a_row_of_its_own_has_that(tmp_path: Path) -> None:
    rows = FileRow("notes", "b.zip", 1, "zip", ""), FileRow("notes", "b.zip/c.txt", 1, "text", "big5")
    assert files_read(tmp_path, "b.zip/c.txt", *rows) == ("text", "big5")


def test_a_document_without_a_file_is_of_unknown_encoding(tmp_path: Path) -> None:
    assert files_read(tmp_path, "z.txt", FileRow("mail", "z.txt", 1, "text", "utf-8")) == ("unknown", "unknown")


def test_codecs_have_one_name() -> None:
    assert [codec_name(name) for name in ("UTF8", "utf_8", "SHIFT_JIS", "", "utf-99")] == [
        "utf-8", "utf-8", "shift_jis", "none", "unknown"
    ]  # fmt: skip


def test_repeated_lines_of_other_shards_do_not_make_a_shard_be_read_again(tmp_path: Path) -> None:
    house = sound(tmp_path)
    read_shards(house.gate, ALL)
    np.save(tmp_path / "split" / REPEATED_LINES_FILE, np.array([1], dtype=np.uint64))
    assert read_shards(house.gate, ALL).num_reused == 3
    row = next(iter(read_split(tmp_path / "split")))
    house.change_split(**{row.id: {"num_repeated_lines": 1}})
    assert read_shards(house.gate, ALL).num_reused == 2
    np.save(tmp_path / "split" / REPEATED_LINES_FILE, np.array([2], dtype=np.uint64))
    assert read_shards(house.gate, ALL).num_reused == 2


def test_other_kinds_or_another_share_are_another_reading(tmp_path: Path) -> None:
    house = sound(tmp_path)
    read_shards(house.gate, ALL)
    assert read_shards(house.gate, Search(SCRUBBER, 0.5, 1.0)).num_reused == 0
    assert read_shards(house.gate, Search(SCRUBBER, 0.5, 0.5)).num_reused == 0
    wider = Scrubber(ScrubbingConfig(kinds=(*KINDS, "IBAN")))
    assert read_shards(house.gate, Search(wider, 0.5, 0.5)).num_reused == 0


def test_a_shard_without_tables_has_no_rows(tmp_path: Path) -> None:
    house = sound(tmp_path)
    shard = tmp_path / "scrub" / "shards" / "00001-000.parquet"
    nowhere = Folders(tmp_path / "no", tmp_path / "no", tmp_path / "no")
    account = read_statistics(shard, house.gate.path, nowhere, ALL)
    assert (account.num_rows, account.num_scrubbed) == (0, {"notes": 20})


def test_an_id_outside_the_members_is_a_cluster_of_its_own(tmp_path: Path) -> None:
    house = House(tmp_path, [Document(f"{n:032x}", "notes", f"{n}.txt", prose(n)) for n in range(30)])
    for path in (tmp_path / "deduplicate" / "members").glob("*.parquet"):
        path.unlink()
    assert len(read(house)) == 30


def test_the_second_scanner_counts_documents_by_kind_and_values_by_certainty(tmp_path: Path) -> None:
    left = make(1, f"{prose(1)}\nwrite to anna.keller@example.com, password: kettle77moon")
    house = sound(tmp_path, replace(left, id=make(70).id, path="70.txt"))
    accounts = read_shards(house.gate, Search(Scrubber(ScrubbingConfig()), 1.0, 1.0)).accounts.values()
    row = read(house, Search(Scrubber(ScrubbingConfig()), 1.0, 1.0))[make(70).id]
    assert (row.is_scanned, row.num_residual, row.num_loose_residual) == (True, 1, 2)
    assert [account.num_residual for account in accounts if account.num_residual] == [{"EMAIL": 1}]


def test_the_second_scanner_looks_for_searched_kinds_alone(tmp_path: Path) -> None:
    left = make(1, f"{prose(1)}\nwrite to anna.keller@example.com")
    house = sound(tmp_path, replace(left, id=make(70).id, path="70.txt"))
    row = read(house, Search(Scrubber(ScrubbingConfig(kinds=("IBAN",))), 1.0, 1.0))[make(70).id]
    assert (row.num_residual, row.num_loose_residual) == (0, 0)


@given(st.integers(0, 10**7), st.integers(1, 5000))
def test_at_least_the_asked_number_of_documents_is_scanned_and_not_four_times_as_many(total: int, least: int) -> None:
    expected = scan_share(total, least) * total
    assert expected >= min(total, least)
    assert expected < 2 * least or expected == total


def test_what_the_site_allows_is_no_residue(tmp_path: Path) -> None:
    (tmp_path / "allowed.txt").write_text("Desk@Example.com\n")
    text = "write to desk@example.com or anna@example.com"
    allowing = Scrubber(ScrubbingConfig(allow_file=str(tmp_path / "allowed.txt")))
    assert [len(residues_of(text, scrubber)) for scrubber in (Scrubber(ScrubbingConfig()), allowing)] == [2, 1]
