"""The review sheet: drawn fairly and reproducibly, and its result held against it."""

import json
import stat
from collections import Counter
from pathlib import Path

import pytest

from gptmodel.corpus.documents import Document, document_id, shard_path, write_shard
from gptmodel.errors import ConfigError, StoreError
from gptmodel.intervals import upper_bound
from gptmodel.review import PASSAGE_CHARS, Review, Sheet, make_sheet, pages_showing, review_of, take_result
from gptmodel.store import Output

OUTPUT = Output(
    stage="scrub", fingerprint="f" * 32, digest="d" * 64,
    result={"kinds_searched": ["EMAIL", "PERSON"], "kinds_not_searched": ["ADDRESS"]},
)  # fmt: skip


def documents(text: str = "write to <EMAIL> about the garden, not to <PERSON>. ") -> list[Document]:
    made = [
        Document(document_id(source, f"{number}.txt", "1"), source, f"{number}.txt", f"{number} {text * 30}", "en")
        for source, count in (("mail", 6), ("notes", 2))
        for number in range(count)
    ]
    return [*made, Document("e" * 32, "planted", "x.txt", "a phrase", "en", "in_clear")]


def scrubbed(folder: Path, text: str | None = None, *, backwards: bool = False) -> Path:
    rows = documents(text) if text else documents()
    rows = rows[::-1] if backwards else rows
    write_shard(shard_path(folder / "scrub", 0), rows[:5])
    write_shard(shard_path(folder / "scrub", 1), rows[5:])
    return folder / "scrub"


def sheet_of(folder: Path, size: int = 12, seed: int = 0) -> tuple[Sheet, Path]:
    return make_sheet(folder / "reviews", OUTPUT, scrubbed(folder), size=size, seed=seed)


def saved(folder: Path, sheet: Sheet, **fields: object) -> Path:
    path = folder / "result.json"
    path.write_text(json.dumps({"sheet": sheet.id, "num_read": len(sheet.places), "missed": []} | fields))
    return path


def test_the_order_of_the_documents_makes_no_difference(tmp_path: Path) -> None:
    one, page = sheet_of(tmp_path / "one")
    two, other = make_sheet(tmp_path / "two", OUTPUT, scrubbed(tmp_path / "two", backwards=True), size=12)
    assert one == two
    assert page.read_bytes() == other.read_bytes()


def test_another_seed_draws_other_passages(tmp_path: Path) -> None:
    places = [set(sheet_of(tmp_path / str(seed), seed=seed)[0].places) for seed in (0, 1)]
    assert places[0] != places[1]


