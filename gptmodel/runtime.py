"""The choices that depend on the machine: device, threads, precision, compile. Made once, recorded, reused.

One and two threads, or two precisions, give different weights, so a training that is taken up again must compute as it
began. `training` asks here before step 0; the answer is written to `runtime.json`. All but the number of steps under
a time budget follows from rules, not measurements: on the same machine the answer is the same.
"""

import contextlib
import logging
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.errors import ResumeError
from gptmodel.store import digest_of, write_synced

if TYPE_CHECKING:
    from torch import Tensor

    from gptmodel.model import GPTModel

logger = logging.getLogger(__name__)

# Compiling costs 11 to 46 s cold on two cores; below this much work (floating-point operations of the whole training)
# it would not come back. On a GPU the same cold start pays after so many steps.
_CPU_COMPILE_FLOPS = 4e13
_GPU_COMPILE_STEPS = 1000
# Of a time budget this share is planned for steps; the rest is for what is not measured beforehand.
_BUDGET_RATIO = 0.93
_TIMED_STEPS = 4

RUNTIME_FILE = "runtime.json"
OLD_DRIVER = "The GPU's driver is too old for this torch: training runs on the CPU."
CPU_BUILD = "There is a GPU, but this torch is built for the CPU: training runs on the CPU."


class Runtime(BaseModel):
    """How a training computes."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    device: Literal["cpu", "cuda"]
    """Where the model lies."""
    num_threads: int
    """CPU threads of one operation."""
    precision: Literal["fp32", "bf16"]
    """Arithmetic of the matrix products."""
    compiled: bool
    """Whether the training step is compiled."""
    note: str = ""
    """Why a GPU that is there is not used; empty otherwise."""


class TrainingPlan(BaseModel):
    """What is decided before step 0 and kept for every later attempt."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    facts: str
    """Digest of what the training rests on."""
    runtime: Runtime
    """How it computes."""
    num_steps: int
    """Its steps: those of the schedule, or fewer under a time budget."""


def choose_runtime(config: TrainingConfig, num_parameters: int, num_tokens: int) -> Runtime:
    """Decide how a training computes.

    Args:
        config: What the config demands; `auto` and None leave it to the rules here.
        num_parameters: Size of the model.
        num_tokens: Tokens of the planned training, all steps together.
    """
    device, note = find_device()
    if note:
        logger.warning(note)
    compiled = _compiles(config, device, 6.0 * num_parameters * num_tokens)
    return Runtime(
        device=device,
        num_threads=config.num_threads or usable_cores(),
        precision=_precision(config, device),
        compiled=compiled,
        note=note,
    )


def plan_training(
    path: Path, facts: Mapping[str, Any], model: ModelConfig, training: TrainingConfig, vocab_size: int
) -> TrainingPlan:
    """Read the plan of an earlier attempt, or make one and write it down.

    Args:
        path: Where the plan lies, or will.
        facts: What the training rests on; a plan made for others is replaced.
        model: Shape of the model.
        training: The optimisation.
        vocab_size: Tokens in the vocabulary.

    Raises:
        ResumeError: The earlier attempt computed on a GPU, and there is none.
    """
    import torch

    facts_digest = digest_of(facts)
    earlier = read_plan(path)
    if earlier is not None and earlier.facts == facts_digest:
        _refuse_missing_device(earlier.runtime)
        return earlier
    tokens = training.max_steps * training.batch_size * model.context_length
    with torch.device("meta"):
        num_parameters = new_model(model, vocab_size).num_parameters()
    runtime = choose_runtime(training, num_parameters, tokens)
    plan = TrainingPlan(
        facts=facts_digest, runtime=runtime, num_steps=_affordable(model, training, vocab_size, runtime)
    )
    write_synced(path, plan.model_dump_json(indent=1))
    return plan


def read_plan(path: Path) -> TrainingPlan | None:
    """Read what was decided for a training; None if it is gone or can't be read."""
    try:
        return TrainingPlan.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def adapted(plan: TrainingPlan) -> tuple[TrainingPlan, tuple[str, ...]]:
    """Give a plan that this machine can follow, and a sentence for each choice that it can't make as it was made."""
    runtime, words = plan.runtime, []
    if runtime.device == "cuda" and find_device()[0] != "cuda":
        words.append("it was trained on a GPU, and torch finds none here: on the CPU")
        runtime = runtime.model_copy(update={"device": "cpu", "compiled": False})
    if runtime.compiled and runtime.device == "cpu" and not _has_compiler():
        words.append("its step was compiled, and there is no C++ compiler here: not compiled")
        runtime = runtime.model_copy(update={"compiled": False})
    return plan.model_copy(update={"runtime": runtime}), tuple(words)


def _refuse_missing_device(runtime: Runtime) -> None:
    device, _ = find_device()
    if runtime.device == "cuda" and device != "cuda":
        raise ResumeError(
            expected="the GPU that this training began on",
            actual="a machine where torch finds none",
            mend="Go on where the GPU is, or start from the beginning: gptmodel run --force train",
        )


