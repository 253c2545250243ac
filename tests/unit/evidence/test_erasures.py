"""How an erasure request and a version belong together."""

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from gptmodel.erasure.matching import match_document
from gptmodel.erasure.requests import ErasureRequest
from gptmodel.evidence.erasures import erasures_of
from gptmodel.keys import key_id
from gptmodel.lineage.ancestry import trace
from gptmodel.lineage.versions import list_versions
from tests.unit.erasure.home import ASKED, SHORT, SmallHome


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> SmallHome:
    """A home with a version that saw a document, and one that was made without it."""
    home = SmallHome(tmp_path_factory.mktemp("erasures"))
    home.run()
    home.run([request_for(home, ASKED)], version=2)
    return home


def request_for(home: SmallHome, name: str, versions: tuple[str, ...] = ()) -> ErasureRequest:
    marks = match_document(home.store, home.key, home.id(name)).marks
    return ErasureRequest(
        id="R-1", opened=date(2030, 1, 1), asked_by="document", key_id=key_id(home.key),
        documents=tuple(sorted(marks.documents)), texts=tuple(sorted(marks.texts)), num_documents=1, versions=versions,
    )  # fmt: skip


def relation(home: SmallHome, request: ErasureRequest, number: int, key: bytes | None) -> str:
    version = next(one for one in list_versions(home.store) if one.version == number)
    ingest = trace(home.store, version).stage("ingest")
    inputs: Mapping[str, str] = ingest.inputs if ingest else {}
    [proof] = erasures_of(home.store, key, [request], version, inputs)
    return proof.relation


def test_a_version_saw_the_documents_or_was_made_without_them(seen: SmallHome) -> None:
    request = request_for(seen, ASKED)
    assert [relation(seen, request, number, seen.key) for number in (1, 2)] == ["saw", "left out"]


def test_a_document_that_was_dropped_was_not_seen(seen: SmallHome) -> None:
    assert relation(seen, request_for(seen, SHORT), 1, seen.key) == "did not see"


@pytest.mark.parametrize("key", [None, b"the key of another home"])
def test_without_the_requests_key_only_what_it_remembers_is_known(seen: SmallHome, key: bytes | None) -> None:
    assert relation(seen, request_for(seen, ASKED), 1, key) == "may have seen"
    assert relation(seen, request_for(seen, ASKED, ("models:/gpt/1",)), 1, key) == "saw"


def test_where_the_tables_are_gone_it_may_have_seen_them(seen: SmallHome, tmp_path: Path) -> None:
    shutil.copytree(seen.root, tmp_path / "home")
    home = SmallHome(tmp_path / "home")
    request = request_for(home, ASKED)
    shutil.rmtree(home.store.root / "split")
    assert relation(home, request, 1, home.key) == "may have seen"
