"""The forecast of a training's time, and the refusal when it can't end."""

import pytest

from gptmodel.config_file import load_config
from gptmodel.errors import ConfigError
from gptmodel.forecast import count_parameters, refuse_if_too_large, training_seconds
from gptmodel.model import GPTModel


@pytest.mark.parametrize("settings", [[], ["model.activation=swiglu"], ["model.tie_embeddings=false"]])
def test_the_forecast_knows_the_models_size_within_two_percent(settings: list[str]) -> None:
    config = load_config("tiny", settings)
    model = GPTModel(config.tokenizer.vocab_size, **config.model.model_dump())
    assert count_parameters(config.model, config.tokenizer.vocab_size) == pytest.approx(
        model.num_parameters(), rel=0.02
    )


def test_the_small_preset_is_refused_on_two_cores() -> None:
    with pytest.raises(ConfigError, match=r"about \d+ days.*--anyway"):
        refuse_if_too_large(load_config("small"), num_cores=2, gpu=False)


def test_a_time_budget_makes_it_acceptable() -> None:
    refuse_if_too_large(load_config("small", ["training.max_seconds=600"]), num_cores=2, gpu=False)


def test_twice_the_cores_halve_the_time() -> None:
    config = load_config("tiny")
    one, two = (training_seconds(config, num_cores=n, gpu=False) for n in (1, 2))
    assert one == pytest.approx(2 * two)


@pytest.mark.parametrize("preset", ["smoke", "tiny"])
def test_the_presets_for_laptops_are_not_refused(preset: str) -> None:
    refuse_if_too_large(load_config(preset), num_cores=1, gpu=False)
