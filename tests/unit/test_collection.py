"""What of a store of small outputs nothing needs."""

import os
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from gptmodel.collection import ATTEMPT, LATEST, OUTPUT, REPLACED, REQUESTS, TEXT, VERSIONS, Claims, Survey, survey
from gptmodel.lineage.ancestry import trace
from gptmodel.lineage.documents import sightings
from gptmodel.lineage.versions import list_versions
from gptmodel.parts import Part, make_parts
from gptmodel.store import LAST_USED, NOTES_DIR, Output, Store, damage, seal
from gptmodel.value_search import search_values
from tests.unit.house import A, Account, B, House

DAY = 86_400.0
KEY = b"the key of a home in a test"  # pragma: allowlist secret
VALUE = "anna.keller@example.com"  # pragma: allowlist secret
NOW = time.time()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def look(store: Store, **claims: object) -> Survey:
    return survey(store, Claims(**claims), time.time())  # type: ignore[arg-type]


def going(found: Survey) -> set[tuple[str, str]]:
    return {(one.stage, one.fingerprint) for one in found.leftovers}


def age(house: House, output: Output, days: float) -> None:
    """Make an output so many days old."""
    path = house.store.path_of(output) / "manifest.json"
    os.utime(path, (NOW - days * DAY,) * 2)


def let_a_day_pass(house: House) -> None:
    """Make every output a day older, so that what is made later is newer however fast the machine is."""
    for path in house.store.root.glob("*/*/manifest.json"):
        os.utime(path, (path.stat().st_mtime - DAY,) * 2)


def address(output: Output) -> tuple[str, str]:
    return output.stage, output.fingerprint


def test_nothing_goes_that_a_version_came_from(house: House) -> None:
    for number, document in enumerate((A, B), 1):
        house.version(house.corpus({document: "train"}), number)
    found = look(house.store)
    assert found.leftovers == ()
    assert [(kept.what, kept.because) for kept in found.kept] == [("12 outputs", VERSIONS)]


def test_what_came_of_a_deleted_version_alone_goes_and_what_it_shares_stays(house: House) -> None:
    split = house.corpus({A: "train"})
    deleted, kept = house.version(split, 1), house.version(split, 2)
    age(house, deleted, 1)
    train = next(
        one for one in house.store.manifests("train") if one.digest != kept.digest and one.result["version"] == 1
    )
    age(house, Output(stage="train", fingerprint=train.fingerprint, digest=train.digest, result={}), 1)
    found = look(house.store, gone={deleted.fingerprint: "gpt version 1"})
    assert going(found) == {address(deleted), ("train", train.fingerprint)}
    assert {one.reason for one in found.leftovers} == {"made for gpt version 1, no longer in the registry"}
    assert all(one.what == OUTPUT for one in found.leftovers)


def test_equal_data_made_from_other_data_ties_no_versions_together(house: House) -> None:
    registers = []
    for number, document in enumerate((A, B), 1):
        train = house.put("train", [house.corpus({document: "train"})], Account(version=number))
        audit = house.put("privacy audit", [train], Account(name="passed"))
        registers.append(house.put("register", [train, audit], Account(name="gpt", version=number)))
        let_a_day_pass(house)
    gone = {registers[0].fingerprint: "gpt version 1"}
    assert Counter(stage for stage, _ in going(look(house.store, gone=gone))) == dict.fromkeys(
        ("clean", "scrub", "deduplicate", "split", "train", "privacy audit", "register"), 1
    )


def test_the_decisions_about_a_version_stay(house: House) -> None:
    register = house.version(house.corpus({A: "train"}), 1)
    first, again = (house.put("promote", [register], Account(name=name)) for name in ("first", "again"))
    age(house, first, 9)
    assert address(first) not in going(look(house.store))
    assert address(again) not in going(look(house.store))


def test_of_what_no_version_came_from_the_newest_of_each_stage_stays_with_all_it_came_from(house: House) -> None:
    older = house.put("train", [house.corpus({A: "train"})], Account(version=1))
    newer = house.put("train", [house.corpus({B: "train"})], Account(version=2))
    for one in (older, *house.store.manifests("split"), *house.store.manifests("clean")):
        if one.digest != newer.digest:
            age(house, Output(stage=one.stage, fingerprint=one.fingerprint, digest=one.digest, result={}), 2)
    found = look(house.store)
    assert address(older) in going(found)
    assert address(newer) not in going(found)
    [split] = [
        one for one in house.store.manifests("split") if one.digest in house.store.find(*address(newer)).inputs.values()
    ]
    assert ("split", split.fingerprint) not in going(found)
    assert {kept.because for kept in found.kept} == {LATEST}


def test_an_output_that_a_run_found_again_counts_as_newer_than_one_made_since(house: House) -> None:
    old, new = (house.put("train", [], Account(version=number)) for number in (1, 2))
    age(house, old, 2)
    age(house, new, 1)
    assert going(look(house.store)) == {address(old)}
    house.store.mark_used(old)
    assert going(look(house.store)) == {address(new)}
    assert (house.store.path_of(old) / NOTES_DIR / LAST_USED).read_bytes() == b""


