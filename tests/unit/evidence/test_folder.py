"""The folder: whole or not there, checkable by others, and never in the way of somebody's files."""

import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from gptmodel.errors import ConfigError, StoreError
from gptmodel.evidence.account import Evidence
from gptmodel.evidence.folder import Attachment, Folder, write_folder
from gptmodel.store import file_digest


@pytest.fixture
def attachment(tmp_path: Path) -> Attachment:
    (tmp_path / "lock.txt").write_text("torch==2\n")
    return Attachment(tmp_path / "lock.txt", "the libraries, pinned")


@pytest.fixture
def written(whole: Evidence, attachment: Attachment, tmp_path: Path) -> Folder:
    return write_folder(tmp_path / "deep" / "out", whole, {"locks/lock.txt": attachment})


def names(path: Path) -> set[str]:
    return {one.relative_to(path).as_posix() for one in path.rglob("*") if one.is_file()}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum on this machine")
def test_sha256sum_accepts_the_digests_of_all_files(written: Folder) -> None:
    done = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=written.path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {line.removesuffix(": OK") for line in done.stdout.splitlines()} == names(written.path) - {"SHA256SUMS"}


def test_its_digest_stands_for_all_files(written: Folder) -> None:
    assert written.digest == file_digest(written.path / "SHA256SUMS")
    assert written.num_files == len(names(written.path)) == 4


def test_the_record_is_the_evidence_with_the_digests_of_the_copies(written: Folder, whole: Evidence) -> None:
    data = json.loads((written.path / "evidence.json").read_bytes())
    read = Evidence.model_validate(data)
    assert (data["schema_name"], data["schema_version"]) == ("gptmodel evidence", 1)
    assert read.copies["locks/lock.txt"].sha256 == file_digest(written.path / "locks" / "lock.txt")
    assert read.model_copy(update={"copies": {}}) == whole


def test_the_same_evidence_gives_the_same_folder(
    written: Folder, whole: Evidence, attachment: Attachment, tmp_path: Path
) -> None:
    again = write_folder(tmp_path / "again", whole, {"locks/lock.txt": attachment})
    assert again.digest == written.digest


def test_it_is_the_owners_alone(written: Folder) -> None:
    assert stat.S_IMODE(written.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE((written.path / name).stat().st_mode) & 0o077 for name in names(written.path)} == {0}


def test_an_earlier_evidence_is_replaced_as_a_whole(written: Folder, whole: Evidence) -> None:
    replaced = write_folder(written.path, whole, {})
    assert names(replaced.path) == {"index.html", "evidence.json", "SHA256SUMS"}
    assert [one.name for one in replaced.path.parent.iterdir()] == ["out"]


def test_an_empty_folder_is_filled(whole: Evidence, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert write_folder(tmp_path / "empty", whole, {}).num_files == 3


@pytest.mark.parametrize("name", ["notes.txt", "reports/notes.txt"])
def test_an_evidence_with_somebodys_file_in_it_is_left_alone(written: Folder, whole: Evidence, name: str) -> None:
    (written.path / name).parent.mkdir(exist_ok=True)
    (written.path / name).write_text("mine")
    with pytest.raises(ConfigError, match=f"{name} in it"):
        write_folder(written.path, whole, {})
    assert (written.path / name).read_text() == "mine"


def test_a_folder_of_something_else_is_refused(whole: Evidence, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "SHA256SUMS").write_text("")
    (tmp_path / "mine" / "evidence.json").write_text('{"schema_name": "other"}')
    with pytest.raises(ConfigError, match="SHA256SUMS in it and 1 more"):
        write_folder(tmp_path / "mine", whole, {})


def test_a_file_in_its_place_is_refused(whole: Evidence, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="no folder"):
        write_folder(tmp_path / "file", whole, {})


def test_a_place_that_can_not_be_written_is_explained(whole: Evidence, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match="--output DIR"):
        write_folder(tmp_path / "file" / "out", whole, {})


def test_what_fails_half_way_leaves_the_earlier_folder_and_nothing_else(written: Folder, whole: Evidence) -> None:
    gone = Attachment(written.path / "gone", "a file that is not there")
    with pytest.raises(StoreError):
        write_folder(written.path, whole, {"gone": gone})
    assert [one.name for one in written.path.parent.iterdir()] == ["out"]
    assert written.digest == file_digest(written.path / "SHA256SUMS")
