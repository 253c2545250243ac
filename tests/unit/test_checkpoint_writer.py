"""Background writing: what is saved is the state at that moment, and a write that fails costs one checkpoint only."""

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from gptmodel import checkpoint, checkpoint_writer
from gptmodel.checkpoint import Checkpoint, load_checkpoint
from gptmodel.checkpoint_writer import CheckpointWriter
from gptmodel.errors import DiskFullError

FACTS: dict[str, Any] = {"inputs": {"pack": "abc"}}


def make(step: int, weight: torch.Tensor | None = None) -> Checkpoint:
    tensors = {"w": torch.full((3,), float(step)) if weight is None else weight, "count": torch.tensor(step)}
    return Checkpoint(step, tensors, FACTS, {"losses": [0.5]})


def newest(folder: Path) -> Checkpoint:
    read = load_checkpoint(folder, FACTS)
    assert read is not None
    return read


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let every write wait until this is set."""
    opened, save = threading.Event(), checkpoint.save_checkpoint

    def saving(*arguments: Any) -> Path:
        assert opened.wait(30)
        return save(*arguments)

    monkeypatch.setattr(checkpoint_writer, "save_checkpoint", saving)
    return opened


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the system refuse to write the steps in this list."""
    steps: list[int] = []
    save = checkpoint.save_checkpoint

    def saving(folder: Path, made: Checkpoint, *arguments: Any) -> Path:
        if made.step in steps:
            raise DiskFullError(expected="space", actual="none", mend="Free some.")
        return save(folder, made, *arguments)

    monkeypatch.setattr(checkpoint_writer, "save_checkpoint", saving)
    return steps


def test_saving_returns_before_anything_is_written(tmp_path: Path, gate: threading.Event) -> None:
    writer = CheckpointWriter(tmp_path)
    writer.save(make(1))
    assert load_checkpoint(tmp_path, FACTS) is None
    gate.set()
    writer.wait()
    assert newest(tmp_path).step == 1


def test_a_step_taken_while_it_writes_does_not_reach_the_checkpoint(tmp_path: Path, gate: threading.Event) -> None:
    weight, writer = torch.zeros(3), CheckpointWriter(tmp_path)
    made = make(1, weight)
    writer.save(made)
    weight += 1
    made.notes["losses"].append(0.25)
    gate.set()
    writer.wait()
    read = newest(tmp_path)
    assert (read.tensors["w"].tolist(), read.notes) == ([0.0, 0.0, 0.0], {"losses": [0.5]})


def test_the_next_save_waits_for_the_one_before(tmp_path: Path, gate: threading.Event) -> None:
    with CheckpointWriter(tmp_path) as writer:
        writer.save(make(1))
        threading.Timer(0.05, gate.set).start()
        writer.save(make(2))
        assert (tmp_path / "step-0000000001").exists()
    assert newest(tmp_path).tensors["w"].tolist() == [2.0, 2.0, 2.0]


def test_one_copy_of_the_state_is_held_whatever_the_number_of_saves(tmp_path: Path) -> None:
    with CheckpointWriter(tmp_path) as writer:
        for step in range(4):
            writer.save(make(step))
            assert writer.num_bytes == 3 * 4 + 8


def test_a_state_that_changes_its_shape_is_written_as_it_is(tmp_path: Path) -> None:
    with CheckpointWriter(tmp_path) as writer:
        writer.save(make(1))
        writer.save(Checkpoint(2, {"w": torch.ones(2, 2).T}, FACTS))
    assert newest(tmp_path).tensors.keys() == {"w"}
    assert newest(tmp_path).tensors["w"].shape == (2, 2)


def test_a_step_is_written_once(tmp_path: Path) -> None:
    with CheckpointWriter(tmp_path) as writer:
        writer.save(make(1))
        writer.wait()
        before = (tmp_path / "step-0000000001").stat().st_ino
        writer.save(make(1))
    assert (tmp_path / "step-0000000001").stat().st_ino == before


def test_a_full_disk_costs_that_checkpoint_only(
    tmp_path: Path, refused: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    refused.append(2)
    with CheckpointWriter(tmp_path) as writer:
        for step in (1, 2, 3):
            writer.save(make(step))
    assert writer.num_failed == 1
    assert "no checkpoint of step 2 (none); the next one is tried again" in caplog.text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-0000000001", "step-0000000003"]


def test_a_step_that_could_not_be_written_is_tried_again(tmp_path: Path, refused: list[int]) -> None:
    refused.append(1)
    writer = CheckpointWriter(tmp_path)
    writer.save(make(1))
    with pytest.raises(DiskFullError):
        writer.wait()
    refused.clear()
    writer.save(make(1))
    writer.wait()
    assert newest(tmp_path).step == 1


def test_leaving_says_that_the_last_one_failed(tmp_path: Path, refused: list[int]) -> None:
    refused.append(1)
    with pytest.raises(DiskFullError), CheckpointWriter(tmp_path) as writer:
        writer.save(make(1))


def test_leaving_by_an_error_waits_and_keeps_that_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), CheckpointWriter(tmp_path) as writer:
        writer.save(make(1))
        raise KeyboardInterrupt
    assert newest(tmp_path).step == 1


def test_an_error_of_the_program_is_raised_at_the_next_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise TypeError("a wrong argument")

    monkeypatch.setattr(checkpoint_writer, "save_checkpoint", fail)
    writer = CheckpointWriter(tmp_path)
    writer.save(make(1))
    with pytest.raises(TypeError, match="a wrong argument"):
        writer.save(make(2))


def test_a_real_full_disk_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("safetensors.torch.save_file", refuse)
    writer = CheckpointWriter(tmp_path)
    writer.save(make(1))
    with pytest.raises(DiskFullError, match="Free some space"):
        writer.wait()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.gpu
def test_weights_on_a_gpu_are_copied_as_they_were(tmp_path: Path) -> None:
    weight = torch.zeros(1 << 24, device="cuda")
    with CheckpointWriter(tmp_path) as writer:
        writer.save(make(1, weight))
        weight += 1
    assert newest(tmp_path).tensors["w"].sum() == 0
