"""The config tree: bounds, what stays out of a fingerprint, what is refused."""

from datetime import date
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from gptmodel.config import Config, SearchedKind, Section, dated, fingerprint_section
from gptmodel.config_file import load_config
from gptmodel.corpus.scrubbing import KINDS, UNSEARCHED
from gptmodel.errors import ConfigError


def all_sections(model: type[BaseModel] = Config) -> list[type[BaseModel]]:
    found = [model]
    for field in model.model_fields.values():
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, Section):
                found += all_sections(part)
    return found


@pytest.mark.parametrize("section", all_sections()[1:])
def test_every_field_has_a_description(section: type[BaseModel]) -> None:
    assert [name for name, field in section.model_fields.items() if not field.description] == []


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
        ['scrubbing.kinds=["address"]'],
        ['scrubbing.accept_unsearched=["address"]'],
    ],
)
def test_a_value_out_of_range_is_refused(overrides: list[str]) -> None:
    with pytest.raises(ConfigError):
        load_config("tiny", overrides)


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


def test_the_kinds_are_those_of_the_scrubbing() -> None:
    assert get_args(SearchedKind) == KINDS
    assert set(UNSEARCHED) <= set(KINDS)


def test_an_unknown_kind_is_refused_with_the_names() -> None:
    with pytest.raises(ConfigError, match="EMAIL.*PERSON"):
        load_config("tiny", ['scrubbing.kinds=["EMIAL"]'])


def test_a_malformed_cron_line_is_refused_with_what_it_should_be() -> None:
    with pytest.raises(ConfigError, match=r"schedule\.cron: a cron line of five fields"):
        load_config({"schedule": {"cron": "daily"}})


def test_the_day_of_the_run_counts_where_none_is_named() -> None:
    assert dated(load_config("smoke"), date(2026, 3, 1)).corpus.as_of == date(2026, 3, 1)
    named = load_config("smoke", ["corpus.as_of=2025-01-31"])
    assert dated(named, date(2026, 3, 1)).corpus.as_of == date(2025, 1, 31)


def test_the_day_of_the_run_stays_out_of_the_fingerprint() -> None:
    one, two = (dated(load_config("smoke"), date(2026, 3, day)) for day in (1, 2))
    assert fingerprint_section(one.corpus) == fingerprint_section(two.corpus)
