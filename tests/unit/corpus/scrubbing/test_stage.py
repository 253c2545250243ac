"""The stage, on shards."""

import logging
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gptmodel.config import CustomFinderConfig, Replacement, ScrubbingConfig, SelfTestConfig
from gptmodel.corpus.documents import Document, read_documents, shard_path, write_shard
from gptmodel.corpus.scrubbing import Scrubber, scrub
from gptmodel.keys import Keys, key_id
from gptmodel.parts import Item, Mapper, Result, in_turn
from gptmodel.store import NOTES_DIR, Workspace

# The scrubber's test of itself takes half a second; most tests here need none.
UNTESTED = ScrubbingConfig(self_test=SelfTestConfig(num_values=0))
DOCUMENTS = [
    Document("a" * 32, "letters", "a.txt", "ada@example.com rang 8.8.8.8 and bob@example.com", "en"),
    Document("b" * 32, "letters", "b.txt", "nothing here", "en"),
    Document("c" * 32, "planted", "c", "code 4111 1111 1111 1111", "und", "catchable"),
    Document("d" * 32, "planted", "d", "amber heron lantern", "und", "in_clear"),
]


def workspace(folder: Path) -> Workspace:
    write_shard(shard_path(folder / "clean", 0), DOCUMENTS[:2])
    write_shard(shard_path(folder / "clean", 1), DOCUMENTS[2:])
    (folder / "out").mkdir()
    return Workspace(folder / "out", {"clean": folder / "clean"})


def test_the_account_counts_by_kind_and_keeps_planted_phrases_apart(tmp_path: Path) -> None:
    result = scrub(workspace(tmp_path), Scrubber(UNTESTED))
    assert (result.num_documents, result.num_documents_with_findings, result.num_findings) == (2, 1, 3)
    assert (result.findings["EMAIL"], result.findings["IP_ADDRESS"], result.findings["CREDIT_CARD"]) == (2, 1, 0)
    assert (result.num_planted, result.num_planted_caught) == (1, 1)
    assert result.num_bytes == sum(len(one.text) for one in DOCUMENTS[:2])


def test_documents_and_bytes_are_counted_by_source_before_and_after(tmp_path: Path) -> None:
    [letters] = scrub(workspace(tmp_path), Scrubber(UNTESTED)).sources
    assert (letters.name, letters.num_documents) == ("letters", 2)
    assert letters.num_bytes_read == sum(len(one.text) for one in DOCUMENTS[:2])
    assert letters.num_bytes_kept == len("<EMAIL> rang <IP_ADDRESS> and <EMAIL>") + len("nothing here")


def test_documents_keep_everything_but_the_values(tmp_path: Path) -> None:
    work = workspace(tmp_path)
    scrub(work, Scrubber(UNTESTED))
    texts = {one.id: one.text for one in read_documents(work.path)}
    assert texts["a" * 32] == "<EMAIL> rang <IP_ADDRESS> and <EMAIL>"
    assert texts["b" * 32] == "nothing here"
    assert texts["c" * 32] == "code <CREDIT_CARD>"
    assert [(one.id, one.planted, one.lang) for one in read_documents(work.path)] == [
        (one.id, one.planted, one.lang) for one in DOCUMENTS
    ]


def test_findings_are_stored_without_values(tmp_path: Path) -> None:
    work = workspace(tmp_path)
    scrub(work, Scrubber(UNTESTED))
    assert pq.read_table(work.path / "findings").to_pylist() == [
        {"id": "a" * 32, "kind": "EMAIL", "rule": "email", "num": 2},
        {"id": "a" * 32, "kind": "IP_ADDRESS", "rule": "ip.v4", "num": 1},
    ]


def test_no_value_reaches_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        scrub(workspace(tmp_path), Scrubber(UNTESTED))
    assert "EMAIL" in caplog.text
    assert "example.com" not in caplog.text


def test_a_repeat_gives_the_same_bytes(tmp_path: Path) -> None:
    work = workspace(tmp_path)
    scrub(work, Scrubber(UNTESTED))
    first = {path.name: path.read_bytes() for path in work.path.rglob("*.parquet")}
    scrub(work, Scrubber(UNTESTED))
    assert {path.name: path.read_bytes() for path in work.path.rglob("*.parquet")} == first


def test_an_empty_input_gives_an_empty_account(tmp_path: Path) -> None:
    write_shard(shard_path(tmp_path / "clean", 0), [])
    (tmp_path / "out").mkdir()
    work = Workspace(tmp_path / "out", {"clean": tmp_path / "clean"})
    assert scrub(work, Scrubber(UNTESTED)).num_documents == 0


def test_the_scope_names_what_nobody_looks_for() -> None:
    assert "not searched: ADDRESS" in Scrubber(ScrubbingConfig()).scope
    assert Scrubber(ScrubbingConfig(kinds=("EMAIL",))).scope.count("PERSON") == 1
    assert "names in labelled fields" not in Scrubber(ScrubbingConfig(find_names=False)).scope


def test_the_scrubber_tests_itself_and_keeps_counts_alone(tmp_path: Path) -> None:
    result = scrub(workspace(tmp_path), Scrubber(ScrubbingConfig(kinds=("EMAIL",))))
    [row] = result.self_test
    assert (row.kind, row.num_values, result.untested_kinds) == ("EMAIL", 50, ())
    assert result.self_test_recall == {"EMAIL": row.recall}


