"""A version's lineage as one object, over real corpus stages."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gptmodel.corpus.sources.forgetting import FORGOTTEN_DIR, TEXTS_DIR, ForgottenRow, KnownText
from gptmodel.corpus.tables import write_table
from gptmodel.events import Event
from gptmodel.lineage.ancestry import trace
from gptmodel.lineage.raw_files import read_raw_files
from gptmodel.lineage.record import lineage_record
from gptmodel.lineage.versions import list_versions
from gptmodel.store import seal
from tests.unit.erasure.home import ASKED, SmallHome
from tests.unit.house import A, Account, House


def record_of(home: SmallHome, number: int, events: list[Event] | None = None) -> dict[str, Any]:
    ancestry = trace(home.store, list_versions(home.store)[number - 1])
    ingest = ancestry.stage("ingest")
    assert ingest is not None
    return lineage_record(ancestry, read_raw_files(home.store.folder("ingest", ingest.fingerprint)), events or ())


def test_it_names_model_tokens_text_and_sources(retrained: SmallHome) -> None:
    record = record_of(retrained, 2)
    assert {
        "model",
        "mlflow_run_id",
        "flow_run_id",
        "code",
        "config",
        "tokenizer",
        "datasets",
        "sources",
        "parent",
    } <= set(record)
    assert record["model"] == "models:/gpt/2"
    datasets = {row["name"]: row for row in record["datasets"]}
    assert list(datasets) == ["tokens-train", "tokens-validation", "tokens-test", "scrubbed-text"]
    assert datasets["tokens-train"]["digest"] == list_versions(retrained.store)[1].digests["pack"]
    assert [row["path"] for row in datasets["tokens-train"]["files"]] == ["train-00000.bin"]
    assert all(row["path"].startswith("shards/") for row in datasets["scrubbed-text"]["files"])
    assert json.loads(json.dumps(record)) == record


def test_every_raw_file_has_the_digest_of_its_bytes_and_its_documents(retrained: SmallHome) -> None:
    sources = {row["path"]: row for row in record_of(retrained, 2)["sources"]}
    assert set(sources) == {path.name for path in retrained.texts.iterdir()}
    for name, row in sources.items():
        assert row["sha256"] == hashlib.sha256((retrained.texts / name).read_bytes()).hexdigest()
        assert (row["source"], row["num_documents"]) == ("notes", 1)


def test_what_was_read_is_kept_or_dropped(retrained: SmallHome) -> None:
    corpus = record_of(retrained, 1)["corpus"]
    assert corpus["num_documents"] == corpus["num_kept"] + corpus["num_dropped"]
    assert corpus["dropped_by_reason"]["exact"] == 1
    assert sum(corpus["dropped_by_reason"].values()) == corpus["num_dropped"]


def test_events_of_other_versions_are_not_among_its_own(retrained: SmallHome) -> None:
    bare = {"time": "2026-01-01T00:00:00Z", "previous": "", "digest": ""}
    events = [Event(number=number, kind="promoted", subject=f"models:/gpt/{number}", **bare) for number in (1, 2)]
    assert [event["number"] for event in record_of(retrained, 1, events)["events"]] == [1]


def test_what_is_gone_is_null_with_its_digest(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.version(house.corpus({A: "train"}), 1)
    version = list_versions(house.store)[0]
    record = lineage_record(trace(house.store, version), ())
    assert (record["code"], record["config"], record["corpus"], record["parent"]) == (None, None, None, None)
    assert {row["stage"] for row in record["stages"]} == {"clean", "scrub", "deduplicate", "split", "train", "register"}


@pytest.mark.parametrize(("champion", "parent"), [("none", None), ("models:/gpt/4", "models:/gpt/4")])
def test_the_parent_is_the_champion_it_was_first_measured_against(
    tmp_path: Path, champion: str, parent: str | None
) -> None:
    house = House(tmp_path)
    registered = house.version(house.corpus({A: "train"}), 5)
    with house.store.writing("promote", A, {}) as work:
        house.store.commit(work, seal(
            work, stage="promote", fingerprint=A, code_version="", section={},
            inputs={"register": registered.digest, "champion": champion}, result=Account(),
        ))  # fmt: skip
    assert trace(house.store, list_versions(house.store)[0]).parent == parent


def test_an_archive_counts_the_texts_of_its_members(tmp_path: Path) -> None:
    (tmp_path / "listing.json").write_text(json.dumps({"notes": {"a.zip": "1" * 64, "b.txt": "2" * 64}}))
    texts = [
        KnownText(f"{n}" * 32, "notes", path, "") for n, path in enumerate(("a.zip/x.txt", "a.zip/y/z.txt", "b.txt"))
    ]
    write_table(tmp_path / TEXTS_DIR / "00000-1.parquet", KnownText, texts)
    write_table(tmp_path / FORGOTTEN_DIR / "00000.parquet", ForgottenRow, [ForgottenRow("1" * 32, "notes")])
    assert [(file.path, file.num_documents) for file in read_raw_files(tmp_path)] == [("a.zip", 1), ("b.txt", 1)]


def test_without_an_index_nobody_knows_how_many_documents_a_file_gave(tmp_path: Path) -> None:
    (tmp_path / "listing.json").write_text(json.dumps({"notes": {"b.txt": "2" * 64}}))
    assert [file.num_documents for file in read_raw_files(tmp_path)] == [None]
    assert read_raw_files(tmp_path / ASKED) == []
