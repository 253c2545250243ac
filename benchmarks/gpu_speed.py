"""Training on a GPU: the speed of the preset small's shape, 124 M parameters, beside nanoGPT's bench.py."""

import json
import re
import statistics
from collections.abc import Mapping, Sequence
from itertools import islice, product
from pathlib import Path
from string import ascii_letters
from typing import Any

import numpy as np

from benchmarks.char_data import backend_of
from benchmarks.char_sides import NUM_THREADS, training_environment
from benchmarks.processes import ProgramError, Usage, in_turns, measure, own
from benchmarks.program import Answer, say
from gptmodel.config_file import load_config
from gptmodel.flops import flops_per_token, mfu

VOCAB_SIZE = 50304
"""nanoGPT's."""
CONTEXT_LENGTH = 1024
BATCH_SIZE = 12
NUM_STEPS = 120
_TIME = re.compile(r"time per iteration: ([0-9.]+)ms")


def refuse_without_gpu() -> None:
    """Refuse where torch finds no GPU.

    Raises:
        ProgramError: There is none.
    """
    from gptmodel.runtime import find_device

    device, note = find_device()
    if device != "cuda":
        raise ProgramError(f"--part gpu needs a GPU that torch can use; it finds none here. {note}".strip())


def measure_speed(work: Path, peer: Path | None, rounds: int) -> Answer:
    """Train the preset small's shape for a few steps in turns with nanoGPT's bench.py, at its batch size.

    Args:
        work: Folder for everything made.
        peer: nanoGPT's checkout, or None.
        rounds: How often.
    """
    say("GPU, 124 M parameters")
    rate = measure(own("matmul", "cuda", NUM_THREADS)).said["bf16"]
    names = (f"ours-{number}" for number in range(rounds))
    inputs = write_random_inputs(work, BATCH_SIZE * CONTEXT_LENGTH * NUM_STEPS)
    sides = {"ours": lambda: _run_ours(work, inputs, next(names))}
    if peer:
        sides["nanogpt"] = lambda: measure(own("peer_bench", peer))
    usages = in_turns(sides, rounds)
    speeds = {name: [usage.said["tokens_per_second"] for usage in used] for name, used in usages.items()}
    figures = {name: _figures(used, rate) for name, used in usages.items()}
    card = usages["ours"][0].said["device_name"]
    answer: dict[str, Any] = {"gpu": {"device": card, "bf16_tflops": rate / 1e12} | figures}
    if not peer:
        return answer, {}
    pairs = zip(speeds["ours"], speeds["nanogpt"], strict=True)
    ratio = round(statistics.median(our / their for our, their in pairs), 2)
    return answer, {"ours vs nanogpt, tokens/s of 124 M on the GPU": ratio}


def shape() -> dict[str, Any]:
    """Give the preset small's model with nanoGPT's vocabulary and context."""
    model = load_config("small").model.model_dump(mode="json")
    return model | {"context_length": CONTEXT_LENGTH}


def _figures(usages: Sequence[Usage], rate: float) -> dict[str, Any]:
    speed = statistics.median(usage.said["tokens_per_second"] for usage in usages)
    flops = flops_per_token({"vocab_size": VOCAB_SIZE, **shape()})
    return {
        "tokens_per_second": round(speed), "mfu": round(mfu(speed, flops, rate), 4),
        "peak_device_mb": round(max(usage.said["peak_device_bytes"] for usage in usages) / 1e6),
    }  # fmt: skip


def _run_ours(work: Path, inputs: Mapping[str, Path], name: str) -> Usage:
    training = load_config("small").training.model_dump(mode="json") | {
        "batch_size": BATCH_SIZE, "max_steps": NUM_STEPS, "compile": "always", "precision": "bf16",
        "eval_interval": 1_000_000, "num_eval_batches": 1, "num_samples": 2, "sample_prompt": "a", "sample_tokens": 1,
        "checkpoint_interval": 1_000_000,
    }  # fmt: skip
    settings = {"inputs": {stage: str(path) for stage, path in inputs.items()}, "output": str(work / name),
                "model": shape(), "training": training}  # fmt: skip
    file = work / f"{name}.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    usage = measure(own("char_run", file), training_environment(work / "compiled"))
    lines = (work / name / "notes" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    usage.said["tokens_per_second"] = steady_speed([json.loads(line) for line in lines], BATCH_SIZE * CONTEXT_LENGTH)
    return usage


def steady_speed(notes: Sequence[Mapping[str, Any]], tokens_per_step: int) -> float:
    """Give tokens a second over the later half of a training's metrics."""
    marks = [(note["step"], note["time"]) for note in notes if note["key"] == "train_loss"]
    (first_step, first), (last_step, last) = marks[len(marks) // 2], marks[-1]
    return float((last_step - first_step) * tokens_per_step / (last - first))


def speed_told(output: str, tokens_per_step: int) -> float:
    """Give tokens a second from what nanoGPT's bench.py writes.

    Raises:
        ProgramError: It wrote no time per iteration.
    """
    found = _TIME.search(output)
    if found is None:
        raise ProgramError(f"expected a time per iteration from nanoGPT's bench.py, got:\n{output[-2000:]}")
    return tokens_per_step / float(found[1]) * 1000


def write_random_inputs(work: Path, num_tokens: int) -> Mapping[str, Path]:
    """Write token files of random ids, as nanoGPT's bench.py trains on, and a tokenizer with as many tokens."""
    folders = {name: work / name for name in ("tokenizer", "pack")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    words = ("".join(letters) for length in (1, 2, 3) for letters in product(ascii_letters, repeat=length))
    backend_of(list(islice(words, VOCAB_SIZE - 2))).save(str(folders["tokenizer"] / "tokenizer.json"))
    generator = np.random.default_rng(0)
    for name, count in (("train", num_tokens), ("validation", 20 * CONTEXT_LENGTH)):
        generator.integers(2, VOCAB_SIZE, count).astype("<u2").tofile(folders["pack"] / f"{name}-00000.bin")
    return folders
