"""A purge: no byte of the documents is left in the store, and what was rewritten is still whole and itself."""

import json
from datetime import date
from pathlib import Path

import pytest

from gptmodel.corpus.documents import read_documents, text_id
from gptmodel.corpus.split_table import read_corpus
from gptmodel.erasure.matching import match_document
from gptmodel.erasure.purging import purge
from gptmodel.erasure.remains import find_remains, packed_parts
from gptmodel.store import MANIFEST, damage, verify
from gptmodel.tokens import TokenSplit
from tests.unit.corpus.known import prose
from tests.unit.erasure.home import ASKED, COPY, KEY, LONG, NEAR, SHORT, SmallHome

DAY = date(2026, 11, 20)


def documents(home: SmallHome, name: str) -> frozenset[str]:
    return match_document(home.store, KEY, home.id(name)).all_documents


def texts_of(home: SmallHome) -> set[str]:
    """Give the documents whose text is anywhere in the store."""
    folders = [path.parent for path in home.store.root.glob("*/*/shards")]
    return {text_id(document.id) for folder in folders for document in read_documents(folder)}


def places(home: SmallHome, name: str) -> set[str]:
    return {remains.place for remains in find_remains(home.store, documents(home, name))}


def test_what_is_on_disk_is_told_by_place(seen_home: SmallHome) -> None:
    everywhere = {"raw text", "scrubbed text", "token files", "samples of trainings", "trained models"}
    assert places(seen_home, ASKED) == everywhere
    assert places(seen_home, SHORT) == {"raw text", "examples of dropped text"}


def test_the_tokenizer_is_part_of_what_was_trained(seen_home: SmallHome) -> None:
    found = find_remains(seen_home.store, documents(seen_home, ASKED))
    trained = {remains.path.name for remains in found if remains.place == "trained models"}
    assert trained == {"tokenizer.json", "model.safetensors", "digests.json"}


@pytest.mark.parametrize("name", [ASKED, LONG, SHORT])
def test_no_text_and_no_token_of_the_documents_is_left(home: SmallHome, name: str) -> None:
    gone = documents(home, name)
    assert gone <= texts_of(home)
    purge(home.store, gone, "R-1", DAY)
    assert texts_of(home).isdisjoint(gone)
    assert {remains.place for remains in find_remains(home.store, gone)} <= {"trained models"}
    needle = (home.texts / name).read_text()[:40].encode()
    assert [path for path in home.store.root.rglob("*") if path.is_file() and needle in path.read_bytes()] == []


def test_their_tokens_are_ends_of_documents_and_all_others_stay(home: SmallHome) -> None:
    [pack] = home.store.manifests("pack")
    folder, gone = home.store.folder("pack", pack.fingerprint), documents(home, LONG)
    rows = packed_parts(folder, gone)
    assert len(rows) == 3
    before = {row.split: TokenSplit.open(folder, row.split)[:] for row in rows}
    purge(home.store, gone, "R-1", DAY)
    for split, tokens in before.items():
        for row in (row for row in rows if row.split == split):
            tokens[row.start : row.start + row.num_tokens] = 0
        assert (TokenSplit.open(folder, split)[:] == tokens).all()


def test_every_output_is_whole_and_keeps_its_identity(home: SmallHome) -> None:
    before = {stage: home.store.manifests(stage)[0] for stage in ("ingest", "clean", "scrub", "pack", "train")}
    purge(home.store, documents(home, ASKED), "R-1", DAY)
    for stage, old in before.items():
        [manifest] = home.store.manifests(stage)
        folder = home.store.folder(stage, manifest.fingerprint)
        assert (manifest.digest, manifest.purged) == (old.digest, ("R-1",))
        assert damage(folder, manifest) is None
        verify(folder, manifest)


def test_the_corpus_can_still_be_read_without_them(home: SmallHome) -> None:
    gone = documents(home, ASKED)
    purge(home.store, gone, "R-1", DAY)
    scrub, split = (home.store.folder(one, home.store.manifests(one)[0].fingerprint) for one in ("scrub", "split"))
    left = {text_id(document.id) for document, _ in read_corpus(scrub, split)}
    assert left == {home.id(f"{number}.txt") for number in range(12)} | {home.id(LONG)}


def test_a_purge_that_was_interrupted_is_finished_by_the_same_call(
    home: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, replace = documents(home, ASKED), Path.replace
    calls = []

    def dies(path: Path, target: Path) -> Path:
        if path.name.endswith(".purged"):
            calls.append(path)
            if len(calls) == 2:
                raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        purge(home.store, gone, "R-1", DAY)
    monkeypatch.undo()
    purge(home.store, gone, "R-1", DAY)
    assert texts_of(home).isdisjoint(gone)
    for stage in ("ingest", "clean", "scrub", "pack", "train"):
        [manifest] = home.store.manifests(stage)
        verify(home.store.folder(stage, manifest.fingerprint), manifest)


def test_a_second_purge_finds_nothing_to_do(home: SmallHome) -> None:
    gone = documents(home, ASKED)
    first = purge(home.store, gone, "R-1", DAY)
    assert first.num_files_rewritten > 0
    again = purge(home.store, gone, "R-1", DAY)
    assert (again.num_files_rewritten, again.num_files_deleted, again.num_bytes) == (0, 0, 0)


def test_interrupted_attempts_are_deleted_but_not_those_of_other_corpora(home: SmallHome) -> None:
    old = home.store.root / "scrub" / f"{'a' * 32}.partial"
    (old / "shards").mkdir(parents=True)
    (old / "shards" / "00000-000.parquet").write_text(prose(50))
    kept, lost = (home.store.root / "train" / f"{letter * 32}.partial" for letter in "bc")
    for attempt, digest in ((kept, "another"), (lost, home.store.manifests("pack")[0].digest)):
        checkpoint = attempt / "notes" / "checkpoints" / "step-3"
        checkpoint.mkdir(parents=True)
        facts = {"facts": {"inputs": {"pack": digest}}}
        (checkpoint / "checkpoint.json").write_text(json.dumps(facts))
    done = purge(home.store, documents(home, ASKED), "R-1", DAY)
    assert (old.exists(), lost.exists(), kept.exists()) == (False, False, True)
    assert done.num_files_deleted == 2


def test_the_age_of_an_output_stays(home: SmallHome) -> None:
    [manifest] = home.store.manifests("scrub")
    path = home.store.folder("scrub", manifest.fingerprint) / MANIFEST
    before = path.stat().st_mtime_ns
    purge(home.store, documents(home, ASKED), "R-1", DAY)
    assert path.stat().st_mtime_ns == before


def test_shards_that_a_purge_rewrote_are_not_taken_over_by_a_later_run(home: SmallHome) -> None:
    purge(home.store, documents(home, ASKED), "R-1", DAY)
    (home.texts / "more.txt").write_text(prose(77))
    again = home.run(version=2)  # nobody asked this home's ingest to leave them out
    texts = {text_id(one.id) for one in read_documents(home.store.path_of(again["scrub"]))}
    assert {home.id(name) for name in (ASKED, COPY, NEAR)} <= texts
