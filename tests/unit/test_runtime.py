"""The choices that depend on the machine: bounded by what the process may use, and never silent about a GPU."""

import warnings
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from gptmodel import runtime
from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.errors import ResumeError
from gptmodel.runtime import (
    OLD_DRIVER,
    Runtime,
    TrainingPlan,
    adapted,
    choose_runtime,
    find_device,
    plan_training,
    read_plan,
    usable_cores,
)  # fmt: skip

CPU = Runtime(device="cpu", num_threads=1, precision="fp32", compiled=False)
SHAPE = ModelConfig(embedding_dim=16, hidden_dim=32, num_layers=1, num_heads=2, context_length=8)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "250000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu.max": "nonsense"}, 8),
    ],
)
def test_cores_are_bounded_by_the_control_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], cores: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert usable_cores(tmp_path) == cores


@pytest.mark.parametrize(("fast", "precision"), [(True, "bf16"), (False, "fp32")])
def test_a_short_training_is_not_compiled_but_takes_the_fast_precision(
    monkeypatch: pytest.MonkeyPatch, fast: bool, precision: str
) -> None:
    monkeypatch.setattr(runtime, "find_device", lambda: ("cpu", ""))
    monkeypatch.setattr(runtime, "has_fast_bf16", lambda: fast)
    chosen = choose_runtime(TrainingConfig(), num_parameters=100_000, num_tokens=100_000)
    assert (chosen.compiled, chosen.precision) == (False, precision)


def test_a_long_training_is_compiled_where_the_cpu_has_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_device", lambda: ("cpu", ""))
    monkeypatch.setattr(runtime, "has_fast_bf16", lambda: True)
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/g++")
    chosen = choose_runtime(TrainingConfig(), num_parameters=100_000_000, num_tokens=100_000_000)
    assert (chosen.compiled, chosen.precision) == (True, "bf16")


def test_without_a_c_compiler_nothing_is_compiled_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_device", lambda: ("cpu", ""))
    monkeypatch.setattr(runtime, "has_fast_bf16", lambda: True)
    monkeypatch.setattr("shutil.which", lambda _: None)
    chosen = choose_runtime(TrainingConfig(), num_parameters=100_000_000, num_tokens=100_000_000)
    assert not chosen.compiled


def test_a_gpu_takes_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_device", lambda: ("cuda", ""))
    assert choose_runtime(TrainingConfig(), 1, 1).precision == "bf16"


def test_what_the_config_demands_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_device", lambda: ("cpu", ""))
    demanded = TrainingConfig(num_threads=3, precision="bf16", compile="always")
    chosen = choose_runtime(demanded, 1, 1)
    assert (chosen.num_threads, chosen.precision, chosen.compiled) == (3, "bf16", True)


def test_a_driver_that_is_too_old_is_said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def warn() -> bool:
        warnings.warn("The NVIDIA driver on your system is too old (found version 11040)", stacklevel=1)
        return False

    monkeypatch.setattr(torch.cuda, "is_available", warn)
    assert find_device() == ("cpu", OLD_DRIVER)
    assert choose_runtime(TrainingConfig(), 1, 1).note == OLD_DRIVER
    assert OLD_DRIVER in caplog.text


def test_a_plan_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runtime.json"
    first = plan_training(path, {"a": 1}, SHAPE, TrainingConfig(num_threads=1), 300)
    monkeypatch.setattr(runtime, "choose_runtime", lambda *_: pytest.fail("asked again"))
    assert plan_training(path, {"a": 1}, SHAPE, TrainingConfig(num_threads=1), 300) == first


@pytest.mark.parametrize("content", ["", "{}", '{"facts": 1}'])
def test_a_damaged_plan_is_made_again(tmp_path: Path, content: str) -> None:
    path = tmp_path / "runtime.json"
    path.write_text(content)
    assert plan_training(path, {"a": 1}, SHAPE, TrainingConfig(num_threads=1), 300).runtime.num_threads == 1


def test_a_plan_for_other_data_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "runtime.json"
    plan_training(path, {"a": 1}, SHAPE, TrainingConfig(max_steps=5), 300)
    assert plan_training(path, {"a": 2}, SHAPE, TrainingConfig(max_steps=9), 300).num_steps == 9


def test_a_training_begun_on_a_gpu_is_not_gone_on_with_on_a_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "find_device", lambda: ("cuda", ""))
    plan_training(tmp_path / "runtime.json", {"a": 1}, SHAPE, TrainingConfig(), 300)
    monkeypatch.setattr(runtime, "find_device", lambda: ("cpu", ""))
    with pytest.raises(ResumeError, match="the GPU that this training began on"):
        plan_training(tmp_path / "runtime.json", {"a": 1}, SHAPE, TrainingConfig(), 300)


@pytest.mark.parametrize(("seconds_of_step", "steps"), [(0.5, 18), (0.001, 300), (60.0, 1)])
def test_a_time_budget_scales_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds_of_step: float, steps: int
) -> None:
    def measure(*_: Any) -> float:
        return seconds_of_step

    monkeypatch.setattr(runtime, "_seconds_of_step", measure)
    monkeypatch.setattr(runtime.time, "monotonic", lambda: 0.0)
    config = TrainingConfig(max_seconds=10, max_steps=300, eval_interval=10**9)
    assert plan_training(tmp_path / "runtime.json", {}, SHAPE, config, 300).num_steps == steps


def test_a_step_is_measured_without_touching_the_callers_generator(tmp_path: Path) -> None:
    state = torch.get_rng_state()
    config = TrainingConfig(max_seconds=1000, max_steps=3, batch_size=2, num_threads=1)
    assert plan_training(tmp_path / "runtime.json", {}, SHAPE, config, 300).num_steps == 3
    assert torch.equal(torch.get_rng_state(), state)


def test_threads_and_generator_are_left_as_they_were() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with runtime.settled(CPU.model_copy(update={"num_threads": threads + 1}), 5):
        assert torch.get_num_threads() == threads + 1
        torch.rand(1)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def plan_of(device: Literal["cpu", "cuda"], compiled: bool) -> TrainingPlan:
    chosen = Runtime(device=device, num_threads=3, precision="bf16", compiled=compiled)
    return TrainingPlan(facts="", runtime=chosen, num_steps=7)


def test_choices_that_this_machine_can_make_are_kept_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_device", lambda: ("cuda", ""))
    plan = plan_of("cpu", compiled=False)
    assert adapted(plan) == (plan, ())


def test_a_gpu_or_a_compiler_that_is_missing_is_said_and_the_rest_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_device", lambda: ("cpu", ""))
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