def _affordable(model: ModelConfig, training: TrainingConfig, vocab_size: int, runtime: Runtime) -> int:
    """Give the number of steps: all, or as many as the time budget allows by a few steps measured here."""
    if training.max_seconds is None:
        return training.max_steps
    started = time.monotonic()
    with settled(runtime, training.seed):
        seconds = _seconds_of_step(build_model(model, vocab_size, runtime), model, training, runtime)
    # A validation batch costs about a third of a step: it has no backward pass.
    seconds *= 1 + training.num_eval_batches / (3 * training.eval_interval)
    left = training.max_seconds * _BUDGET_RATIO - (time.monotonic() - started)
    num_steps = max(1, min(training.max_steps, int(left / seconds)))
    logger.info("the time budget allows %d of %d steps", num_steps, training.max_steps)
    return num_steps


def _seconds_of_step(model: "GPTModel", shape: ModelConfig, training: TrainingConfig, runtime: Runtime) -> float:
    import torch

    from gptmodel.optimizer import build_optimizer

    optimizer, loss_of = build_optimizer(model, training, runtime.precision), loss_function(runtime)
    ids = torch.randint(model.config["vocab_size"], (training.batch_size, shape.context_length), device=runtime.device)
    times = []
    for _ in range(_TIMED_STEPS):
        started = time.monotonic()
        loss_of(model, ids, ids).backward()
        optimizer.step()
        optimizer.zero_grad()
        if runtime.device == "cuda":
            torch.cuda.synchronize()
        times.append(time.monotonic() - started)
    return sorted(times[1:])[len(times[1:]) // 2]


@contextlib.contextmanager
def settled(runtime: Runtime, seed: int) -> Iterator[None]:
    """Compute with the planned threads and a seeded generator, and leave both as they were found."""
    import torch

    threads = torch.get_num_threads()
    devices = [0] if runtime.device == "cuda" else []
    with torch.random.fork_rng(devices=devices), warnings.catch_warnings():
        # Under bf16 autocast a norm's weight stays fp32; torch says once that it takes its unfused way.
        warnings.filterwarnings("ignore", message="Mismatch dtype between input and weight")
        torch.manual_seed(seed)
        torch.set_num_threads(runtime.num_threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def new_model(model: ModelConfig, vocab_size: int) -> "GPTModel":
    """Make a model by its config section, with weights from torch's generator."""
    from gptmodel.model import GPTModel

    return GPTModel(vocab_size, **model.model_dump())


def build_model(model: ModelConfig, vocab_size: int, runtime: Runtime) -> "GPTModel":
    """Make a model where it will be trained."""
    # Made on the CPU, so that the first weights are the same on every device.
    return new_model(model, vocab_size).to(runtime.device).train()


def loss_function(runtime: Runtime) -> Callable[["GPTModel", "Tensor", "Tensor"], "Tensor"]:
    """Give (model, inputs (B, T), targets (B, T)) -> mean loss, nats a token."""
    import torch
    import torch.nn.functional as F

    def loss_of(model: "GPTModel", inputs: "Tensor", targets: "Tensor") -> "Tensor":
        with torch.autocast(runtime.device, torch.bfloat16, enabled=runtime.precision == "bf16"):
            logits = model(inputs)  # (B, T, V)
        return F.cross_entropy(logits.flatten(0, -2).float(), targets.flatten())

    return torch.compile(loss_of, dynamic=False) if runtime.compiled else loss_of


def find_device() -> tuple[Literal["cpu", "cuda"], str]:
    """Give the device to train on, and why a GPU that is there is not used (empty if it is, or if there is none)."""
    import torch

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        usable = torch.cuda.is_available()
    if usable:
        return "cuda", ""
    if any("driver" in str(warning.message) and "old" in str(warning.message) for warning in caught):
        return "cpu", OLD_DRIVER
    if torch.version.cuda is None and Path("/proc/driver/nvidia/version").exists():
        return "cpu", CPU_BUILD
    return "cpu", ""


def usable_cores(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Give the cores that this process may use: its affinity, bounded by the quota of its control group."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(cgroup)
    return max(1, cores if quota is None else min(cores, int(quota)))


def _quota(cgroup: Path) -> float | None:
    """Read the quota in cores; None for no limit. cpu.max is cgroup v2, the other two files v1."""
    try:
        if (cgroup / "cpu.max").exists():
            limit, period = (cgroup / "cpu.max").read_text().split()
        else:
            limit = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        return None if limit in ("max", "-1") else int(limit) / int(period)
    except (OSError, ValueError):
        return None


def _compiles(config: TrainingConfig, device: str, flops: float) -> bool:
    if config.compile != "auto":
        return config.compile == "always"
    if device == "cuda":
        return config.max_steps >= _GPU_COMPILE_STEPS
    # On a CPU compiling gains most with bf16, and needs a C++ compiler.
    wanted = config.precision != "fp32" and has_fast_bf16() and flops >= _CPU_COMPILE_FLOPS
    return wanted and _has_compiler()


def _has_compiler() -> bool:
    return shutil.which(os.environ.get("CXX", "g++")) is not None


def _precision(config: TrainingConfig, device: str) -> Literal["fp32", "bf16"]:
    if config.precision != "auto":
        return config.precision
    return "bf16" if device == "cuda" or has_fast_bf16() else "fp32"


def has_fast_bf16() -> bool:
    """Tell whether the CPU multiplies bf16 in hardware (avx512_bf16 or amx_bf16)."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
