"""Two processes train as one does: the same windows, the same losses within rounding, checkpoints for any number."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gptmodel.model_folder import load_model, weights_of
from gptmodel.training.checkpoints import Checkpoints
from gptmodel.training.data import open_data
from gptmodel.training.request import Request
from gptmodel.training.stage import train
from tests.unit.training.known import curve_of, request_in, write_inputs
from tests.unit.training.together import seeded_model

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let two processes do all that the tests look at."""
    folder = tmp_path_factory.mktemp("together")
    write_inputs(folder)
    one = Checkpoints(folder / "by-one", {}, 1)
    one.save(5, weights_of(seeded_model(2)), {})
    one.wait()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1",
              "MASTER_PORT": str(port), "WORLD_SIZE": "2"}  # fmt: skip
    command = [sys.executable, "-m", "tests.unit.training.together", str(folder)]
    processes = [
        subprocess.Popen(command, env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}, stderr=subprocess.PIPE)
        for rank in range(2)
    ]
    errors = [process.communicate(timeout=100)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)
    return folder


@pytest.fixture(scope="module")
def said(folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"said-{rank}.json").read_text()) for rank in range(2)]


def trained_alone(folder: Path, name: str, **named: Any) -> Request:
    inputs = {name: folder / name for name in ("tokenizer", "pack")}
    request = request_in(folder / name, inputs, **named)
    train(request.work, request.model, request.training)
    return request


@pytest.fixture(scope="module")
def alone(folder: Path) -> Request:
    return trained_alone(folder, "alone")


def together(folder: Path, name: str) -> Request:
    return request_in(folder / name, {})


@pytest.mark.parametrize("key", ["train_loss", "validation_loss"])
@pytest.mark.parametrize("name", ["ddp", "fsdp", "interrupted-fsdp"])
def test_the_losses_are_those_of_one_process_within_rounding(folder: Path, alone: Request, name: str, key: str) -> None:
    assert curve_of(together(folder, name), key) == pytest.approx(curve_of(alone, key), abs=2e-5)


def test_so_they_are_with_adamw_for_all(folder: Path) -> None:
    alone = trained_alone(folder, "adamw", optimizer="adamw")
    assert curve_of(together(folder, "adamw-fsdp")) == pytest.approx(curve_of(alone), abs=2e-5)


def test_the_windows_of_each_step_are_the_same_in_the_same_order(alone: Request, said: list[dict[str, Any]]) -> None:
    order = open_data(alone.work, alone.model, alone.training).order
    read = [first + second for first, second in zip(said[0]["windows"], said[1]["windows"], strict=True)]
    assert read == [order.windows(step) for step in range(alone.training.max_steps)]


@pytest.mark.parametrize("name", ["ddp", "fsdp"])
def test_the_model_is_that_of_one_process_within_rounding(folder: Path, alone: Request, name: str) -> None:
    ours, theirs = (weights_of(load_model(request.folder / "model")) for request in (together(folder, name), alone))
    assert all(torch.allclose(ours[key], theirs[key], atol=1e-3) for key in theirs)


def test_an_interruption_of_one_stops_all_and_changes_no_bit(folder: Path, said: list[dict[str, Any]]) -> None:
    assert [one["interrupted"] for one in said] == [one["interrupted by fsdp"] for one in said] == [True, True]
    models = [(folder / name / "model" / "model.safetensors").read_bytes() for name in ("dropping", "interrupted")]
    assert models[0] == models[1]


def test_one_process_reads_what_two_wrote(folder: Path) -> None:
    checkpoint = Checkpoints(folder / "by-two", {}, 1).newest()
    assert checkpoint is not None
    wanted = weights_of(seeded_model(3)) | {"rng.cpu": torch.arange(9)}
    assert checkpoint.tensors.keys() == wanted.keys()
    assert all(torch.equal(checkpoint.tensors[name], wanted[name]) for name in wanted)


def test_two_processes_read_what_one_wrote(said: list[dict[str, Any]]) -> None:
    assert [one["read"] for one in said] == [True, True]


def test_values_reach_all_processes(said: list[dict[str, Any]]) -> None:
    assert said[0]["gathered"] == said[1]["gathered"] == [{"rank": 0, "text": "é"}, {"rank": 1, "text": "éé"}]
    assert said[0]["mean"] == said[1]["mean"] == [0.5, 1.5]
