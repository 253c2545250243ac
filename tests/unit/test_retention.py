"""Raw text goes once scrubbing is done, whoever left it; what may stay, stays."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from gptmodel.retention import delete_raw_text
from gptmodel.store import Output, Store, seal


class Account(BaseModel):
    num_documents: int = 1


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def commit(store: Store, stage: str, letter: str, *, personal_data: str = "unknown", ingest: str = "") -> Output:
    address = letter * 32
    with store.writing(stage, address, {}) as work:
        (work.path / "shards").mkdir()
        (work.path / "shards" / "a").write_text(f"raw text {letter}")
        section = {"corpus": {"sources": [{"name": "a", "personal_data": personal_data}]}} if stage == "ingest" else {}
        inputs = {"ingest": ingest} if ingest else {}
        return store.commit(work, seal(work, stage=stage, fingerprint=address, code_version="c", section=section,
                                       inputs=inputs, result=Account()))  # fmt: skip


def texts(store: Store) -> list[str]:
    return sorted(path.read_text() for path in store.root.glob("*/*/shards/*"))


def test_raw_text_of_every_earlier_run_is_deleted(store: Store) -> None:
    for letter in "ab":
        ingest = commit(store, "ingest", letter)
        commit(store, "clean", letter, ingest=ingest.digest)
    assert delete_raw_text(store) > 0
    assert texts(store) == []
    assert len(store.manifests("ingest")) == 2


def test_text_of_sources_without_personal_data_stays_through_all_stages(store: Store) -> None:
    ingest = commit(store, "ingest", "a", personal_data="no")
    commit(store, "clean", "a", ingest=ingest.digest)
    delete_raw_text(store)
    assert texts(store) == ["raw text a", "raw text a"]


def test_cleaned_text_of_an_unknown_ingest_is_deleted(store: Store) -> None:
    commit(store, "clean", "a", ingest="gone")
    delete_raw_text(store)
    assert texts(store) == []


def test_what_an_interrupted_attempt_left_is_deleted(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing("clean", "c" * 32, {}) as work:
        (work.path / "text").write_text("raw")
        raise RuntimeError
    delete_raw_text(store)
    assert not list((store.root / "clean").glob("*.partial"))


def test_what_another_process_is_writing_is_left_alone(store: Store) -> None:
    with store.writing("clean", "c" * 32, {}) as work:
        (work.path / "text").write_text("raw")
        delete_raw_text(store)
        assert (work.path / "text").read_text() == "raw"


def test_scrubbed_text_is_never_touched(store: Store) -> None:
    commit(store, "scrub", "s")
    delete_raw_text(store)
    assert texts(store) == ["raw text s"]
