"""Requests: small files of keyed hashes, numbered, owner-only, and what ingest and the plan learn of them."""

import threading
from datetime import date
from pathlib import Path

import pytest

from gptmodel.erasure.matching import match_document
from gptmodel.erasure.requests import (
    ErasureRequest,
    input_digests_of,
    marks_of,
    open_request,
    read_request,
    read_requests,
    save_request,
)
from gptmodel.errors import ConfigError, StoreError
from gptmodel.keys import key_id
from tests.unit.erasure.home import ASKED, KEY, SmallHome

DAY = date(2026, 11, 20)


def request(**fields: object) -> ErasureRequest:
    values = {"id": "", "opened": DAY, "asked_by": "document", "key_id": key_id(KEY), "documents": ("m1",)}
    return ErasureRequest.model_validate(values | fields)


def test_requests_are_numbered_and_read_in_order(tmp_path: Path) -> None:
    for _ in range(11):
        open_request(tmp_path / "erasures", request())
    assert [one.id for one in read_requests(tmp_path / "erasures")] == [f"R-{number}" for number in range(1, 12)]


def test_a_request_is_for_its_owner_alone(tmp_path: Path) -> None:
    open_request(tmp_path / "erasures", request())
    assert (tmp_path / "erasures").stat().st_mode & 0o077 == 0
    assert (tmp_path / "erasures" / "R-1.json").stat().st_mode & 0o077 == 0


def test_requests_opened_at_once_get_ids_of_their_own(tmp_path: Path) -> None:
    names: list[str] = []
    threads = [
        threading.Thread(target=lambda: names.append(open_request(tmp_path, request()).id)) for _ in range(8)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(names)) == 8
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_request_holds_no_identity_and_no_name(seen_home: SmallHome) -> None:
    marks = match_document(seen_home.store, KEY, seen_home.id(ASKED)).marks
    text = request(documents=tuple(sorted(marks.documents)), texts=tuple(sorted(marks.texts))).model_dump_json()
    assert seen_home.id(ASKED) not in text
    assert ASKED not in text


def test_without_requests_ingest_has_the_inputs_it_always_had() -> None:
    assert input_digests_of([]) == {}


def test_a_closed_request_still_leaves_its_documents_out(tmp_path: Path) -> None:
    opened = open_request(tmp_path, request())
    closing = {"closed": DAY, "ingests": ["a" * 32], "champion": ""}
    save_request(tmp_path, ErasureRequest.model_validate(opened.model_dump() | {"closing": closing}))
    [closed] = read_requests(tmp_path)
    assert not closed.is_open
    assert marks_of([closed], KEY).documents == {"m1"}
    assert input_digests_of([closed]) == input_digests_of([opened])


def test_its_age_is_counted_in_days() -> None:
    assert request().age_days(date(2026, 12, 2)) == 12


def test_a_request_made_with_another_key_stops_a_run() -> None:
    with pytest.raises(StoreError, match="home.key"):
        marks_of([request()], b"another key of sixteen bytes or more")


def test_a_request_that_cant_be_read_stops_a_run(tmp_path: Path) -> None:
    open_request(tmp_path, request())
    (tmp_path / "R-1.json").write_text("{")
    with pytest.raises(StoreError, match="backup"):
        read_requests(tmp_path)


def test_an_unknown_id_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    open_request(tmp_path, request())
    with pytest.raises(ConfigError, match="R-1"):
        read_request(tmp_path, "R-7")
