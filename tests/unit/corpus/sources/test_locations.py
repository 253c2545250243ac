"""From a source's path to its files."""

import os
from collections import Counter
from pathlib import Path

import pytest

from gptmodel.config import SourceConfig
from gptmodel.corpus.sources.locations import find_inputs, is_local, open_later, root_of, stamp_now


@pytest.mark.parametrize(
    ("path", "said"),
    [("texts", True), ("/a/*.txt", True), ("s3://b", False), ("dataset:a/b", False), ("builtin:sample", False)],
)
def test_a_path_of_this_machine_is_told_from_other_sources(path: str, said: bool) -> None:
    assert is_local(path) == said


def test_a_file_is_opened_as_often_as_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"text")
    file = open_later("deep/a.txt", str(tmp_path / "a.txt"), 4)
    assert (file.name, file.num_bytes) == ("deep/a.txt", 4)
    for _ in range(2):
        with file.open() as stream:
            assert stream.read() == b"text"


def test_the_files_of_a_folder_can_be_opened(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"text")
    (tmp_path / ".b.txt").touch()
    skipped: Counter[str] = Counter()
    found = find_inputs(SourceConfig(name="s", path=str(tmp_path)), skipped)
    assert [(name, file.num_bytes) for name, file in found.items()] == [("a.txt", 4)]
    assert skipped == {"hidden": 1}


def test_a_stamp_changes_with_size_or_time_and_is_empty_once_the_file_is_gone(tmp_path: Path) -> None:
    path, source = tmp_path / "a.txt", SourceConfig(name="s", path=str(tmp_path))
    path.write_text("one")
    stamps = [stamp_now(source, str(path))]
    os.utime(path, ns=(1, 1))
    stamps.append(stamp_now(source, str(path)))
    path.unlink()
    stamps.append(stamp_now(source, str(path)))
    assert len(set(stamps)) == 3
    assert stamps[-1] == ""


def test_a_data_set_in_a_folder_has_a_stamp_and_one_of_the_hub_has_none(tmp_path: Path) -> None:
    here, hub = (SourceConfig(name="s", path=f"dataset:{place}") for place in (tmp_path, "owner/name"))
    before = stamp_now(here, here.path)
    (tmp_path / "a.txt").write_text("one")
    assert before != stamp_now(here, here.path) != ""
    assert stamp_now(hub, hub.path) == ""


def test_a_home_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert root_of(SourceConfig(name="s", path="~/texts")) == tmp_path / "texts"