def test_each_config_line_keeps_its_own_newest_outputs(house: House) -> None:
    outputs = [house.put("train", [], Account(version=number)) for number in (1, 2, 3)]
    for number, (output, name) in enumerate(zip(outputs, ("a", "b", "b"), strict=True)):
        age(house, output, 3 - number)
        notes = house.store.path_of(output) / NOTES_DIR
        notes.mkdir(exist_ok=True)
        (notes / "config.toml").write_text(f'preset = "tiny"\n[registry]\nname = "{name}"\n')
    assert going(look(house.store)) == {address(outputs[1])}


def test_what_the_tags_of_a_version_name_stays(house: House) -> None:
    old, _ = (house.put("split", [], Account(version=number)) for number in (1, 2))
    age(house, old, 1)
    assert going(look(house.store, named={old.fingerprint})) == set()
    assert going(look(house.store)) == {address(old)}


def test_while_a_request_is_open_only_what_came_from_ingests_that_read_it_may_go(house: House) -> None:
    marked = Output(stage="erasure:R-1", fingerprint="", digest="marks", result={})
    ingests = [house.put("ingest", inputs, Account(version=number))
               for number, inputs in enumerate(([], [marked], [marked]))]  # fmt: skip
    cleaned = [house.put("clean", [ingest], Account(name=ingest.digest)) for ingest in ingests]
    for days, outputs in enumerate(zip(reversed(ingests), reversed(cleaned), strict=True)):
        for output in outputs:
            age(house, output, days)
    found = look(house.store, requests={"erasure:R-1": "marks"})
    assert going(found) == {address(ingests[1]), address(cleaned[1])}
    assert ("2 outputs", REQUESTS) in [(kept.what, kept.because) for kept in found.kept]
    assert going(look(house.store)) == {address(one) for one in (*ingests[:2], *cleaned[:2])}


def test_an_output_whose_ingest_is_not_there_stays_while_a_request_is_open(house: House) -> None:
    lost = Output(stage="ingest", fingerprint="", digest="lost", result={})
    old, new = (house.put("clean", [lost], Account(version=number)) for number in (1, 2))
    age(house, old, 1)
    assert going(look(house.store, requests={"erasure:R-1": "marks"})) == set()
    assert going(look(house.store)) == {address(old)}
    assert address(new) not in going(look(house.store))


def test_an_interrupted_attempt_stays_for_a_week(house: House) -> None:
    partial = house.store.folder("train", "ab" * 16).with_suffix(".partial")
    partial.mkdir(parents=True)
    (partial / "checkpoint").write_bytes(b"weights")
    assert going(look(house.store)) == set()
    found = survey(house.store, Claims(), time.time() + 8 * DAY)
    assert [(one.what, one.stage, one.fingerprint, one.num_bytes) for one in found.leftovers] == [
        (ATTEMPT, "train", "ab" * 16, 7)
    ]


def test_an_interrupted_attempt_at_a_finished_output_goes(house: House) -> None:
    done = house.put("train", [], Account())
    house.store.path_of(done).with_suffix(".partial").mkdir()
    assert [one.what for one in look(house.store).leftovers] == [ATTEMPT]


def test_what_a_process_works_on_stays_however_old(house: House) -> None:
    with house.store.writing("train", "ab" * 16, {}):
        assert survey(house.store, Claims(), time.time() + 99 * DAY).leftovers == ()


def test_a_replaced_output_goes_unless_nothing_took_its_place(house: House) -> None:
    split = house.corpus({A: "train"})
    house.version(split, 1)
    folder = house.store.path_of(split)
    old = folder.with_suffix(".old")
    folder.rename(old)  # a process died between the two renames of a commit
    assert look(house.store).leftovers == ()
    old.rename(folder)
    old.mkdir()
    assert [(one.what, one.path) for one in look(house.store).leftovers] == [(REPLACED, old)]


def test_sizes_count_what_goes_free_and_a_shared_file_once(house: House) -> None:
    outputs = [house.put("train", [], Account(version=number)) for number in (1, 2, 3)]
    for days, output in enumerate(reversed(outputs)):
        age(house, output, days)
    folders = [house.store.path_of(output) for output in outputs]
    (folders[0] / "alone").write_bytes(b"x" * 1000)
    (folders[0] / "of-two-that-go").write_bytes(b"x" * 100)
    (folders[1] / "of-two-that-go").hardlink_to(folders[0] / "of-two-that-go")
    (folders[0] / "of-one-that-stays").write_bytes(b"x" * 10_000)
    (folders[2] / "of-one-that-stays").hardlink_to(folders[0] / "of-one-that-stays")
    manifests = sum((folder / "manifest.json").stat().st_size for folder in folders[:2])
    found = look(house.store)
    assert found.num_bytes == 1100 + manifests
    assert [one.path for one in found.leftovers] == folders[:2]  # the largest first


