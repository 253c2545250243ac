from pathlib import Path

import pytest

from flows.starter import write_starter
from gptmodel.config_file import load_config
from gptmodel.errors import ConfigError, SourceError


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "a.txt").write_text("A plain text about nothing.")
    return path


def test_the_config_written_loads_back_to_the_same_source(tmp_path: Path) -> None:
    source = folder(tmp_path / "My Texts")
    lines = list(write_starter(tmp_path / "mine.toml", str(source)))
    config = load_config(tmp_path / "mine.toml")
    assert [one.path for one in config.corpus.sources] == [str(source)]
    assert config.corpus.sources[0].personal_data == "unknown"
    assert config.preset == "tiny"
    assert "1 files" in lines[0]
    assert f"gptmodel run --config {tmp_path / 'mine.toml'}" in lines[-1]


@pytest.mark.parametrize(
    "name", ['say "hi"', "it's", "back\\slash", "{braces}", "文本", "tab\there", "line\nbreak", "#"]
)
def test_any_path_survives(tmp_path: Path, name: str) -> None:
    source = folder(tmp_path / name)
    list(write_starter(tmp_path / f"{name}.toml", str(source)))
    assert load_config(tmp_path / f"{name}.toml").corpus.sources[0].path == str(source)


def test_a_relative_source_is_written_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder(tmp_path / "texts")
    monkeypatch.chdir(tmp_path)
    list(write_starter(Path("mine.toml"), "texts"))
    assert load_config("mine.toml").corpus.sources[0].path == str(source)


def test_a_built_in_source_keeps_its_name(tmp_path: Path) -> None:
    list(write_starter(tmp_path / "mine.toml", "builtin:sample"))
    assert load_config(tmp_path / "mine.toml").corpus.sources[0].path == "builtin:sample"


def test_a_data_set_keeps_its_name(tmp_path: Path) -> None:
    source = folder(tmp_path / "set")
    (source / "train.jsonl").write_text('{"story": "a long text that is the only one in the record"}\n' * 3)
    list(write_starter(tmp_path / "mine.toml", f"dataset:{source}"))
    written = load_config(tmp_path / "mine.toml").corpus.sources[0]
    assert (written.path, written.text_column) == (f"dataset:{source}", "story")


def test_the_column_with_the_text_is_found(tmp_path: Path) -> None:
    source = tmp_path / "records"
    source.mkdir()
    (source / "a.jsonl").write_text(
        '{"id": "1", "say \\"it\\"": "a long text that is the only one in the record"}\n' * 3
    )
    list(write_starter(tmp_path / "mine.toml", str(source)))
    assert load_config(tmp_path / "mine.toml").corpus.sources[0].text_column == 'say "it"'


def test_an_existing_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("mine")
    with pytest.raises(ConfigError, match="not to exist yet"):
        list(write_starter(tmp_path / "mine.toml", str(folder(tmp_path / "texts"))))
    assert (tmp_path / "mine.toml").read_text() == "mine"


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        list(write_starter(tmp_path / "no" / "mine.toml", str(folder(tmp_path / "texts"))))


def test_a_source_that_is_not_there_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        list(write_starter(tmp_path / "mine.toml", str(tmp_path / "no")))
    assert not (tmp_path / "mine.toml").exists()
