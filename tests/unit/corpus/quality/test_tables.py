"""The tables the gate judges: what is read, and what the stages said of it, in counts that add up."""

from collections import Counter
from pathlib import Path
from statistics import median as plain_median

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.quality import tables as quality_tables
from gptmodel.corpus.quality.overlaps import Overlap
from gptmodel.corpus.quality.reading import ReadRow
from gptmodel.corpus.quality.tables import (
    TOTALS_FILE,
    Counts,
    DocumentRow,
    Totals,
    language_rows,
    median,
    read_batches,
    totals_of,
    write_statistics,
)  # fmt: skip
from gptmodel.corpus.scrubbing.stage import SourceScrubbing
from gptmodel.corpus.split_table import read_split
from gptmodel.corpus.tables import write_table
from tests.unit.corpus.gate import House, clean_result, ingest_result, make, prose, sound


def read_row(number: int, **fields: object) -> ReadRow:
    values = {
        "id": f"{number:032x}", "source": "notes", "lang": "en", "split": "train", "format": "text",
        "encoding": "utf-8", "num_chars": 100, "num_bytes": 200, "num_broken": 0, "is_searched": False,
        "num_findings": 0, "num_loose_findings": 0, "is_scanned": False, "num_residual": 0, "num_loose_residual": 0,
    }  # fmt: skip
    return ReadRow(**values | fields)  # type: ignore[arg-type]


def write_read(folder: Path, *shards: list[ReadRow]) -> list[str]:
    names = [f"read-{number:05d}-000" for number in range(len(shards))]
    for name, rows in zip(names, shards, strict=True):
        write_table(folder / f"{name}.parquet", ReadRow, rows)
    return names


def corpus_of(house: House) -> dict[str, float]:
    return house.tables().corpus.iloc[0].to_dict()


def test_the_corpus_is_counted_as_it_is_read(tmp_path: Path) -> None:
    house = sound(tmp_path)
    row = corpus_of(house)
    splits = Counter(row.split for row in read_split(tmp_path / "split"))
    assert [row[f"num_{name}"] for name in ("train", "validation", "test")] == [
        splits[name] for name in ("train", "validation", "test")
    ]
    texts = [prose(number) for number in range(60)]
    assert row["num_chars"] == row["num_bytes"] == sum(map(len, texts))
    assert row["median_chars"] == plain_median(map(len, texts))
    assert row["num_lost"] == 0


def test_shares_of_unreadable_and_dropped_follow_from_the_accounts(tmp_path: Path) -> None:
    house = sound(tmp_path)
    house.ingest = ingest_result(Counter(notes=240), quarantined=60)
    house.clean = clean_result(Counter(notes=60), dropped=180)
    row = corpus_of(house)
    assert (row["quarantined_ratio"], row["dropped_ratio"], row["num_lost"]) == (0.2, 0.75, 0)


def test_the_share_of_duplicates_is_that_of_documents_left_out(tmp_path: Path) -> None:
    house = House(tmp_path, [make(number, prose(number % 25)) for number in range(100)])
    assert (corpus_of(house)["duplicate_ratio"], corpus_of(house)["num_documents"]) == (0.75, 25)


def test_documents_out_of_another_encoding_are_counted(tmp_path: Path) -> None:
    assert corpus_of(House(tmp_path, [make(n) for n in range(30)], encoding="gb18030"))["not_utf8_ratio"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "", "utf-99"])
def test_text_in_utf8_or_of_no_encoding_or_an_unknown_one_is_not_counted_as_another(
    tmp_path: Path, encoding: str
) -> None:
    assert corpus_of(House(tmp_path, [make(n) for n in range(30)], encoding))["not_utf8_ratio"] == 0


def test_the_account_of_each_source_adds_up(tmp_path: Path) -> None:
    house = House(tmp_path, [make(n, prose(n % 20), source="ab"[n % 2]) for n in range(60)])
    house.clean = clean_result(Counter(a=30, b=30), dropped=5)
    house.ingest = ingest_result(Counter(a=35, b=35), quarantined=2)
    rows = house.tables().sources
    read = rows["num_cleaned"] + rows["num_dropped"]
    kept = rows["num_scrubbed"] - rows["num_left_out"]
    assert rows["source"].tolist() == ["a", "b"]
    assert (rows["num_read"] == read).all()
    assert (rows["num_documents"] == kept).all()
    assert rows["num_lost"].tolist() == [0, 0]
    assert rows["bytes_ratio"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("sizes", "dropped", "lost"), [({"a": 29, "b": 30}, 1, [1, 0]), ({"a": 30, "b": 31}, 0, [0, 1])]
)
def test_a_source_whose_account_does_not_add_up_is_told_from_the_others(
    tmp_path: Path, sizes: dict[str, int], dropped: int, lost: list[int]
) -> None:
    house = House(tmp_path, [make(n, source="ab"[n % 2]) for n in range(60)])
    house.clean = clean_result(Counter(sizes), dropped=dropped)
    house.ingest = ingest_result(Counter({name: size + dropped for name, size in sizes.items()}))
    assert house.tables().sources["num_lost"].tolist() == lost


def test_a_document_that_scrubbing_left_out_is_not_lost(tmp_path: Path) -> None:
    house = sound(tmp_path)
    house.clean, house.ingest = clean_result(Counter(notes=62)), ingest_result(Counter(notes=62))
    notes = SourceScrubbing.model_construct(name="notes", num_documents=62, dropped_by_reason={"holds EMAIL": 2})
    house.scrub = house.scrub.model_copy(update={"num_documents": 62, "num_dropped": 2, "sources": [notes]})
    assert corpus_of(house)["num_lost"] == 0
    assert house.tables().sources["num_lost"].tolist() == [0]