def texts(house: House, texts: dict[str, str], number: int) -> tuple[Output, Output]:
    """Commit a version of scrubbed texts; give its scrub and register outputs."""
    scrubbed = house.scrubbed(texts)
    return scrubbed, house.version(house.split_of(scrubbed, dict.fromkeys(texts, "train")), number)


def test_of_versions_named_for_it_text_goes_and_what_look_ups_read_stays(tmp_path: Path) -> None:
    house = House(tmp_path, KEY)
    scrubbed, old = texts(house, {A: f"Write to {VALUE}."}, 1)
    texts(house, {B: "Nothing to be found."}, 2)
    for one in (scrubbed, old):
        age(house, one, 1)
    before = search_values(house.store, KEY, [VALUE]), sightings(house.store, [A, B])
    [leftover] = look(house.store, bare={old.fingerprint}).leftovers
    assert (leftover.what, leftover.stage, leftover.fingerprint) == (TEXT, "scrub", scrubbed.fingerprint)
    shard = house.store.path_of(scrubbed) / "shards" / "00000-000.parquet"
    assert leftover.num_bytes == shard.stat().st_size
    house.store.collect("scrub", scrubbed.fingerprint)
    assert not shard.exists()
    assert look(house.store, bare={old.fingerprint}).leftovers == ()
    [holder] = search_values(house.store, KEY, [VALUE]).holders[0]
    assert holder.sighting == before[0].holders[0][0].sighting
    assert search_values(house.store, KEY, [VALUE]).unsearched_versions == ()
    assert sightings(house.store, [A, B]) == before[1]
    assert trace(house.store, list_versions(house.store)[0]).stage("scrub").state == "text deleted"  # type: ignore[union-attr]


def test_the_text_that_another_version_or_the_next_run_reads_stays(tmp_path: Path) -> None:
    house = House(tmp_path, KEY)
    scrubbed, old = texts(house, {A: "Some words."}, 1)
    age(house, scrubbed, 1)
    split = house.split_of(scrubbed, {A: "test"})
    new = house.version(split, 2)
    assert look(house.store, bare={old.fingerprint}).leftovers == ()  # the newest of its stage
    texts(house, {B: "Other words."}, 3)
    assert look(house.store, bare={old.fingerprint}).leftovers == ()  # version 2 came from it too
    for one in house.store.manifests("register"):  # no longer what the next run would find
        if one.result["version"] != 3:
            age(house, Output(stage="register", fingerprint=one.fingerprint, digest="", result={}), 2)
    assert [one.what for one in look(house.store, bare={old.fingerprint, new.fingerprint}).leftovers] == [TEXT]


def test_an_output_without_its_text_is_made_again_whole_where_a_run_asks_for_it(house: House) -> None:
    with house.store.writing("scrub", "ab" * 16, {}) as work:
        made = make_parts(work, [Part("00000", "key", None)], partial(_write_part, work.path), Account)
        manifest = seal(work, stage="scrub", fingerprint="ab" * 16, code_version="", section={}, inputs={},
                        result=Account())  # fmt: skip
        house.store.commit(work, manifest)
    assert made.num_reused == 0
    house.store.collect("scrub", "ab" * 16)
    assert house.store.find("scrub", "ab" * 16) is None
    assert damage(house.store.folder("scrub", "ab" * 16), house.store.manifests("scrub")[0]) is None
    with house.store.writing("scrub", "ab" * 16, {}) as work:
        again = make_parts(work, [Part("00000", "key", None)], partial(_write_part, work.path), Account)
        house.store.commit(work, manifest)
    assert again.num_reused == 0
    assert house.store.find("scrub", "ab" * 16) == manifest


def _write_part(folder: Path, item: None) -> Account:
    for name in ("shards/00000.parquet", "left-out/00000.parquet"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    return Account()


def test_a_discarded_output_is_gone_and_what_became_of_documents_is_told_as_before(house: House) -> None:
    house.version(house.corpus({A: "train"}), 1)
    other = house.put("split", [], Account(version=7))
    age(house, other, -1)
    before = sightings(house.store, [A])
    house.store.discard(house.store.path_of(other))
    assert house.store.find(*address(other)) is None
    assert {path.name for path in house.store.path_of(other).parent.iterdir()} == {
        one.fingerprint for one in house.store.manifests("split")
    }
    assert sightings(house.store, [A]) == before


def test_what_an_interrupted_deletion_left_is_no_output_and_goes_next_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = house.put("train", [], Account())
    with monkeypatch.context() as patched:
        patched.setattr("gptmodel.store.shutil.rmtree", _killed)
        with pytest.raises(KeyboardInterrupt):
            house.store.discard(house.store.path_of(output))
    assert house.store.manifests("train") == []
    [left] = look(house.store).leftovers
    house.store.discard(left.path)
    assert list((house.store.root / "train").iterdir()) == []


def _killed(*arguments: object, **options: object) -> None:
    raise KeyboardInterrupt
