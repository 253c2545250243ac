"""Data sets as streams: a folder of this machine, and streams that fail."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest

from gptmodel.config import SourceConfig
from gptmodel.corpus.sources.hub import first_rows, folder_of, is_dataset, mark_of, read_dataset, stream_path
from gptmodel.corpus.sources.quarantine import Rejected
from gptmodel.errors import SourceError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.jsonl").write_text('{"text": "one", "id": 7}\n{"text": null, "id": 8}\n{"text": "three"}\n')
    (tmp_path / "test.jsonl").write_text('{"text": "held out", "id": 1}\n')
    return tmp_path


def source_of(path: str | Path, **fields: Any) -> SourceConfig:
    return SourceConfig(name="s", path=f"dataset:{path}", **fields)


def read(source: SourceConfig) -> list[tuple[int, str | None, str]]:
    return [
        (item.position, None, item.reason)
        if isinstance(item, Rejected)
        else (item.position, item.id, "".join(item.chunks))
        for item in read_dataset(source)
    ]


def test_a_folder_is_read_as_a_data_set(folder: Path) -> None:
    assert read(source_of(folder, id_column="id")) == [(1, "7", "one"), (2, None, "no_text_column"), (3, None, "three")]


def test_the_configured_split_is_read(folder: Path) -> None:
    assert read(source_of(folder, split="test")) == [(1, None, "held out")]


def test_a_data_set_without_the_text_column_is_set_aside(folder: Path) -> None:
    assert read(source_of(folder, text_column="body")) == [(0, None, "no_text_column")]


@pytest.mark.parametrize("fields", [{"split": "dev"}, {"subset": "large"}])
def test_a_split_or_subset_that_is_not_there_is_an_error(folder: Path, fields: dict[str, str]) -> None:
    with pytest.raises(SourceError, match="Check its name, subset, split and revision"):
        read(source_of(folder, **fields))


def test_without_a_network_the_error_says_so() -> None:
    with pytest.raises(SourceError, match=r"the data set 'owner/name', split 'train' .*OfflineModeIsEnabled"):
        read(source_of("owner/name"))


def test_a_bare_name_never_reads_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SourceError, match="OWNER/NAME"):
        read(source_of("json"))


def test_a_damaged_file_of_a_data_set_is_set_aside(folder: Path) -> None:
    (folder / "train.jsonl").write_text('{"text": "one"}\n{broken\n')
    assert read(source_of(folder))[-1][2] == "broken_file"


def stream_of(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def rows() -> Iterator[dict[str, str]]:
        yield {"text": "one"}
        raise error

    stream = datasets.IterableDataset.from_generator(rows)
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: stream)


def test_a_stream_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stream_of(monkeypatch, ConnectionResetError("the line went dead"))
    with pytest.raises(SourceError, match="ConnectionResetError: the line went dead"):
        read(source_of("owner/name"))


def test_a_stream_with_damaged_data_keeps_what_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    stream_of(monkeypatch, ValueError("no valid table"))
    assert read(source_of("owner/name")) == [(1, None, "one"), (2, None, "broken_file")]


def test_the_first_rows_are_given_as_they_stand(folder: Path) -> None:
    assert first_rows(source_of(folder), 1) == [{"text": "one", "id": 7}]


def test_only_a_revision_tells_a_data_set_of_the_hub_from_its_next_version() -> None:
    assert mark_of(source_of("a/b")) is None
    assert mark_of(source_of("a/b", revision="v1")) != mark_of(source_of("a/b", revision="v2"))
    assert folder_of(source_of("no/such")) is None


def test_documents_lie_under_their_subset_and_split() -> None:
    assert stream_path(source_of("a/b")) == "train"
    assert stream_path(source_of("a/b", subset="en", split="test")) == "en/test"
    assert is_dataset("dataset:a/b")
    assert not is_dataset("data/set")
