"""The store: what is committed is done, whatever is not never counts."""

import errno
import json
import os
from pathlib import Path

import psutil
import pytest
from pydantic import BaseModel

from gptmodel import store as store_module
from gptmodel.errors import DiskFullError, StoreBusyError, StoreError
from gptmodel.store import Output, Store, Workspace, damage, full_disk_explained, seal, verify


class Account(BaseModel):
    num_documents: int = 3
    runtime: dict[str, float] = {}


def commit(store: Store, name: str = "clean", address: str = "ab" * 16, text: str = "text",
           account: Account | None = None) -> Output:  # fmt: skip
    with store.writing(name, address, {}) as work:
        (work.path / "shards").mkdir(exist_ok=True)
        (work.path / "shards" / "00000.parquet").write_text(text)
        (work.notes / "timing.json").write_text("{}")
        manifest = seal(work, stage=name, fingerprint=address, code_version="c", section={}, inputs={},
                        result=account or Account())  # fmt: skip
        return store.commit(work, manifest)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_a_committed_stage_is_found(store: Store) -> None:
    output = commit(store)
    manifest = store.find("clean", output.fingerprint)
    assert manifest is not None
    assert manifest.digest == output.digest


def test_a_stage_whose_writer_failed_is_not_found(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing("clean", "ab" * 16, {}) as work:
        (work.path / "data").write_text("half")
        raise RuntimeError
    assert store.find("clean", "ab" * 16) is None


def test_an_interrupted_attempt_is_taken_over_with_its_files(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing("train", "ab" * 16, {}) as work:
        (work.path / "checkpoint").write_text("step 10")
        raise RuntimeError
    with store.writing("train", "ab" * 16, {}) as work:
        assert (work.path / "checkpoint").read_text() == "step 10"


def test_the_digest_is_of_the_data_not_of_notes_or_runtime(store: Store) -> None:
    one = commit(store, address="aa" * 16, account=Account(runtime={"seconds": 1.0}))
    two = commit(store, address="bb" * 16, account=Account(runtime={"seconds": 2.0}))
    other = commit(store, address="cc" * 16, text="other")
    assert one.digest == two.digest != other.digest


def test_a_living_writer_keeps_others_out(store: Store) -> None:
    with store.writing("clean", "ab" * 16, {}), pytest.raises(StoreBusyError, match="is computing it"):
        with store.writing("clean", "ab" * 16, {}):
            pass


def test_a_dead_writers_lock_is_taken_over(store: Store) -> None:
    folder = store.folder("clean", "ab" * 16).parent
    folder.mkdir(parents=True)
    dead = {"host": os.uname().nodename, "pid": os.getpid(), "start": psutil.Process().create_time() - 999}
    (folder / f"{'ab' * 16}.lock").write_text(json.dumps(dead))
    assert commit(store).stage == "clean"


@pytest.mark.parametrize("harm", ["missing", "shorter", "manifest"])
def test_a_damaged_output_counts_as_not_done(store: Store, harm: str) -> None:
    output = commit(store)
    shard = store.path_of(output) / "shards" / "00000.parquet"
    if harm == "missing":
        shard.unlink()
    elif harm == "shorter":
        shard.write_text("t")
    else:
        (store.path_of(output) / "manifest.json").write_text("{")
    assert store.find("clean", output.fingerprint) is None


def test_a_damaged_output_is_replaced_by_the_next_commit(store: Store) -> None:
    output = commit(store)
    (store.path_of(output) / "shards" / "00000.parquet").unlink()
    again = commit(store)
    assert store.find("clean", output.fingerprint) is not None
    assert again.digest == output.digest


def test_a_changed_file_of_the_same_size_is_refused_by_the_stage_that_reads_it(store: Store) -> None:
    output = commit(store)
    (store.path_of(output) / "shards" / "00000.parquet").write_text("TEXT")
    with pytest.raises(StoreError, match="another digest"), store.writing("scrub", "cd" * 16, {"clean": output}):
        pytest.fail("the stage was let in")


def test_released_text_does_not_keep_a_reader_of_the_tables_out(store: Store) -> None:
    output = commit(store)
    store.release(output)
    with store.writing("quality gate", "cd" * 16, {"clean": output}) as work:
        assert work.inputs["clean"] == store.path_of(output)


def test_released_text_is_gone_but_its_manifest_counts_as_present(store: Store) -> None:
    output = commit(store)
    freed = store.release(output)
    manifest = store.find("clean", output.fingerprint)
    assert (freed, manifest is not None and manifest.released) == (len("text"), True)
    assert list((store.path_of(output) / "shards").iterdir()) == []


def test_damage_names_the_file(store: Store) -> None:
    output = commit(store)
    folder = store.path_of(output)
    manifest = store.find("clean", output.fingerprint)
    assert manifest is not None
    (folder / "shards" / "00000.parquet").unlink()
    assert damage(folder, manifest) == "shards/00000.parquet is missing"


def test_a_full_disk_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError, match="Free some space"), full_disk_explained(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_other_errors_of_the_system_pass_through(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), full_disk_explained(tmp_path):
        raise PermissionError


def test_a_commit_that_dies_before_the_rename_is_not_done(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(path: Path, text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store_module, "write_synced", die)
    with pytest.raises(KeyboardInterrupt):
        commit(store)
    assert store.find("clean", "ab" * 16) is None


def test_clearing_a_workspace_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").write_text("x")
    Workspace(tmp_path, {}).clear()
    assert list(tmp_path.iterdir()) == []


def test_outputs_of_a_stage_are_listed_newest_first(store: Store) -> None:
    for number, letter in enumerate("abc"):
        output = commit(store, address=letter * 32)
        os.utime(store.path_of(output) / "manifest.json", (number, number))
    assert [manifest.fingerprint[0] for manifest in store.manifests("clean")] == ["c", "b", "a"]


def test_an_output_whose_files_were_replaced_is_whole_and_keeps_its_identity(store: Store) -> None:
    output = commit(store)
    before = store.find("clean", output.fingerprint)
    assert before is not None
    other = store.path_of(output) / "shards" / ".other"
    other.write_text("another text")
    store.replace_files(before, {"shards/00000.parquet": other}, "R-7")
    after = store.find("clean", output.fingerprint)
    assert after is not None
    assert (after.digest, after.purged) == (before.digest, ("R-7",))
    assert after.files["shards/00000.parquet"].num_bytes == len("another text")
    verify(store.path_of(output), after)
