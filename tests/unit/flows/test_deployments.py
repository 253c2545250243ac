from pathlib import Path

import pytest

from flows.deployments import parameters_of
from gptmodel.config import Config
from gptmodel.config_file import load_config
from gptmodel.errors import SourceError


def config_of(path: str) -> Config:
    source = {"name": "notes", "path": path}
    return load_config({"preset": "smoke", "corpus": {"sources": [source]}})


def path_of(path: str) -> str:
    return str(parameters_of(config_of(path))["config"]["corpus"]["sources"][0]["path"])


@pytest.mark.parametrize("path", ["notes", "./notes/", "../notes", "notes/*.md"])
def test_a_relative_source_becomes_the_place_it_names_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    expected = {
        "notes": "here/notes", "./notes/": "here/notes", "../notes": "notes", "notes/*.md": "here/notes/*.md",
    }  # fmt: skip
    assert path_of(path) == str(tmp_path / expected[path])


def test_a_source_in_the_home_folder_is_found_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of("~/notes") == str(tmp_path / "notes")


@pytest.mark.parametrize("path", ["/data/notes", "builtin:python-docs", "builtin:sample", "https://example.org/a.txt"])
def test_any_other_source_stays_as_it_is(path: str) -> None:
    assert path_of(path) == path


def test_the_flow_reads_the_same_config_from_its_parameters() -> None:
    config = config_of("/data/notes")
    parameters = parameters_of(config)
    assert load_config({"preset": parameters["preset"]} | parameters["config"]) == config


def test_a_url_with_a_secret_in_it_is_not_deployed() -> None:
    with pytest.raises(SourceError, match="a URL without a password") as told:
        path_of("https://example.org/a.txt?token=abc123")
    assert "abc123" not in str(told.value)
