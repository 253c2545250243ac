"""The config tree: presets, overrides, errors that teach."""

import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gptmodel.config import (
    PRESETS,
    Config,
    SearchedKind,
    Section,
    UnsearchedKind,
    fingerprint_section,
    load_config,
    to_toml,
)
from gptmodel.corpus.scrubbing import KINDS, UNSEARCHED
from gptmodel.errors import ConfigError


def all_sections(model: type[BaseModel] = Config) -> list[type[BaseModel]]:
    found = [model]
    for field in model.model_fields.values():
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, Section):
                found += all_sections(part)
    return found


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_complete_and_reads_back_from_its_own_toml(preset: str, tmp_path: Path) -> None:
    config = load_config(preset)
    path = tmp_path / "config.toml"
    path.write_text(to_toml(config), encoding="utf-8")
    assert load_config(path) == config


@pytest.mark.parametrize("section", all_sections()[1:])
def test_every_field_has_a_description(section: type[BaseModel]) -> None:
    assert [name for name, field in section.model_fields.items() if not field.description] == []


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


@pytest.mark.parametrize(
    "overrides",
    [
        ["training.max_steps=-1"],
        ["model.num_heads=3"],
        ["split.test_ratio=0.9"],
        ["corpus.sources=[]"],
        ["training.optimizer=sgd"],
        ["training.max_steps"],
        ["training=3", "training.max_steps=2"],
        ["training.learning_rate=inf"],
        ["training.gradient_clip=nan"],
        ["registry.min_improvement=inf"],
        ['scrubbing.kinds=["EMIAL"]'],
        ['scrubbing.kinds=["ADDRESS"]'],
        ['scrubbing.accept_unsearched=["address"]'],
    ],
)
def test_a_value_out_of_range_is_refused(overrides: list[str]) -> None:
    with pytest.raises(ConfigError):
        load_config("tiny", overrides)


def test_an_unknown_preset_is_refused_and_the_nearest_offered() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'tiny'"):
        load_config("tinny")


def test_a_broken_file_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("preset = \n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 1"):
        load_config(path)


def test_two_sources_of_one_name_are_refused() -> None:
    sources: list[dict[str, Any]] = [{"name": "a", "path": "/x"}, {"name": "a", "path": "/y"}]
    with pytest.raises(ConfigError, match="unique"):
        load_config({"corpus": {"sources": sources}})


def test_checkpoint_interval_stays_out_of_the_fingerprint() -> None:
    one, two = (load_config("tiny", [f"training.checkpoint_interval={n}"]) for n in (10, 20))
    assert fingerprint_section(one.training) == fingerprint_section(two.training)


def test_a_config_can_not_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_config("tiny").training.max_steps = 3  # type: ignore[misc]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_reads_back_from_the_toml(text: str) -> None:
    config = load_config({"training": {"sample_prompt": text}, "corpus": {"sources": [{"name": "a", "path": text}]}})
    assert load_config(tomllib.loads(to_toml(config))) == config


def test_a_preset_among_the_overrides_is_refused_and_config_named() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("tiny", ["preset=small"])
    assert "--config small" in caught.value.mend


def test_the_kinds_are_those_of_the_scrubbing() -> None:
    assert get_args(SearchedKind) == KINDS
    assert get_args(UnsearchedKind) == UNSEARCHED


def test_an_unknown_kind_is_refused_with_the_names() -> None:
    with pytest.raises(ConfigError, match="EMAIL.*PERSON"):
        load_config("tiny", ['scrubbing.kinds=["EMIAL"]'])


@pytest.mark.parametrize("line", ["0 3 1 * *", "*/15 0-6,22 L JAN-mar mon,5", "5/10 * * * 7"])
def test_a_cron_line_is_taken(line: str) -> None:
    assert load_config({"schedule": {"cron": line}}).schedule.cron == line


@pytest.mark.parametrize(
    "line",
    [
        "",
        "daily",
        "@daily",
        "0 3 1 *",
        "0 3 1 * * *",
        "60 * * * *",
        "* * 0 * *",
        "* * * * mo",
        "*/0 * * * *",
        "1, * * * *",
    ],
)
def test_a_malformed_cron_line_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match=r"schedule\.cron: a cron line of five fields"):
        load_config({"schedule": {"cron": line}})
