"""Listing sources: what is in, what is left out, and when a file is hashed again."""

import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import fsspec
import pytest

from gptmodel.config import CorpusConfig, SourceConfig
from gptmodel.corpus.sources import builtin, hashes, remote
from gptmodel.corpus.sources.listing import Listing, list_sources
from gptmodel.errors import SourceError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "texts"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    (root / "deep" / "b.md").write_text("b")
    (root / "deep" / "er" / "c.txt").write_text("c")
    return root


def corpus_of(*paths: Path | str) -> CorpusConfig:
    return CorpusConfig(sources=tuple(SourceConfig(name=f"s{n}", path=str(path)) for n, path in enumerate(paths)))


def listed(tmp_path: Path, *paths: Path | str) -> Listing:
    return list_sources(corpus_of(*paths), tmp_path / "cache" / "hashes.json")


def count_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    hashed: list[str] = []
    real = hashes.file_digest
    monkeypatch.setattr(hashes, "file_digest", lambda path: hashed.append(path.name) or real(path))
    return hashed


def test_a_folder_is_listed_with_all_its_folders(tmp_path: Path, folder: Path) -> None:
    assert list(listed(tmp_path, folder).sources["s0"].files) == ["a.txt", "deep/b.md", "deep/er/c.txt"]


def test_a_single_file_is_a_source(tmp_path: Path, folder: Path) -> None:
    files = listed(tmp_path, folder / "a.txt").sources["s0"].files
    assert list(files) == ["a.txt"]
    assert files["a.txt"].digest == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.txt", ["a.txt"]),
        ("**/*.txt", ["a.txt", "deep/er/c.txt"]),
        ("deep/*", ["b.md", "er/c.txt"]),
        ("d*/b.md", ["deep/b.md"]),
        ("[ab].txt", ["a.txt"]),
    ],
)
def test_a_glob_lists_its_matches_relative_to_its_fixed_part(
    tmp_path: Path, folder: Path, pattern: str, names: list[str]
) -> None:
    assert list(listed(tmp_path, folder / pattern).sources["s0"].files) == names


def test_a_file_whose_name_looks_like_a_glob_is_itself(tmp_path: Path, folder: Path) -> None:
    (folder / "[a].txt").write_text("x")
    assert list(listed(tmp_path, folder / "[a].txt").sources["s0"].files) == ["[a].txt"]


