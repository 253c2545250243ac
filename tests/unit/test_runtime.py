"""The choices that depend on the machine: bounded by what the process may use, and never silent about a GPU."""

import warnings
from pathlib import Path

import pytest
import torch

from gptmodel import runtime
from gptmodel.config import TrainingConfig
from gptmodel.runtime import OLD_DRIVER, Runtime, choose_runtime, find_device, free_cores, memory_bytes, usable_cores

CPU = Runtime(device="cpu", num_threads=1, precision="fp32", compiled=False)


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


@pytest.mark.parametrize(("busy", "cores"), [(0.0, 4), (20.0, 4), (60.0, 3), (80.0, 2), (99.0, 1)])
def test_threads_leave_out_cores_that_something_else_keeps_busy(
    monkeypatch: pytest.MonkeyPatch, busy: float, cores: int
) -> None:
    monkeypatch.setattr(runtime, "usable_cores", lambda: 4)
    monkeypatch.setattr(runtime.psutil, "cpu_count", lambda: 8)
    monkeypatch.setattr(runtime.psutil, "cpu_percent", lambda interval: busy)
    assert free_cores() == cores


@pytest.mark.parametrize(("limit", "expected"), [("max\n", 1000), ("400\n", 400), ("9000\n", 1000)])
def test_memory_is_bounded_by_the_control_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, expected: int
) -> None:
    class Machine:
        total = 1000

    monkeypatch.setattr(runtime.psutil, "virtual_memory", Machine)
    (tmp_path / "memory.max").write_text(limit)
    assert memory_bytes(tmp_path) == expected


@pytest.mark.parametrize(("fast", "precision"), [(True, "bf16"), (False, "fp32")])
def test_a_short_training_is_not_compiled_but_takes_the_fast_precision(
    monkeypatch: pytest.MonkeyPatch, fast: bool, precision: str
) -> None:
    monkeypatch.setattr(runtime, "find_device", lambda: ("cpu", ""))
    monkeypatch.setattr(runtime, "has_fast_bf16", lambda: fast)
    chosen = choose_runtime(TrainingConfig(num_threads=1), num_parameters=1000, context_length=10)
    assert (chosen.compiled, chosen.validation_compiled, chosen.precision) == (False, False, precision)


@pytest.mark.parametrize(("eval_interval", "validation_compiled"), [(1, True), (10**9, False)])
def test_a_long_training_is_compiled_where_the_cpu_has_bf16(
    monkeypatch: pytest.MonkeyPatch, eval_interval: int, validation_compiled: bool
) -> None:
    monkeypatch.setattr(runtime, "find_device", lambda: ("cpu", ""))
    monkeypatch.setattr(runtime, "has_fast_bf16", lambda: True)
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/g++")
    config = TrainingConfig(num_threads=1, eval_interval=eval_interval)
    chosen = choose_runtime(config, num_parameters=20_000_000, context_length=128)
    assert (chosen.compiled, chosen.precision) == (True, "bf16")
    assert chosen.validation_compiled is validation_compiled


def test_without_a_c_compiler_nothing_is_compiled_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_device", lambda: ("cpu", ""))
    monkeypatch.setattr(runtime, "has_fast_bf16", lambda: True)
    monkeypatch.setattr("shutil.which", lambda _: None)
    chosen = choose_runtime(TrainingConfig(num_threads=1), num_parameters=100_000_000, context_length=1000)
    assert not chosen.compiled


def test_a_gpu_takes_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_device", lambda: ("cuda", ""))
    assert choose_runtime(TrainingConfig(num_threads=1), 1, 1).precision == "bf16"


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
    assert choose_runtime(TrainingConfig(num_threads=1), 1, 1).note == OLD_DRIVER
    assert OLD_DRIVER in caplog.text


def test_threads_and_generator_are_left_as_they_were() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with runtime.settled(CPU.model_copy(update={"num_threads": threads + 1}), 5):
        assert torch.get_num_threads() == threads + 1
        torch.rand(1)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
