"""The recipes of our side fit the trainer, and read as many tokens as the peer where that is asked."""

import tomllib

import pytest

from benchmarks.char_sides import CPU, GPU, Setting
from benchmarks.processes import CHECKOUT
from gptmodel.config import ModelConfig, TrainingConfig


@pytest.mark.parametrize("setting", [CPU, GPU])
@pytest.mark.parametrize("question", ["same_tokens", "within_time", "reach"])
def test_a_recipe_is_settings_of_the_trainer(setting: Setting, question: str) -> None:
    recipe = tomllib.loads((CHECKOUT / "benchmarks" / setting.recipe).read_text())
    assert ModelConfig(**recipe["model"]).context_length == setting.window
    training = TrainingConfig(**{**recipe["training"], **recipe[question]})
    if question == "same_tokens":
        assert training.batch_size * training.max_steps == setting.batch_size * setting.num_steps
