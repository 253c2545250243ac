"""Which documents a request means: by id, place or text, with their clusters, divided texts whole."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from gptmodel.corpus.sources.forgetting import TEXTS_DIR, document_mark, place_mark
from gptmodel.erasure.matching import match_document, match_request, match_source, match_text
from gptmodel.erasure.requests import ErasureRequest
from gptmodel.errors import ConfigError, SourceError
from gptmodel.keys import key_id
from gptmodel.lineage.asked import find_source
from tests.unit.erasure.home import ASKED, COPY, KEY, LONG, NEAR, SHORT, SmallHome


def test_a_document_is_matched_with_its_copies_and_near_duplicates(seen_home: SmallHome) -> None:
    matched = match_document(seen_home.store, KEY, seen_home.id(ASKED))
    assert matched.documents == (seen_home.id(ASKED),)
    assert set(matched.duplicates) == {seen_home.id(COPY), seen_home.id(NEAR)}
    assert matched.marks.documents == {document_mark(KEY, seen_home.id(name)) for name in (ASKED, COPY, NEAR)}
    assert len(matched.marks.texts) == 2


def test_the_id_of_a_part_stands_for_the_whole_text(seen_home: SmallHome) -> None:
    assert match_document(seen_home.store, KEY, f"{seen_home.id(LONG)}.2").documents == (seen_home.id(LONG),)


def test_a_document_that_cleaning_dropped_is_matched_too(seen_home: SmallHome) -> None:
    assert match_document(seen_home.store, KEY, seen_home.id(SHORT)).documents == (seen_home.id(SHORT),)


def test_a_copy_of_a_document_that_cleaning_dropped_is_a_duplicate(home: SmallHome) -> None:
    shutil.copyfile(home.texts / SHORT, home.texts / "short-copy.txt")
    home.run(version=2)
    assert match_document(home.store, KEY, home.id(SHORT)).duplicates == (home.id("short-copy.txt"),)


def test_an_unknown_document_matches_nothing_and_leaves_no_mark(seen_home: SmallHome) -> None:
    matched = match_document(seen_home.store, KEY, "0" * 32)
    assert not matched.documents
    assert not matched.marks


def test_a_request_is_matched_by_its_marks_also_where_only_tables_of_ids_are_left(home: SmallHome) -> None:
    matched = match_document(home.store, KEY, home.id(ASKED))
    request = ErasureRequest(
        id="R-1", opened=date(2026, 11, 24), asked_by="document", key_id=key_id(KEY),
        documents=tuple(sorted(matched.marks.documents)), texts=tuple(sorted(matched.marks.texts)),
    )  # fmt: skip
    assert match_request(home.store, KEY, request).all_documents == matched.all_documents
    for index in home.store.root.glob(f"ingest/*/{TEXTS_DIR}/*.parquet"):
        index.unlink()
    assert match_request(home.store, KEY, request).all_documents == matched.all_documents


def test_a_text_is_matched_under_any_name_and_with_its_near_duplicates(seen_home: SmallHome, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.md").write_text((seen_home.texts / ASKED).read_text().upper() + "\n\n")
    matched = match_text(seen_home.store, KEY, tmp_path / "elsewhere.md")
    assert set(matched.documents) == {seen_home.id(ASKED), seen_home.id(COPY)}
    assert matched.duplicates == (seen_home.id(NEAR),)


def test_a_text_that_is_not_there_leaves_a_mark_for_when_it_comes(seen_home: SmallHome, tmp_path: Path) -> None:
    (tmp_path / "unknown.txt").write_text("Nobody has this yet.")
    matched = match_text(seen_home.store, KEY, tmp_path / "unknown.txt")
    assert not matched.documents
    assert len(matched.marks.texts) == 1


def test_a_file_without_text_is_refused_in_words(seen_home: SmallHome, tmp_path: Path) -> None:
    (tmp_path / "blank.txt").write_text(" \n")
    with pytest.raises(SourceError, match="no text"):
        match_text(seen_home.store, KEY, tmp_path / "blank.txt")


def test_a_whole_source_is_matched_by_name_or_path(seen_home: SmallHome) -> None:
    for uri in ("notes", str(seen_home.texts)):
        assert find_source(seen_home.store, uri)[0] == [("notes", "")]
    assert len(match_source(seen_home.store, KEY, "notes").documents) == 17


@pytest.mark.parametrize("is_absolute", [True, False])
def test_a_file_of_a_source_is_matched_by_its_path(seen_home: SmallHome, is_absolute: bool) -> None:
    matched = match_source(seen_home.store, KEY, str(seen_home.texts / LONG) if is_absolute else LONG)
    assert matched.documents == (seen_home.id(LONG),)
    assert matched.marks.places == {place_mark(KEY, "notes", LONG)}


def test_a_pattern_is_refused_since_it_would_leave_nothing_out(seen_home: SmallHome) -> None:
    with pytest.raises(ConfigError, match="a pattern"):
        match_source(seen_home.store, KEY, str(seen_home.texts / "*.txt"))


def test_a_folder_that_nothing_lies_in_yet_leaves_a_mark(seen_home: SmallHome) -> None:
    matched = match_source(seen_home.store, KEY, str(seen_home.texts / "people"))
    assert not matched.documents
    assert matched.marks.places == {place_mark(KEY, "notes", "people")}


def test_nothing_shows_a_key_or_a_text(seen_home: SmallHome) -> None:
    assert KEY.decode() not in repr(match_document(seen_home.store, KEY, seen_home.id(ASKED)))
