"""What became of the documents that a question means, in a home with two versions."""

from pathlib import Path

import pytest

from gptmodel.lineage.documents import Sighting
from gptmodel.lineage.questions import Answer, ask_document, ask_source, ask_text
from tests.unit.corpus.known import prose
from tests.unit.erasure.home import ASKED, COPY, KEY, LONG, NEAR, SHORT, SmallHome
from tests.unit.lineage.conftest import ADDED, EDITED, REMOVED


def only(answer: Answer) -> Sighting:
    [found] = answer.documents
    return found


def versions(one: Sighting) -> list[int]:
    return [seen.version for seen in one.versions]


def test_a_document_that_both_versions_read_names_both(retrained: SmallHome) -> None:
    one = only(ask_document(retrained.store, retrained.id("0.txt")))
    assert (one.source, one.status in ("trained", "held out"), versions(one)) == ("notes", True, [1, 2])


def test_a_duplicate_says_which_document_is_kept_in_its_place(retrained: SmallHome) -> None:
    answers = [ask_document(retrained.store, retrained.id(name)) for name in (ASKED, COPY)]
    [kept, dropped] = sorted(answers, key=lambda answer: only(answer).status == "dropped")
    account = dropped.account_of(only(dropped).id)
    assert account is not None
    assert (account.stage, account.reason, account.cluster) == ("deduplicate", "exact", only(kept).id)


def test_what_cleaning_dropped_has_its_reason(retrained: SmallHome) -> None:
    answer = ask_document(retrained.store, retrained.id(SHORT))
    account = answer.account_of(only(answer).id)
    assert account is not None
    assert (only(answer).status, account.stage) == ("dropped", "clean")
    assert (account.reason, account.path) == (only(answer).drop_reason, SHORT)


def test_the_parts_of_a_text_are_told_one_by_one_and_together(retrained: SmallHome) -> None:
    whole = ask_document(retrained.store, retrained.id(LONG))
    ids = [one.id for one in whole.documents]
    assert len(ids) > 1
    assert [account.id for account in whole.accounts] == ids
    assert [one.id for one in ask_document(retrained.store, ids[0]).documents] == ids[:1]


def test_an_unknown_document_is_unknown_and_has_no_account(retrained: SmallHome) -> None:
    answer = ask_document(retrained.store, "f" * 32)
    assert (only(answer).status, answer.accounts) == ("unknown", ())


def test_a_text_is_found_under_any_name(retrained: SmallHome, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text(prose(50).upper())
    answer = ask_text(retrained.store, KEY, tmp_path / "other.txt")
    assert {one.id for one in answer.documents} == {retrained.id(ASKED), retrained.id(COPY)}
    assert set(answer.paths.values()) == {ASKED, COPY}


@pytest.mark.parametrize(("seed", "seen"), [(3, [1]), (71, [2])])
def test_of_an_edited_document_only_the_version_that_read_these_words_counts(
    retrained: SmallHome, tmp_path: Path, seed: int, seen: list[int]
) -> None:
    (tmp_path / "words.txt").write_text(prose(seed))
    one = only(ask_text(retrained.store, KEY, tmp_path / "words.txt"))
    assert (one.id, versions(one)) == (retrained.id(EDITED), seen)


def test_a_text_that_nobody_read_matches_nothing(retrained: SmallHome, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("Words that no source holds.")
    assert ask_text(retrained.store, KEY, tmp_path / "words.txt") == Answer((), {})


@pytest.mark.parametrize("uri", ["{texts}/" + ADDED, ADDED, f"notes/{ADDED}"])
def test_a_file_is_found_by_its_path_whole_or_within_its_source(retrained: SmallHome, uri: str) -> None:
    one = only(ask_source(retrained.store, uri.format(texts=retrained.texts)))
    assert (one.id, versions(one)) == (retrained.id(ADDED), [2])


def test_a_source_stands_for_all_that_ever_came_from_it(retrained: SmallHome) -> None:
    answer = ask_source(retrained.store, "notes")
    assert answer.paths[retrained.id(REMOVED)] == REMOVED
    removed = next(one for one in answer.documents if one.id == retrained.id(REMOVED))
    assert versions(removed) == [1]
    assert {retrained.id(NEAR), f"{retrained.id(LONG)}.1"} <= {one.id for one in answer.documents}


def test_what_could_not_be_read_is_quarantined(tmp_path: Path) -> None:
    home = SmallHome(tmp_path)
    (home.texts / "broken.txt").write_bytes(bytes(range(256)) * 20)
    home.run()
    [row] = ask_source(home.store, "broken.txt").quarantined
    assert (row.path, row.reason) == ("broken.txt", "binary")
    assert ask_source(home.store, "notes/broken.txt").quarantined == (row,)
    assert ask_source(home.store, "notes").quarantined == (row,)


def test_a_path_in_a_source_is_found_from_within_another(retrained: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(retrained.texts)
    inside = only(ask_source(retrained.store, ADDED))
    assert only(ask_source(retrained.store, f"notes/{ADDED}")) == inside


def test_a_path_through_a_link_is_that_of_the_file(retrained: SmallHome, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(retrained.texts)
    assert ask_source(retrained.store, f"{tmp_path}/link/{ADDED}") == ask_source(retrained.store, ADDED)
