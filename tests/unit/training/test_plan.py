"""What is decided before step 0: once, written down, and followed by every later attempt."""

from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.errors import ResumeError
from gptmodel.runtime import Runtime
from gptmodel.store import digest_of
from gptmodel.training import plan as room
from gptmodel.training.plan import TrainingPlan, adapted, plan_training, read_plan, write_plan

SHAPE = ModelConfig(embedding_dim=16, hidden_dim=32, num_layers=1, num_heads=2, context_length=8)


def plan_of(device: Literal["cpu", "cuda"], compiled: bool) -> TrainingPlan:
    chosen = Runtime(device=device, num_threads=3, precision="bf16", compiled=compiled)
    return TrainingPlan(facts="", runtime=chosen, num_steps=7)


def test_a_plan_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runtime.json"
    first = plan_training(path, {"a": 1}, SHAPE, TrainingConfig(num_threads=1), 300)
    monkeypatch.setattr(room, "choose_runtime", lambda *_: pytest.fail("asked again"))
    assert plan_training(path, {"a": 1}, SHAPE, TrainingConfig(num_threads=1), 300) == first


@pytest.mark.parametrize("content", ["", "{}", '{"facts": 1}'])
def test_a_damaged_plan_is_made_again(tmp_path: Path, content: str) -> None:
    path = tmp_path / "runtime.json"
    path.write_text(content)
    assert plan_training(path, {"a": 1}, SHAPE, TrainingConfig(num_threads=1), 300).runtime.num_threads == 1


def test_a_plan_for_other_data_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "runtime.json"
    plan_training(path, {"a": 1}, SHAPE, TrainingConfig(num_threads=1, max_steps=5), 300)
    assert plan_training(path, {"a": 2}, SHAPE, TrainingConfig(num_threads=1, max_steps=9), 300).num_steps == 9


def test_a_training_begun_on_a_gpu_is_not_gone_on_with_on_a_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"facts": digest_of({"a": 1})}
    write_plan(tmp_path / "runtime.json", plan_of("cuda", compiled=False).model_copy(update=facts))
    monkeypatch.setattr(room, "find_device", lambda: ("cpu", ""))
    with pytest.raises(ResumeError, match="the GPU that this training began on"):
        plan_training(tmp_path / "runtime.json", {"a": 1}, SHAPE, TrainingConfig(num_threads=1), 300)


@pytest.mark.parametrize(("seconds_of_step", "steps"), [(0.5, 18), (0.001, 300), (60.0, 1)])
def test_a_time_budget_scales_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds_of_step: float, steps: int
) -> None:
    def measure(*_: Any) -> float:
        return seconds_of_step

    monkeypatch.setattr(room, "_seconds_of_step", measure)
    monkeypatch.setattr(room.time, "monotonic", lambda: 0.0)
    config = TrainingConfig(num_threads=1, max_seconds=10, max_steps=300, eval_interval=10**9)
    assert plan_training(tmp_path / "runtime.json", {}, SHAPE, config, 300).num_steps == steps


def test_a_step_is_measured_without_touching_the_callers_generator(tmp_path: Path) -> None:
    state = torch.get_rng_state()
    config = TrainingConfig(num_threads=1, max_seconds=1000, max_steps=3, batch_size=2)
    assert plan_training(tmp_path / "runtime.json", {}, SHAPE, config, 300).num_steps == 3
    assert torch.equal(torch.get_rng_state(), state)


def test_choices_that_this_machine_can_make_are_kept_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_device", lambda: ("cuda", ""))
    plan = plan_of("cpu", compiled=False)
    assert adapted(plan) == (plan, ())


def test_a_gpu_or_a_compiler_that_is_missing_is_said_and_the_rest_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_device", lambda: ("cpu", ""))
    monkeypatch.setattr("shutil.which", lambda _: None)
    there = plan_of("cpu", compiled=False)
    plan, words = adapted(plan_of("cuda", compiled=True))
    assert (plan, words) == (there, ("it was trained on a GPU, and torch finds none here: on the CPU",))
    plan, words = adapted(plan_of("cpu", compiled=True))
    assert (plan, words) == (there, ("its step was compiled, and there is no C++ compiler here: not compiled",))


def test_a_plan_that_is_gone_or_damaged_is_none(tmp_path: Path) -> None:
    assert read_plan(tmp_path / "runtime.json") is None
    (tmp_path / "runtime.json").write_text("{}")
    assert read_plan(tmp_path / "runtime.json") is None
