"""Versions and documents looked up in a store of small outputs, made by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

from gptmodel.corpus.rules import Dropped
from gptmodel.corpus.sources.forgetting import ForgottenRow
from gptmodel.corpus.split_table import SPLIT_DIR
from gptmodel.corpus.table_names import LEFT_OUT_DIR
from gptmodel.errors import StoreError
from gptmodel.lineage.documents import SeenBy, Sighting, sightings
from gptmodel.lineage.versions import list_versions
from tests.unit.house import A, B, C, D, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def only(house: House, name: str) -> Sighting:
    [found] = sightings(house.store, [name])
    return found


def test_a_document_names_every_version_that_saw_it(house: House) -> None:
    first = house.corpus({A: "train", B: "test"})
    second = house.corpus({A: "train", B: "train", C: "validation"})
    for number, split in enumerate((first, first, second), 1):
        house.version(split, number)
    assert only(house, B).versions == (SeenBy("gpt", 1, "test"), SeenBy("gpt", 2, "test"), SeenBy("gpt", 3, "train"))
    assert [(one.id, one.status, len(one.versions)) for one in sightings(house.store, [C, A, B])] == [
        (A, "trained", 3), (B, "trained", 3), (C, "held out", 1)
    ]  # fmt: skip


def test_a_document_that_was_left_out_has_its_reason(house: House) -> None:
    house.version(house.corpus({A: "train"}, {B: "exact"}, dropped=[C]), 1)
    found = {one.id: (one.status, one.drop_reason, one.versions) for one in sightings(house.store, [B, C])}
    assert found == {B: ("dropped", "exact", ()), C: ("dropped", "too short", ())}


def test_a_document_that_scrubbing_left_out_has_its_reason(house: House) -> None:
    house.put("scrub", [], **{LEFT_OUT_DIR: [Dropped(A, "notes", "a.txt", "holds IBAN", 3)]})
    assert (only(house, A).status, only(house, A).drop_reason) == ("dropped", "holds IBAN")


def test_a_document_of_a_corpus_without_a_version_is_kept(house: House) -> None:
    house.corpus({A: "train"})
    assert (only(house, A).status, only(house, A).split, only(house, A).source) == ("kept", "train", "notes")


def test_a_document_that_a_version_saw_and_a_later_corpus_dropped_is_trained(house: House) -> None:
    house.version(house.corpus({A: "train", B: "train"}), 1)
    house.version(house.corpus({A: "train"}, {B: "near"}), 2)
    assert (only(house, B).status, only(house, B).versions) == ("trained", (SeenBy("gpt", 1, "train"),))


def test_an_unknown_document_is_unknown(house: House) -> None:
    house.version(house.corpus({A: "train"}), 1)
    assert only(house, D) == Sighting(D)


def test_the_id_of_a_divided_text_stands_for_its_parts(house: House) -> None:
    house.version(house.corpus({f"{A}.1": "train", f"{A}.2": "train", B: "test"}), 1)
    assert [one.id for one in sightings(house.store, [A])] == [f"{A}.1", f"{A}.2"]
    assert [one.id for one in sightings(house.store, [f"{A}.2"])] == [f"{A}.2"]


def test_a_version_whose_tables_were_deleted_may_have_seen_any_document(house: House) -> None:
    gone = house.corpus({A: "train"})
    house.version(gone, 1)
    house.version(house.corpus({B: "test"}), 2)
    (house.store.path_of(gone) / SPLIT_DIR / "00000-000.parquet").unlink()
    assert (only(house, D).status, only(house, D).versions) == ("unknown", (SeenBy("gpt", 1, "unknown"),))
    assert only(house, B).status == "held out"
    assert only(house, B).versions == (SeenBy("gpt", 1, "unknown"), SeenBy("gpt", 2, "test"))


def test_a_table_that_can_not_be_read_is_an_error_that_says_what_to_do(house: House) -> None:
    split = house.corpus({A: "train"})
    (house.store.path_of(split) / SPLIT_DIR / "00000-000.parquet").write_bytes(b"PAR1 cut")
    with pytest.raises(StoreError, match="--force split"):
        sightings(house.store, [A])


def test_an_empty_store_has_no_versions(house: House) -> None:
    assert list_versions(house.store) == []
    assert only(house, A) == Sighting(A)


def test_looking_up_needs_neither_mlflow_nor_torch() -> None:
    code = (
        "import pathlib, sys; from gptmodel.lineage.documents import *; from gptmodel.store import Store;"
        "sightings(Store(pathlib.Path('nowhere')), ['a']);"
        "print({'torch', 'mlflow', 'prefect'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "set()"


def test_a_document_that_the_newest_ingest_left_out_is_forgotten_unless_a_version_saw_it(house: House) -> None:
    house.version(house.corpus({B: "train"}), 1)
    house.put("ingest", [], forgotten=[ForgottenRow(A, "notes"), ForgottenRow(B, "notes")])
    assert only(house, A).status == "forgotten"
    assert only(house, B).status == "trained"