def test_a_source_that_gave_nothing_has_a_row_and_one_past_its_last_day_has_none(tmp_path: Path) -> None:
    house = sound(tmp_path)
    house.ingest = ingest_result(Counter(notes=60, mail=3, past=0))
    past = house.ingest.sources[2].model_copy(update={"left_out": "past its last day"})
    house.ingest = house.ingest.model_copy(update={"sources": [*house.ingest.sources[:2], past]})
    house.clean = clean_result(Counter(notes=60, mail=3))
    rows = house.tables().sources.set_index("source")
    assert rows.index.tolist() == ["mail", "notes"]
    assert rows.loc["mail", ["num_documents", "num_bytes", "num_lost"]].tolist() == [0, 0, 3]


def test_a_document_that_is_in_no_split_any_more_is_lost(tmp_path: Path) -> None:
    house = sound(tmp_path)
    path = next((tmp_path / "split" / "splits").glob("*.parquet"))
    pq.write_table(pq.read_table(path).slice(1), path)
    tables = house.tables()
    assert tables.sources["num_lost"].tolist() == [1]
    assert tables.corpus["num_lost"].tolist() == [1]


def test_every_shard_has_a_row_of_totals(tmp_path: Path) -> None:
    total = sound(tmp_path).tables().corpus.iloc[0]
    rows = pd.read_parquet(tmp_path / "gate" / TOTALS_FILE)
    assert rows["shard"].tolist() == ["00000-000", "00001-000", "00002-000"]
    assert [rows[name].sum() for name in ("num_documents", "num_bytes")] == [60, total["num_bytes"]]
    assert rows["num_largest_chars"].max() == total["num_largest_chars"]


def test_statistics_hold_what_was_read_and_what_is_shared(tmp_path: Path) -> None:
    names = write_read(tmp_path, [read_row(0), read_row(1, split="test", num_bytes=80)])
    overlap = Overlap(np.array([False, True]), np.array([0, 60], dtype=np.uint32), np.array([True, False]))
    total, _ = write_statistics(tmp_path, names, [overlap])
    rows = next(read_batches(tmp_path / "statistics"))
    assert list(rows.columns) == list(DocumentRow.__dataclass_fields__)
    assert rows["copied_ratio"].tolist() == [0, 0.75]
    assert (rows["crosses"].tolist(), rows["is_repeated"].tolist()) == ([False, True], [True, False])
    assert (total.num_crossing, total.num_copied, total.num_repeated_ids) == (1, 1, 1)


def test_large_shards_are_divided_and_small_ones_come_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality_tables, "_ROWS_AT_ONCE", 4)
    sizes = [1, 2, 0, 9, 1]
    starts = np.cumsum([0, *sizes])
    shards = [[read_row(int(start) + n) for n in range(size)] for start, size in zip(starts, sizes, strict=False)]
    names = write_read(tmp_path, *shards)
    total, _ = write_statistics(tmp_path, names, [Overlap.none(size) for size in sizes])
    batches = list(read_batches(tmp_path / "statistics"))
    assert total.num_documents == 13
    assert max(map(len, batches)) == 4
    assert [int(name, 16) for rows in batches for name in rows["id"]] == list(range(13))


def test_without_documents_there_is_one_table_without_rows(tmp_path: Path) -> None:
    names = write_read(tmp_path, [])
    total, counts = write_statistics(tmp_path, names, [Overlap.none(0)])
    batches = list(read_batches(tmp_path / "statistics"))
    assert [len(rows) for rows in batches] == [0]
    assert list(batches[0].columns) == list(DocumentRow.__dataclass_fields__)
    assert (total, median(counts.documents_by_length)) == (Totals(), 0)


def test_a_missing_value_is_counted() -> None:
    rows = pd.DataFrame([vars_of(read_row(0)), vars_of(read_row(1, lang=None))])
    assert totals_of(rows).num_missing == 1


def vars_of(row: ReadRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in ReadRow.__dataclass_fields__} | {
        "crosses": False, "copied_ratio": 0.0, "is_repeated": False
    }  # fmt: skip


def test_languages_that_are_expected_and_those_that_are_found_have_a_row() -> None:
    counts = Counts(bytes_by_language=Counter(en=60, zh=40), documents_by_language=Counter(en=1, zh=1))
    rows = {row["lang"]: row["deviation_ratio"] for row in language_rows(counts, {"en": 0.5, "fr": 0.5})}
    assert rows == pytest.approx({"en": 0.1, "fr": 0.5, "zh": 0.4})


@given(st.lists(st.integers(1, 50), min_size=1))
def test_the_median_is_that_of_all_numbers(numbers: list[int]) -> None:
    assert median(Counter(numbers)) == plain_median(numbers)


@given(st.lists(st.lists(st.integers(0, 60_000), max_size=4), max_size=5))
def test_the_totals_of_shards_add_up_to_those_of_all_documents(shards: list[list[int]]) -> None:
    def table(sizes: list[int]) -> pd.DataFrame:
        columns = list(DocumentRow.__dataclass_fields__)
        return pd.DataFrame([vars_of(read_row(0, num_chars=size)) for size in sizes], columns=columns)

    total = sum((totals_of(table(sizes)) for sizes in shards if sizes), Totals())
    numbers = [size for sizes in shards for size in sizes]
    assert total == (totals_of(table(numbers)) if numbers else Totals())
