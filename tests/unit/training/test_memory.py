"""The micro-batch: as large as memory allows, and equal parts of the batch."""

import pytest
import torch

from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.errors import TrainingError
from gptmodel.runtime import Runtime
from gptmodel.training import memory
from gptmodel.training.memory import activation_bytes, fitting_micro_batch

SHAPE = ModelConfig(embedding_dim=16, hidden_dim=32, num_layers=1, num_heads=2, context_length=8)
CPU = Runtime(device="cpu", num_threads=1, precision="fp32", compiled=False)
GPU = CPU.model_copy(update={"device": "cuda"})


@pytest.mark.parametrize(("sequences", "rows"), [(12.0, 12), (11.9, 6), (5.0, 4), (1.0, 1), (0.1, 1)])
def test_on_a_cpu_what_is_kept_fits_the_bound(monkeypatch: pytest.MonkeyPatch, sequences: float, rows: int) -> None:
    bound = sequences * activation_bytes(SHAPE, 300)
    monkeypatch.setattr(memory, "memory_bytes", lambda: bound / memory._CPU_MEMORY_RATIO + 1)
    assert fitting_micro_batch(SHAPE, TrainingConfig(), 300, CPU, 12) == rows


def test_what_is_kept_grows_with_context_and_layers() -> None:
    one = activation_bytes(SHAPE, 300)
    assert activation_bytes(SHAPE.model_copy(update={"context_length": 16}), 300) > 1.9 * one
    assert activation_bytes(SHAPE.model_copy(update={"num_layers": 3}), 300) > 1.3 * one
    assert one > 2 * 8 * 300 * 4  # logits and their softmax at least


def test_counting_leaves_the_generator_alone() -> None:
    state = torch.get_rng_state()
    activation_bytes(SHAPE.model_copy(update={"dropout": 0.5}), 300)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("largest", "rows"), [(12, 12), (5, 4), (1, 1)])
def test_on_a_gpu_ever_fewer_sequences_are_tried(monkeypatch: pytest.MonkeyPatch, largest: int, rows: int) -> None:
    monkeypatch.setattr(memory, "_runs", lambda *arguments: arguments[-1] <= largest)
    assert fitting_micro_batch(SHAPE, TrainingConfig(), 300, GPU, 12) == rows


def test_a_gpu_too_small_for_one_sequence_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_runs", lambda *_: False)
    with pytest.raises(TrainingError, match="memory for a step of one sequence of 8 tokens"):
        fitting_micro_batch(SHAPE, TrainingConfig(), 300, GPU, 12)