def test_another_seed_of_the_self_test_leaves_the_shards_as_they_are(tmp_path: Path) -> None:
    work = workspace(tmp_path)
    scrub(work, Scrubber(UNTESTED))
    other = ScrubbingConfig(self_test=SelfTestConfig(seed=1))
    assert scrub(work, Scrubber(other)).runtime["num_reused"] == 2


WITHOUT_MAIL = UNTESTED.model_copy(update={"replacement_of": {"EMAIL": "drop", "CREDIT_CARD": "drop"}})


def test_a_document_with_a_kind_that_leaves_it_out_is_in_no_shard_and_accounted_for(tmp_path: Path) -> None:
    work = workspace(tmp_path)
    result = scrub(work, Scrubber(WITHOUT_MAIL))
    [letters] = result.sources
    size = len(DOCUMENTS[0].text)
    assert [one.id for one in read_documents(work.path)] == ["b" * 32, "d" * 32]
    assert (result.num_documents, result.num_dropped, result.dropped_by_reason) == (2, 1, {"holds EMAIL": 1})
    assert (letters.dropped_by_reason, letters.dropped_bytes_by_reason) == ({"holds EMAIL": 1}, {"holds EMAIL": size})
    assert letters.num_bytes_read == size + letters.num_bytes_kept


def test_a_planted_phrase_that_is_left_out_is_caught_and_counts_nowhere_else(tmp_path: Path) -> None:
    work = workspace(tmp_path)
    result = scrub(work, Scrubber(WITHOUT_MAIL))
    rows = pq.read_table(work.path / "left_out").to_pylist()
    assert (result.num_planted, result.num_planted_caught) == (1, 1)
    assert [(row["id"], row["planted"]) for row in rows] == [("a" * 32, ""), ("c" * 32, "catchable")]
    assert "example.com" not in str(rows)


def scrubbed_files(folder: Path, keys: Keys, mapper: Mapper = in_turn) -> dict[str, bytes]:
    folder.mkdir()
    work = workspace(folder)
    scrub(work, Scrubber(UNTESTED.model_copy(update={"replacement": "pseudonym"}), keys), mapper=mapper)
    files = {path.relative_to(work.path).as_posix(): path for path in work.path.rglob("*.parquet")}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith(NOTES_DIR)}


KEY = b"a key of this test"  # pragma: allowlist secret


def test_pseudonyms_are_the_same_in_two_runs_and_two_homes_and_others_under_another_key(tmp_path: Path) -> None:
    one = scrubbed_files(tmp_path / "one", Keys(b"h" * 32, KEY))
    assert scrubbed_files(tmp_path / "two", Keys(b"i" * 32, KEY)) == one
    assert scrubbed_files(tmp_path / "three", Keys(b"h" * 32, b"another key of it")) != one


def sent_away(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Do the work as other processes would: each with its own copy of what it is told, in another order."""
    told = [pickle.dumps((function, item)) for item in items]
    done = [work(item) for work, item in map(pickle.loads, reversed(told))]
    return done[::-1]


def test_workers_that_are_sent_the_scrubber_give_the_same_pseudonyms(tmp_path: Path) -> None:
    sent = scrubbed_files(tmp_path / "sent", Keys(None, KEY), sent_away)
    assert scrubbed_files(tmp_path / "here", Keys(None, KEY)) == sent


def test_another_key_makes_the_shards_anew_and_the_same_key_does_not(tmp_path: Path) -> None:
    work, config = workspace(tmp_path), UNTESTED.model_copy(update={"replacement": "pseudonym"})
    reused = [
        scrub(work, Scrubber(config, Keys(None, key))).runtime["num_reused"]
        for key in (KEY, KEY, b"another key of it", KEY)
    ]
    assert reused == [0, 2, 0, 0]


def test_no_key_reaches_a_file_or_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        scrubbed_files(tmp_path / "here", Keys(KEY, KEY))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(KEY in path.read_bytes() for path in files)
    assert KEY.decode() not in caplog.text


def test_findings_are_counted_by_rule_and_shown_as_shapes_alone(tmp_path: Path) -> None:
    result = scrub(workspace(tmp_path), Scrubber(ScrubbingConfig()))
    assert sum(result.findings_by_rule.values()) == result.num_findings == sum(row.num for row in result.shapes)
    assert {row.kind for row in result.shapes} == {kind for kind, num in result.findings.items() if num}
    assert not any(row.shape in document.text for row in result.shapes for document in DOCUMENTS)


def test_the_account_says_what_takes_the_place_of_each_kind_and_with_which_key(tmp_path: Path) -> None:
    ways: dict[str, Replacement] = {"EMAIL": "pseudonym"}
    custom = (CustomFinderConfig(kind="STAFF_ID", words=("E-77",)),)
    config = UNTESTED.model_copy(update={"replacement": "mask", "replacement_of": ways, "custom": custom})
    result = scrub(workspace(tmp_path), Scrubber(config, Keys(None, b"k" * 32)))
    assert {result.replacements.pop("EMAIL"), *result.replacements.values()} == {"pseudonym", "mask"}
    assert "STAFF_ID" in result.replacements
    assert (result.pseudonym_key_id, result.additions) == (key_id(b"k" * 32), ("custom finders",))