def test_a_relative_path_is_taken_from_the_current_folder(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert listed(tmp_path, "deep").digests() == listed(tmp_path, folder / "deep").digests()


def test_hidden_files_and_links_that_leave_the_folder_are_left_out_and_counted(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret")
    (folder / ".hidden").write_text("x")
    (folder / ".git").mkdir()
    (folder / ".git" / "config.txt").write_text("x")
    (folder / "out.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "loop").symlink_to(folder)
    (folder / "broken.txt").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe.txt")
    source = listed(tmp_path, folder).sources["s0"]
    assert list(source.files) == ["a.txt", "deep/b.md", "deep/er/c.txt"]
    assert source.skipped == {"hidden": 2, "link": 3, "special": 1}


def test_a_link_that_stays_in_the_folder_is_read(tmp_path: Path, folder: Path) -> None:
    (folder / "z.txt").symlink_to(folder / "a.txt")
    assert "z.txt" in listed(tmp_path, folder).sources["s0"].files


def test_a_globbed_link_that_leaves_its_folder_is_left_out(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret")
    (folder / "out.txt").symlink_to(tmp_path / "outside.txt")
    assert list(listed(tmp_path, folder / "*.txt").sources["s0"].files) == ["a.txt"]


def test_a_name_that_is_no_utf8_can_be_listed(tmp_path: Path, folder: Path) -> None:
    (folder / os.fsdecode(b"\xff.txt")).write_text("x")
    names = listed(tmp_path, folder).sources["s0"].files
    assert "\\xff.txt" in names
    json.dumps(list(names), ensure_ascii=False).encode()


@pytest.mark.parametrize("again", ["unchanged", "copied"])
def test_equal_files_give_equal_digests_wherever_they_lie(tmp_path: Path, folder: Path, again: str) -> None:
    before = listed(tmp_path, folder).digests()
    moved = folder if again == "unchanged" else folder.rename(tmp_path / "moved")
    assert listed(tmp_path, moved).digests() == before
    assert list(before) == ["source:s0"]


def test_a_renamed_file_changes_the_digest(tmp_path: Path, folder: Path) -> None:
    before = listed(tmp_path, folder).digests()
    (folder / "a.txt").rename(folder / "z.txt")
    assert listed(tmp_path, folder).digests() != before


def test_an_unchanged_corpus_is_not_read_again(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = listed(tmp_path, folder)
    hashed = count_hashes(monkeypatch)
    assert listed(tmp_path, folder) == before
    assert hashed == []


def test_only_a_changed_file_is_hashed_again(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(tmp_path, folder)
    hashed = count_hashes(monkeypatch)
    (folder / "a.txt").write_text("changed")
    listed(tmp_path, folder)
    assert hashed == ["a.txt"]


def test_a_file_of_the_same_size_and_another_time_is_hashed_again(tmp_path: Path, folder: Path) -> None:
    before = listed(tmp_path, folder).digests()
    (folder / "a.txt").write_text("b")
    os.utime(folder / "a.txt", ns=(1, 1))
    assert listed(tmp_path, folder).digests() != before


@pytest.mark.parametrize("damage", ["", "{", '{"version": 2}', '{"version": 1, "files": {"a": 1}}', "[]", "\xff"])
def test_a_damaged_cache_only_costs_time(tmp_path: Path, folder: Path, damage: str) -> None:
    before = listed(tmp_path, folder)
    (tmp_path / "cache" / "hashes.json").write_bytes(damage.encode("latin-1"))
    assert listed(tmp_path, folder) == before


def test_the_cache_forgets_files_that_are_gone_and_keeps_other_sources(tmp_path: Path, folder: Path) -> None:
    listed(tmp_path, folder)
    (folder / "a.txt").unlink()
    listed(tmp_path, folder / "deep")
    names = {Path(path).name for path in json.loads((tmp_path / "cache" / "hashes.json").read_bytes())["files"]}
    assert names == {"b.md", "c.txt"}
    listed(tmp_path, folder / "deep" / "b.md")
    assert "c.txt" in (tmp_path / "cache" / "hashes.json").read_text()


def test_changes_are_said_in_one_sentence(tmp_path: Path, folder: Path) -> None:
    listed(tmp_path, folder).save(tmp_path)
    assert listed(tmp_path, folder).changes(tmp_path) == ""
    for number in range(3):
        (folder / f"new{number}.txt").write_text("x")
    (folder / "a.txt").write_text("changed")
    (folder / "deep" / "b.md").unlink()
    (folder / "deep" / "er" / "c.txt").unlink()
    assert listed(tmp_path, folder).changes(tmp_path) == "3 new files, 1 changed, 2 gone"


def test_a_single_change_is_said_in_the_singular(tmp_path: Path, folder: Path) -> None:
    listed(tmp_path, folder).save(tmp_path)
    (folder / "a.txt").write_text("changed")
    assert listed(tmp_path, folder).changes(tmp_path) == "1 changed file"


def test_without_an_earlier_listing_the_files_are_other_files(tmp_path: Path, folder: Path) -> None:
    assert listed(tmp_path, folder).changes(tmp_path / "none") == "other files"


def test_a_saved_listing_names_no_place_on_this_machine(tmp_path: Path, folder: Path) -> None:
    listed(tmp_path, folder).save(tmp_path)
    assert str(tmp_path) not in (tmp_path / "listing.json").read_text()


@pytest.mark.parametrize("path", ["missing", "missing/*.txt", "empty", "x" * 5000])
def test_a_source_that_holds_nothing_is_an_error_with_its_name(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"source s0") as caught:
        listed(tmp_path, tmp_path / path)
    assert caught.value.exit_code == 2


def test_an_empty_folder_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="a file, folder or glob with text at .*got an empty folder"):
        listed(tmp_path, tmp_path / "empty")


def test_a_folder_with_hidden_files_alone_says_so(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / ".hidden").write_text("x")
    with pytest.raises(SourceError, match="1 hidden"):
        listed(tmp_path, tmp_path / "texts")


def test_a_pipe_is_no_source(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="1 special"):
        listed(tmp_path, tmp_path / "pipe")


def test_an_unknown_built_in_source_is_explained(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="builtin:python-docs"):
        listed(tmp_path, "builtin:python")


def test_a_file_the_system_refuses_is_listed_as_unreadable(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError

    monkeypatch.setattr(hashes, "file_digest", refuse)
    assert {info.digest for info in listed(tmp_path, folder).sources["s0"].files.values()} == {"unreadable"}


def test_the_built_in_documentation_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = listed(tmp_path, builtin.PYTHON_DOCS)
    hashed = count_hashes(monkeypatch)
    assert listed(tmp_path, builtin.PYTHON_DOCS) == before
    assert hashed == []


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def test_files_behind_a_url_are_listed_and_another_version_is_told(
    tmp_path: Path, memory: fsspec.AbstractFileSystem
) -> None:
    memory.pipe("/bucket/a.txt", b"one")
    before = listed(tmp_path, "memory://bucket")
    assert listed(tmp_path, "memory://bucket").digests() == before.digests()
    memory.pipe("/bucket/a.txt", b"two")
    assert listed(tmp_path, "memory://bucket").digests() != before.digests()


def test_a_url_of_this_machines_files_is_a_path(tmp_path: Path, folder: Path) -> None:
    (folder / "a b.txt").write_text("x")
    assert list(listed(tmp_path, f"file://{folder}/a%20b.txt").sources["s0"].files) == ["a b.txt"]
    assert listed(tmp_path, f"file://{folder}").digests() == listed(tmp_path, folder).digests()


def test_nothing_behind_a_url_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a file, folder or glob with text at 'memory://none' .*got nothing there"):
        listed(tmp_path, "memory://none")


def test_a_file_without_any_mark_counts_as_changed_in_each_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = remote.RemoteFile("https://host.example/a.txt", None, "")
    monkeypatch.setattr(remote, "list_url", lambda *_: {"a.txt": file})
    first, second = (listed(tmp_path, "https://host.example/a.txt") for _ in range(2))
    assert first.digests() != second.digests()
    assert first.digest("s0") == second.digest("s0")
    assert first.mark(first.sources["s0"].files["a.txt"]) != second.mark(second.sources["s0"].files["a.txt"])
    first.save(tmp_path)
    assert second.changes(tmp_path) == "files that nothing tells from their next version"


def test_a_data_set_of_the_hub_is_unchanged_as_long_as_its_revision_is(tmp_path: Path) -> None:
    def digests(**fields: Any) -> dict[str, str]:
        source = SourceConfig(name="s", path="dataset:owner/name", **fields)
        return list_sources(CorpusConfig(sources=(source,)), tmp_path / "cache.json").digests()

    assert digests(revision="v1") == digests(revision="v1")
    assert digests(revision="v1") != digests(revision="v2")
    assert digests(revision="v1", split="test") != digests(revision="v1")
    assert digests() != digests()


def test_a_data_set_in_a_folder_is_unchanged_as_long_as_its_files_are(tmp_path: Path, folder: Path) -> None:
    before = listed(tmp_path, f"dataset:{folder}").digests()
    assert listed(tmp_path, f"dataset:{folder}").digests() == before
    (folder / "a.txt").write_text("changed")
    assert listed(tmp_path, f"dataset:{folder}").digests() != before


def expiring(tmp_path: Path, folder: Path, as_of: str, *sources: dict[str, Any]) -> Listing:
    configs = tuple(SourceConfig(path=str(folder), **fields) for fields in sources)
    corpus = CorpusConfig(sources=configs, as_of=date.fromisoformat(as_of))
    return list_sources(corpus, tmp_path / "cache.json")


def test_a_source_is_left_out_after_its_last_day_and_only_then_changes(tmp_path: Path, folder: Path) -> None:
    sources = [{"name": "old", "keep_until": date(2026, 1, 31)}, {"name": "new"}]
    early, last, past, later = (
        expiring(tmp_path, folder, day, *sources) for day in ("2025-06-01", "2026-01-31", "2026-02-01", "2027-01-01")
    )
    assert early.digests() == last.digests() != past.digests() == later.digests()
    assert early.digests()["source:new"] == past.digests()["source:new"]
    assert past.sources["old"].left_out == "may be used until 2026-01-31"
    assert past.sources["old"].files == {}
    assert last.sources["old"].left_out == ""


def test_a_source_past_its_last_day_is_not_even_looked_at(tmp_path: Path, folder: Path) -> None:
    gone = SourceConfig(name="gone", path=str(tmp_path / "none"), keep_until=date(2020, 1, 1))
    corpus = CorpusConfig(sources=(gone, SourceConfig(name="s", path=str(folder))))
    assert list_sources(corpus, tmp_path / "cache.json").sources["gone"].left_out


def test_sources_that_are_all_past_their_last_day_stop_the_run(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(SourceError, match=r"at least one source .*old \(may be used until 2020-01-01\)"):
        expiring(tmp_path, folder, "2026-01-01", {"name": "old", "keep_until": date(2020, 1, 1)})
