"""A config from presets, files, mappings and overrides, and back: errors that teach."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import PRESETS
from gptmodel.config_file import load_config, to_toml
from gptmodel.errors import ConfigError


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_complete_and_reads_back_from_its_own_toml(preset: str, tmp_path: Path) -> None:
    config = load_config(preset)
    path = tmp_path / "config.toml"
    path.write_text(to_toml(config), encoding="utf-8")
    assert load_config(path) == config


def test_a_file_overrides_the_preset_it_starts_from(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('preset = "smoke"\n[training]\nmax_steps = 7\n', encoding="utf-8")
    config = load_config(path)
    assert (config.training.max_steps, config.training.batch_size) == (7, load_config("smoke").training.batch_size)


def test_a_sparse_mapping_is_a_complete_value() -> None:
    config = load_config({"preset": "smoke", "training": {"max_steps": 20}})
    assert (config.preset, config.training.max_steps) == ("smoke", 20)


def test_overrides_are_read_as_toml_or_as_plain_text() -> None:
    config = load_config("tiny", ["training.max_steps=20", "training.sample_prompt=Once upon", "dedup.near=false"])
    assert (config.training.max_steps, config.training.sample_prompt, config.dedup.near) == (20, "Once upon", False)


def test_sources_on_the_command_line_replace_the_presets_and_get_distinct_names() -> None:
    config = load_config("tiny", sources=["/a/Texts", "/b/texts/", "/c/日记"])
    assert [source.name for source in config.corpus.sources] == ["texts", "texts-2", "source"]


@pytest.mark.parametrize(
    ("overrides", "mend"),
    [
        (["trainin.max_steps=2"], "Did you mean 'training'"),
        (["training.max_step=2"], "Did you mean 'max_steps'"),
        (["privacy.planted.enable=true"], "Did you mean 'enabled'"),
    ],
)
def test_an_unknown_key_is_refused_and_the_nearest_offered(overrides: list[str], mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("tiny", overrides)
    assert mend in caught.value.mend


def test_an_unknown_preset_is_refused_and_the_nearest_offered() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'tiny'"):
        load_config("tinny")


def test_a_broken_file_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("preset = \n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 1"):
        load_config(path)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_reads_back_from_the_toml(text: str) -> None:
    config = load_config({"training": {"sample_prompt": text}, "corpus": {"sources": [{"name": "a", "path": text}]}})
    assert load_config(tomllib.loads(to_toml(config))) == config


def test_a_preset_among_the_overrides_is_refused_and_config_named() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("tiny", ["preset=small"])
    assert "--config small" in caught.value.mend


@pytest.mark.parametrize(
    ("override", "where", "mend"),
    [
        ('scrubbing.accept_unsearched=["ADRESS"]', "scrubbing.accept_unsearched.0 ", "Did you mean 'ADDRESS'?"),
        ('scrubbing.kinds=["email"]', "scrubbing.kinds.0 ", "Did you mean 'EMAIL'?"),
        ("scrubbing.replacement=pseudonim", "scrubbing.replacement ", "Did you mean 'pseudonym'?"),
        ("scrubbing.replacement=3", "scrubbing.replacement ", "Set scrubbing.replacement to one of these."),
    ],
)
def test_a_misspelt_value_is_refused_and_the_nearest_offered(override: str, where: str, mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("tiny", [override])
    assert caught.value.expected.startswith(f"{where}to be one of ")
    assert caught.value.mend == mend


def test_the_values_there_are_stand_once_in_the_message() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("tiny", ['scrubbing.accept_unsearched=["STREET"]'])
    assert str(caught.value).count("CREDIT_CARD") == 1


def test_a_value_like_none_of_those_there_are_gets_no_guess() -> None:
    source = {"name": "a", "path": "a", "personal_data": "maybe"}
    with pytest.raises(ConfigError) as caught:
        load_config({"corpus": {"sources": [source]}})
    assert caught.value.expected == "corpus.sources.0.personal_data to be one of yes, no, unknown"
    assert caught.value.mend == "Set corpus.sources.0.personal_data to one of these."


@pytest.mark.parametrize("name", ["mine.toml", "folder/mine"])
def test_a_file_that_is_not_there_is_said_not_to_exist(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="a file that does not exist. Check the path."):
        load_config(tmp_path / name)


def test_a_folder_is_said_to_be_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="which is no file"):
        load_config(tmp_path)
