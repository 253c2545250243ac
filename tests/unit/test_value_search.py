"""Values asked for in a store whose corpora are known."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gptmodel.config import CustomFinderConfig
from gptmodel.lineage.documents import SeenBy
from gptmodel.value_search import Holder, Unindexed, ValueAnswer, search_values
from tests.unit.house import UNTESTED, A, B, C, House

KEY = b"k" * 32
ANNA, PHONE = "anna.keller@example.com", "138 0013 8000"
TEXTS = {A: f"Write to {ANNA}.", B: f"电话：{PHONE} or {ANNA}", C: "nothing here"}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, KEY)


def ask(house: House, *values: str) -> ValueAnswer:
    return search_values(house.store, KEY, values)


def holders(house: House, value: str) -> list[tuple[str, tuple[str, ...], tuple[SeenBy, ...]]]:
    [found] = ask(house, value).holders
    return [(holder.sighting.id, holder.kinds, holder.sighting.versions) for holder in found]


def test_a_value_names_its_documents_with_kinds_splits_and_versions(house: House) -> None:
    scrubbed = house.scrubbed(TEXTS)
    house.version(house.split_of(scrubbed, {A: "train", B: "test", C: "train"}), 1)
    assert holders(house, ANNA) == [
        (A, ("EMAIL",), (SeenBy("gpt", 1, "train"),)), (B, ("EMAIL",), (SeenBy("gpt", 1, "test"),))
    ]  # fmt: skip


def test_a_document_has_its_source_and_path(house: House) -> None:
    house.scrubbed(TEXTS)
    [[first, _]] = ask(house, ANNA).holders
    assert (first.path, first.sighting.source) == ("a.txt", "notes")


@pytest.mark.parametrize("written", ["Anna.Keller [at] example [dot] com", "ANNA.KELLER@EXAMPLE.COM", f"mail: {ANNA}"])
def test_a_value_is_found_however_it_is_written(house: House, written: str) -> None:
    house.scrubbed(TEXTS)
    assert [name for name, *_ in holders(house, written)] == [A, B]


def test_a_value_of_the_sites_own_kind_is_found_with_the_words_around_it(house: House) -> None:
    own = CustomFinderConfig(kind="STAFF_NO", pattern=r"MA-(\d{4})")
    house.scrubbed({A: "staff no MA-7712", B: "nothing"}, UNTESTED.model_copy(update={"custom": (own,)}))
    assert [name for name, *_ in holders(house, "MA-7712")] == [name for name, *_ in holders(house, "7712")] == [A]


def test_each_value_has_an_answer_of_its_own_in_their_order(house: House) -> None:
    house.scrubbed(TEXTS)
    answers = ask(house, "eve@example.com", "+86 13800138000", ANNA).holders
    assert [[holder.sighting.id for holder in found] for found in answers] == [[], [B], [A, B]]


def test_a_document_of_several_corpora_is_named_once(house: House) -> None:
    house.scrubbed(TEXTS)
    house.scrubbed({**TEXTS, C: "something else"})
    assert [name for name, *_ in holders(house, PHONE)] == [B]
    assert ask(house, PHONE).num_outputs == 2


def test_a_version_that_saw_another_edition_of_the_document_did_not_see_the_value(house: House) -> None:
    with_value = house.scrubbed(TEXTS)
    without = house.scrubbed({**TEXTS, A: "The address is gone."})
    house.version(house.split_of(with_value, {A: "train"}), 1)
    house.version(house.split_of(without, {A: "train"}), 2)
    assert holders(house, ANNA)[0] == (A, ("EMAIL",), (SeenBy("gpt", 1, "train"),))


def test_a_version_that_saw_the_same_words_may_have_seen_the_value_though_its_finders_did_not(house: House) -> None:
    found = house.scrubbed(TEXTS)
    unsearched = house.scrubbed({**TEXTS, C: "changed"}, UNTESTED.model_copy(update={"kinds": ("PHONE",)}))
    house.version(house.split_of(found, {A: "train"}), 1)
    house.version(house.split_of(unsearched, {A: "train"}), 2)
    assert holders(house, ANNA)[0] == (A, ("EMAIL",), (SeenBy("gpt", 1, "train"), SeenBy("gpt", 2, "train")))


def test_the_answer_holds_after_the_text_is_gone(house: House) -> None:
    scrubbed = house.scrubbed(TEXTS)
    house.version(house.split_of(scrubbed, {A: "train", B: "train"}), 1)
    for path in house.store.root.rglob("clean-*"):
        shutil.rmtree(path)
    assert len(holders(house, ANNA)) == 2


def test_an_output_without_an_index_is_named(tmp_path: Path) -> None:
    keyless = House(tmp_path)
    scrubbed = keyless.scrubbed(TEXTS)
    keyless.version(keyless.split_of(scrubbed, {A: "train"}), 1)
    answer = ask(keyless, ANNA)
    assert answer.unindexed == (Unindexed(scrubbed.fingerprint, 1, 1),)
    assert [one.uri for one in answer.unsearched_versions] == ["models:/gpt/1"]


def test_a_version_whose_scrubbed_text_was_deleted_is_named(house: House) -> None:
    scrubbed = house.scrubbed(TEXTS)
    house.version(house.split_of(scrubbed, {A: "train"}), 1)
    shutil.rmtree(house.store.path_of(scrubbed))
    assert [one.uri for one in ask(house, ANNA).unsearched_versions] == ["models:/gpt/1"]


def test_kinds_that_nobody_looked_for_are_named(house: House) -> None:
    house.scrubbed(TEXTS)
    assert "ADDRESS" in ask(house, ANNA).kinds_not_searched


def test_an_answer_holds_no_value(house: House) -> None:
    house.scrubbed(TEXTS)
    answer = ask(house, ANNA)
    assert isinstance(answer.holders[0][0], Holder)
    assert ANNA not in repr(answer)


def test_searching_needs_neither_mlflow_nor_torch(house: House) -> None:
    house.scrubbed(TEXTS)
    code = (
        "import pathlib, sys; from gptmodel.value_search import *; from gptmodel.store import Store;"
        f"print(len(search_values(Store(pathlib.Path({str(house.store.root)!r})), {KEY!r}, [{ANNA!r}]).holders[0]),"
        "{'torch', 'mlflow', 'prefect'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "2 set()"
