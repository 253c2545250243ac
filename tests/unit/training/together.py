"""A program of two processes: what test_processes asserts is done here, once for all of its tests.

`python -m tests.unit.training.together FOLDER` with torchrun's variables; each process leaves `said-RANK.json` there.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gptmodel import metrics
from gptmodel.model import GPTModel
from gptmodel.model_folder import load_weights, weights_of
from gptmodel.training.checkpoints import Checkpoints
from gptmodel.training.data import open_data
from gptmodel.training.processes import Processes, joined
from gptmodel.training.request import Request
from gptmodel.training.stage import train
from tests.unit.training.known import MODEL, request_in

SHAPE = MODEL.model_dump() | {"vocab_size": 33}


def seeded_model(seed: int) -> GPTModel:
    """Give the model that both sides know by its seed."""
    torch.manual_seed(seed)
    return GPTModel(**SHAPE)


def run(group: Processes, request: Request, progress: Callable[[float, str], None] | None = None) -> None:
    """Train as the stage does."""
    train(request.work, request.model, request.training, progress, group)


def stop_at(group: Processes, step: int) -> Callable[[float, str], None]:
    """Ask all to stop when this process has done so many steps."""
    return lambda _, line: group.stop() if line.startswith(f"step {step}/") else None


def windows_read(group: Processes, request: Request) -> list[list[int]]:
    """Give the windows that this process reads at each step."""
    order = open_data(request.work, request.model, request.training).order
    return [list(group.own_part(order.windows(step))) for step in range(request.training.max_steps)]


def interrupted(request: Request, *, sharded: bool) -> bool:
    """Interrupt a training from its second process and take it up again; tell whether it was interrupted."""
    group, stopped = Processes("cpu", sharded=sharded), False
    try:
        run(group, request, stop_at(group, 7) if group.rank == 1 else None)
    except KeyboardInterrupt:
        stopped = True
    run(Processes("cpu", sharded=sharded), request)
    return stopped


def read_by_two(group: Processes, folder: Path) -> bool:
    """Read what one process wrote, in pieces; tell whether the first finds it whole again."""
    checkpoint = Checkpoints(folder, {}, 1, group).newest()
    assert checkpoint is not None
    model = seeded_model(1)
    group.wrap(model)
    load_weights(model, checkpoint.tensors)
    found, wanted = group.whole(weights_of(model)), weights_of(seeded_model(2))
    return not group.is_first or all(torch.equal(found[name], wanted[name]) for name in wanted)


def write_by_two(group: Processes, folder: Path) -> None:
    """Write a model that is cut in two."""
    model = seeded_model(3)
    group.wrap(model)
    Checkpoints(folder, {}, 1, group).save(5, weights_of(model) | {"rng.cpu": torch.arange(9)}, {"curve": []})


def by_ddp(folder: Path, inputs: dict[str, Path]) -> dict[str, Any]:
    """Train by DDP: straight on, with dropout, and with dropout and an interruption."""
    group, dropping = Processes("cpu", sharded=False), {"dropout": 0.1}
    run(group, request_in(folder / "ddp", inputs, parallel="ddp"))
    run(group, request_in(folder / "dropping", inputs, dropping, parallel="ddp"))
    stopped = interrupted(request_in(folder / "interrupted", inputs, dropping, parallel="ddp"), sharded=False)
    return {
        "interrupted": stopped,
        "gathered": group.gather({"rank": group.rank, "text": "é" * (group.rank + 1)}),
        "mean": group.mean(torch.tensor([1.0, 3.0]) * group.rank).tolist(),
        "windows": windows_read(group, request_in(folder / "ddp", inputs)),
    }


def by_fsdp(folder: Path, inputs: dict[str, Path]) -> dict[str, Any]:
    """Train by FSDP, and read and write checkpoints of other numbers of processes."""
    group = Processes("cpu", sharded=True)
    run(group, request_in(folder / "fsdp", inputs, parallel="fsdp"))
    run(group, request_in(folder / "adamw-fsdp", inputs, parallel="fsdp", optimizer="adamw"))
    stopped = interrupted(request_in(folder / "interrupted-fsdp", inputs, parallel="fsdp"), sharded=True)
    write_by_two(group, folder / "by-two")
    return {"interrupted by fsdp": stopped, "read": read_by_two(group, folder / "by-one")}


def main() -> None:
    """Do it all and leave what came out."""
    torch.set_num_threads(1)
    metrics._PROGRESS_SECONDS = 0.0  # every step is told
    folder = Path(sys.argv[1])
    inputs = {name: folder / name for name in ("tokenizer", "pack")}
    with joined("cpu", sharded=False) as group:
        said = by_ddp(folder, inputs) | by_fsdp(folder, inputs)
        (folder / f"said-{group.rank}.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main()
