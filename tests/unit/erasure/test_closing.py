"""When a request is answered: a finished run without the documents, and nobody in service who saw them."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from gptmodel.corpus.sources.forgetting import place_mark
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
        texts=tuple(sorted(matched.marks.texts)),
        sources=tuple(place_mark(KEY, source) for source in matched.sources),
        versions=tuple(f"models:/{one.name}/{one.version}" for one in seen),
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
    ingest = answered_home.store.find("ingest", answer.closing.ingests[0])
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
    assert "No finished run of the model old" in answer.reasons[0]
    assert f"{old} is in service and saw them" in answer.reasons[1]


def test_a_run_of_another_model_over_another_source_answers_nothing(home: SmallHome) -> None:
    request = request_for(home)
    home.run([request], version=1, name="poems", source_name="verses")
    answer = answer_of(home.store, KEY, request, lambda name: "", DAY)
    assert answer.closing is None
    assert ["No finished run of the model gpt has left them out yet" in reason for reason in answer.reasons] == [True]


def test_each_model_that_saw_them_must_be_made_again(answered_home: SmallHome, tmp_path: Path) -> None:
    request = request_for(answered_home).model_copy(update={"versions": (OLD, "models:/letters/4")})
    answer = answer_of(answered_home.store, KEY, request, lambda name: "", DAY)
    assert ["the model letters has left them out" in reason for reason in answer.reasons] == [True]
    shutil.copytree(answered_home.root, tmp_path / "home")
    home = SmallHome(tmp_path / "home")
    home.run([request], version=5, name="letters")
    assert answer_of(home.store, KEY, request, lambda name: "", DAY).closing is not None


def test_what_no_version_saw_must_be_left_out_of_its_own_source(home: SmallHome) -> None:
    request = ErasureRequest(
        id="R-1", opened=DAY, asked_by="source", key_id=key_id(KEY), places=(place_mark(KEY, "notes", "people"),),
        sources=(place_mark(KEY, "notes"),),
    )  # fmt: skip
    home.run([request], version=2, name="poems", source_name="verses")
    answer = answer_of(home.store, KEY, request, lambda name: "", DAY)
    assert ["over the source notes has left them out" in reason for reason in answer.reasons] == [True]
    home.run([request], version=3)
    assert answer_of(home.store, KEY, request, lambda name: "", DAY).closing is not None


def test_a_champion_that_saw_them_is_retired_by_the_request(answered_home: SmallHome) -> None:
    [reason] = answer_of(answered_home.store, KEY, request_for(answered_home), lambda name: OLD, DAY).reasons
    assert "gptmodel forget --request R-1 --retire" in reason
    assert reason.endswith("gptmodel run --config ...")


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
