"""Which documents of a version were erased since it was made."""

import shutil
from datetime import date

import pytest

from gptmodel.corpus.sources.forgetting import TEXTS_DIR
from gptmodel.erasure.matching import match_document, match_source
from gptmodel.erasure.purging import purge
from gptmodel.erasure.requests import ErasureRequest
from gptmodel.erasure.since import erased_since, honoured
from gptmodel.errors import StoreError
from gptmodel.keys import key_id
from gptmodel.store import Manifest
from tests.unit.erasure.home import ASKED, KEY, SHORT, SmallHome

DAY, URI = date(2026, 12, 3), "models:/gpt/1"


def request_for(home: SmallHome, name: str = ASKED, number: int = 7, versions: tuple[str, ...] = ()) -> ErasureRequest:
    matched = match_document(home.store, KEY, home.id(name))
    return ErasureRequest(
        id=f"R-{number}", opened=DAY, asked_by="document", key_id=key_id(KEY), versions=versions,
        documents=tuple(sorted(matched.marks.documents)), texts=tuple(sorted(matched.marks.texts)),
    )  # fmt: skip


def ingest_of(home: SmallHome) -> Manifest:
    return home.store.manifests("ingest")[0]


def numbers(home: SmallHome, ingest: Manifest, *requests: ErasureRequest) -> dict[str, int | None]:
    return {one.request.id: one.num_documents for one in erased_since(home.store, KEY, ingest, URI, requests)}


def test_a_document_and_its_duplicates_were_erased(seen_home: SmallHome) -> None:
    assert numbers(seen_home, ingest_of(seen_home), request_for(seen_home)) == {"R-7": 3}


def test_a_document_that_was_read_and_dropped_counts_too(seen_home: SmallHome) -> None:
    assert numbers(seen_home, ingest_of(seen_home), request_for(seen_home, SHORT)) == {"R-7": 1}


def test_a_request_that_covers_nothing_of_it_stands_in_no_way(seen_home: SmallHome) -> None:
    foreign = ErasureRequest(id="R-8", opened=DAY, asked_by="source", key_id=key_id(KEY), places=("0" * 32,))
    assert numbers(seen_home, ingest_of(seen_home), foreign) == {}


def test_a_version_that_was_made_without_the_documents_can_be_rebuilt(home: SmallHome) -> None:
    request = request_for(home)
    made = home.run([request], version=2)["ingest"]
    ingest = home.store.find("ingest", made.fingerprint)
    assert ingest is not None
    assert numbers(home, ingest, request) == {}
    assert honoured(ingest, [request]) == [request]
    assert numbers(home, ingest, request, request_for(home, SHORT, 9)) == {"R-9": 1}


def test_a_request_that_was_honoured_and_is_gone_is_missed(home: SmallHome) -> None:
    made = home.run([request_for(home)], version=2)["ingest"]
    ingest = home.store.find("ingest", made.fingerprint)
    assert ingest is not None
    with pytest.raises(StoreError, match="no R-7"):
        honoured(ingest, [])


def test_a_purge_does_not_hide_what_was_erased(home: SmallHome) -> None:
    request = request_for(home)
    purge(home.store, match_document(home.store, KEY, home.id(ASKED)).all_documents, request.id, DAY)
    assert numbers(home, ingest_of(home), request) == {"R-7": 3}


def test_a_whole_source_is_erased_with_all_its_documents(seen_home: SmallHome) -> None:
    matched = match_source(seen_home.store, KEY, "notes")
    asked = ErasureRequest(
        id="R-8", opened=DAY, asked_by="source", key_id=key_id(KEY), places=tuple(sorted(matched.marks.places))
    )
    assert numbers(seen_home, ingest_of(seen_home), asked) == {"R-8": 17}


def test_without_its_index_the_request_remembers_which_versions_saw_them(home: SmallHome) -> None:
    ingest = ingest_of(home)
    shutil.rmtree(home.store.folder("ingest", ingest.fingerprint) / TEXTS_DIR)
    assert numbers(home, ingest, request_for(home, versions=(URI,))) == {"R-7": None}
    assert numbers(home, ingest, request_for(home, versions=("models:/gpt/9",))) == {}
