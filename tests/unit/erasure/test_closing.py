"""When a request is answered: a finished run without the documents, and nobody in service who saw them."""

import shutil
from datetime import date

import pytest

from gptmodel.erasure.closing import answer_of, versions_that_saw
from gptmodel.erasure.matching import match_document
from gptmodel.erasure.purging import purge
from gptmodel.erasure.requests import ErasureRequest
from gptmodel.keys import key_id
from tests.unit.erasure.home import ASKED, KEY, SmallHome

DAY = date(2026, 11, 20)
OLD, FRESH = "models:/gpt/1", "models:/gpt/2"


def request_for(home: SmallHome, name: str = ASKED) -> ErasureRequest:
    matched = match_document(home.store, KEY, home.id(name))
    seen = versions_that_saw(home.store, matched.all_documents)
    return ErasureRequest(
        id="R-1", opened=DAY, asked_by="document", key_id=key_id(KEY), documents=tuple(sorted(matched.marks.documents)),
        texts=tuple(sorted(matched.marks.texts)), versions=tuple(f"models:/{one.name}/{one.version}" for one in seen),
    )  # fmt: skip


def test_a_version_that_held_a_duplicate_saw_the_document(seen_home: SmallHome) -> None:
    matched = match_document(seen_home.store, KEY, seen_home.id(ASKED))
    assert versions_that_saw(seen_home.store, matched.all_documents)[0].version == 1


def test_before_a_run_it_stays_open_and_says_why(seen_home: SmallHome) -> None:
    answer = answer_of(seen_home.store, KEY, request_for(seen_home), lambda name: OLD, DAY)
    assert answer.closing is None
    assert "gptmodel run" in answer.reasons[0]
    assert f"{OLD} is in service and saw them" in answer.reasons[1]


@pytest.fixture(scope="module")
def answered_home(seen_home: SmallHome, tmp_path_factory: pytest.TempPathFactory) -> SmallHome:
    """A home in which a second run left the documents out."""
    root = tmp_path_factory.mktemp("answered") / "home"
    shutil.copytree(seen_home.root, root)
    home = SmallHome(root)
    home.run([request_for(home)], version=2)
    return home


def test_after_a_run_without_them_and_with_a_fresh_champion_it_is_answered(answered_home: SmallHome) -> None:
    request = request_for(answered_home)
    answer = answer_of(answered_home.store, KEY, request, lambda name: FRESH, DAY)
    assert answer.closing is not None
    assert answer.closing.champion == FRESH
    ingest = answered_home.store.find("ingest", answer.closing.ingest)
    assert ingest is not None
    assert ingest.inputs["erasure:R-1"] == request.digest


@pytest.mark.parametrize(
    ("champion", "words"),
    [(OLD, "is in service and saw them"), (None, "no MLflow server"), ("models:/gpt/9", "not made in this home")],
)
def test_after_a_run_it_stays_open_while_who_serves_saw_them_or_is_not_known(
    answered_home: SmallHome, champion: str | None, words: str
) -> None:
    answer = answer_of(answered_home.store, KEY, request_for(answered_home), lambda name: champion, DAY)
    assert answer.closing is None
    assert [words in reason for reason in answer.reasons] == [True]


def test_a_version_in_service_whose_outputs_were_deleted_keeps_it_open(answered_home: SmallHome) -> None:
    old = "models:/old/3"
    request = request_for(answered_home).model_copy(update={"versions": (OLD, old)})
    serving = {"gpt": FRESH, "old": old}
    answer = answer_of(answered_home.store, KEY, request, lambda name: serving[name], DAY)
    assert answer.closing is None
    assert f"{old} is in service and saw them" in answer.reasons[0]


def test_nobody_in_service_is_nobody_who_saw_them(answered_home: SmallHome) -> None:
    assert answer_of(answered_home.store, KEY, request_for(answered_home), lambda name: "", DAY).closing is not None


def test_a_version_that_came_out_the_same_without_them_holds_nothing_of_them(home: SmallHome) -> None:
    request = request_for(home)
    home.run([request], version=1)
    assert answer_of(home.store, KEY, request, lambda name: OLD, DAY).closing is not None


def test_the_answer_holds_after_a_purge(home: SmallHome) -> None:
    request = request_for(home)
    purge(home.store, match_document(home.store, KEY, home.id(ASKED)).all_documents, request.id, DAY)
    assert answer_of(home.store, KEY, request, lambda name: OLD, DAY).closing is None
    home.run([request], version=2)
    assert answer_of(home.store, KEY, request, lambda name: FRESH, DAY).closing is not None
