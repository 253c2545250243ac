"""What a checkpoint costs the training: the state of a 124 M model, saved in the background and written on the spot.

    python -m benchmarks.resume_saving FOLDER [--rounds N]

Both sides save the same tensors, in turns. In the background the training waits for the copy alone; meanwhile it
computes, so the same products are timed while a checkpoint is being written and while none is. The last line of output
is one JSON object.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from gptmodel.checkpoint import Checkpoint, save_checkpoint
from gptmodel.checkpoint_writer import CheckpointWriter
from gptmodel.config_file import load_config
from gptmodel.model_folder import weights_of
from gptmodel.runtime import new_model

GPT2_VOCAB_SIZE = 50257
_WIDTH = 512  # of the product that stands for the training's work: some milliseconds


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(json.dumps(measure_saving(asked.folder, state(), asked.rounds)))


def state() -> dict[str, torch.Tensor]:
    """Give weights and both moments of the preset `small`, fp32, with values that nothing compresses."""
    with torch.device("meta"):
        weights = weights_of(new_model(load_config("small").model, GPT2_VOCAB_SIZE))
    names = [f"{part}.{name}" for part in ("model", "exp_avg", "exp_avg_sq") for name in weights]
    shapes = [tensor.shape for tensor in weights.values()] * 3
    return {name: torch.randn(shape) for name, shape in zip(names, shapes, strict=True)}


def measure_saving(folder: Path, tensors: dict[str, torch.Tensor], rounds: int) -> dict[str, float]:
    """Save a state on both sides, in turns, and give the medians.

    Args:
        folder: Where the checkpoints go: twice the state on each side.
        tensors: The state.
        rounds: How often, after a first time that is given by itself.
    """
    writer, held, written, slowed = CheckpointWriter(folder / "background", keep=1), [], [], []
    quiet = [_seconds(_compute) for _ in range(50)]
    for step in range(rounds + 1):
        checkpoint = Checkpoint(step, tensors, {})
        held.append(_seconds(partial(writer.save, checkpoint)))
        slowed.append(_seconds(_compute))
        while writer.is_writing:
            slowed.append(_seconds(_compute))
        writer.wait()
        written.append(_seconds(partial(save_checkpoint, folder / "on-the-spot", checkpoint, 1)))
    return {
        "state_mb": round(sum(tensor.nbytes for tensor in tensors.values()) / 1e6),
        "copy_mb": round(writer.num_bytes / 1e6),
        "first_save_seconds": round(held[0], 3),
        "save_seconds": round(statistics.median(held[1:]), 3),
        "write_seconds": round(statistics.median(written[1:]), 3),
        "write_vs_save": round(
            statistics.median(spot / save for spot, save in zip(written[1:], held[1:], strict=True)), 1
        ),
        "work_while_writing_ratio": round(statistics.median(quiet) / statistics.median(slowed), 2),
    }


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _compute() -> None:
    matrix = torch.ones(_WIDTH, _WIDTH)
    matrix @ matrix


if __name__ == "__main__":
    main()