def test_every_passage_can_be_drawn_once(tmp_path: Path) -> None:
    sheet, _ = sheet_of(tmp_path, size=10_000)
    lengths = [len(one.text) for one in documents() if not one.planted]
    assert len(set(sheet.places)) == len(sheet.places) == sheet.num_population
    assert sheet.num_population == sum(-(-length // PASSAGE_CHARS) for length in lengths)


def test_each_source_has_its_share_and_planted_phrases_none(tmp_path: Path) -> None:
    sheet, _ = sheet_of(tmp_path, size=20)
    assert Counter(place.source for place in sheet.places) == {"mail": 15, "notes": 5}


def test_sheet_and_evidence_are_the_owners_alone(tmp_path: Path) -> None:
    sheet, page = sheet_of(tmp_path)
    take_result(tmp_path / "reviews", saved(tmp_path, sheet))
    files = [path for path in page.parent.iterdir() if path.is_file()]
    assert len(files) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_the_records_hold_no_text(tmp_path: Path) -> None:
    sheet, page = sheet_of(tmp_path)
    take_result(tmp_path / "reviews", saved(tmp_path, sheet))
    assert not any("garden" in path.read_text() for path in page.parent.glob("*.json"))
    assert "garden" in page.read_text()


def test_the_result_is_a_count_with_its_upper_bound(tmp_path: Path) -> None:
    sheet, _ = sheet_of(tmp_path, size=20)
    missed = [{"passage": 7, "kind": "PERSON"}, {"passage": 2, "kind": "EMAIL"}]
    review = take_result(tmp_path / "reviews", saved(tmp_path, sheet, missed=missed, num_read=10))
    assert review.upper_bound == upper_bound(2, 10)
    assert review.missed == (sheet.places[1], sheet.places[6])
    assert review.sentence == "2 missed in 10 passages, 95 % upper bound 50.7 % (EMAIL 1, PERSON 1)"


def test_three_missed_in_four_hundred() -> None:
    review = Review.model_construct(num_missed=3, num_read=400, upper_bound=upper_bound(3, 400), missed_by_kind={})
    assert review.sentence == "3 missed in 400 passages, 95 % upper bound 1.9 %"


def test_the_evidence_belongs_to_one_scrubbed_text(tmp_path: Path) -> None:
    sheet, _ = sheet_of(tmp_path)
    assert review_of(tmp_path / "reviews", OUTPUT.digest) is None
    review = take_result(tmp_path / "reviews", saved(tmp_path, sheet))
    assert review_of(tmp_path / "reviews", OUTPUT.digest) == review
    assert review_of(tmp_path / "reviews", "c" * 64) is None


def test_of_two_people_the_one_who_read_more_counts(tmp_path: Path) -> None:
    sheet, _ = sheet_of(tmp_path)
    missed = [{"passage": 1, "kind": "EMAIL"}]
    take_result(tmp_path / "reviews", saved(tmp_path, sheet, num_read=3, reviewer="A"))
    more = take_result(tmp_path / "reviews", saved(tmp_path, sheet, num_read=9, missed=missed, reviewer="B"))
    assert review_of(tmp_path / "reviews", OUTPUT.digest) == more


@pytest.mark.parametrize(
    "fields",
    [
        {"num_read": 13},
        {"num_read": 3, "missed": [{"passage": 4, "kind": "EMAIL"}]},
        {"missed": [{"passage": 0, "kind": "EMAIL"}]},
        {"missed": [{"passage": 2, "kind": "EMAIL"}, {"passage": 2, "kind": "PERSON"}]},
    ],
)
def test_a_result_that_does_not_fit_its_sheet_is_refused(tmp_path: Path, fields: dict[str, object]) -> None:
    sheet, _ = sheet_of(tmp_path)
    with pytest.raises(ConfigError, match="a result of the sheet's 12 passages"):
        take_result(tmp_path / "reviews", saved(tmp_path, sheet, **fields))


@pytest.mark.parametrize("fields", [{"num_read": 0}, {"text": "no text may enter"}, {"reviewer": "x" * 81}])
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, fields: dict[str, object]) -> None:
    sheet, _ = sheet_of(tmp_path)
    with pytest.raises(ConfigError, match="a result saved by a review sheet"):
        take_result(tmp_path / "reviews", saved(tmp_path, sheet, **fields))


def test_a_sheet_of_another_home_is_refused(tmp_path: Path) -> None:
    sheet, _ = sheet_of(tmp_path)
    path = saved(tmp_path, sheet)
    with pytest.raises(ConfigError, match="a sheet of this home"):
        take_result(tmp_path / "elsewhere", path)


def test_without_text_there_is_no_sheet(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="scrubbed text to draw passages from"):
        make_sheet(tmp_path / "reviews", OUTPUT, tmp_path / "nothing", size=5)


def test_the_pages_that_show_a_document_are_found_for_its_erasure(tmp_path: Path) -> None:
    sheet, page = sheet_of(tmp_path, size=3)
    drawn = {place.document for place in sheet.places}
    others = {one.id for one in documents()} - drawn
    assert pages_showing(tmp_path / "reviews", drawn) == [page]
    assert pages_showing(tmp_path / "reviews", others) == []
