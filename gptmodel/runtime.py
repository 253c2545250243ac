"""The choices that depend on the machine: device, threads, precision, compile. Made once, recorded, reused.

One and two threads, or two precisions, give different weights, so a training that is taken up again must compute as it
began. `training` asks here before step 0; the answer is written to `runtime.json`. All but the number of threads, which
looks at what else the machine is doing, follows from rules: on the same machine the answer is the same.
"""

import contextlib
import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import psutil
from pydantic import BaseModel, ConfigDict

from gptmodel.config import ModelConfig, TrainingConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from gptmodel.model import GPTModel

logger = logging.getLogger(__name__)

# Compiling costs 11 to 46 s cold on two cores; below this much work (floating-point operations of the whole training)
# it would not come back. On a GPU the same cold start pays after so many steps.
_CPU_COMPILE_FLOPS = 4e13
_GPU_COMPILE_STEPS = 1000
# How long the machine is watched to see how many cores are free.
_WATCHED_SECONDS = 0.3

OLD_DRIVER = "The GPU's driver is too old for this torch: training runs on the CPU."
CPU_BUILD = "There is a GPU, but this torch is built for the CPU: training runs on the CPU."


class Loss(Protocol):
    """Gives the mean loss of a batch, nats a token."""

    def __call__(
        self, model: "nn.Module", inputs: "Tensor", targets: "Tensor", documents: "Tensor | None" = None
    ) -> "Tensor":
        """Compute it from ids, targets and, if it must not look across their borders, documents, all (B, T)."""
        ...


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
    validation_compiled: bool = False
    """Whether validations are compiled too."""
    num_processes: int = 1
    """Processes that share each step, on all machines."""
    note: str = ""
    """Why a GPU that is there is not used; empty otherwise."""


def choose_runtime(config: TrainingConfig, num_parameters: int, context_length: int, num_processes: int = 1) -> Runtime:
    """Decide how a training computes.

    Args:
        config: What the config demands; `auto` and None leave it to the rules here.
        num_parameters: Size of the model.
        context_length: Tokens of a sequence.
        num_processes: Processes that share each step, on all machines.
    """
    device, note = find_device()
    if note:
        logger.warning(note)
    tokens = config.batch_size * context_length
    compiled = _compiles(config, device, 6.0 * num_parameters * tokens * config.max_steps, config.max_steps)
    num_validations = config.num_eval_batches * (1 + config.max_steps // config.eval_interval)
    pays = _compiles(config, device, 2.0 * num_parameters * tokens * num_validations, num_validations)
    return Runtime(
        device=device,
        num_threads=config.num_threads or max(1, free_cores() * config.num_nodes // num_processes),
        precision=_precision(config, device),
        compiled=compiled,
        validation_compiled=compiled and pays,
        num_processes=num_processes,
        note=note,
    )


@contextlib.contextmanager
def settled(runtime: Runtime, seed: int) -> Iterator[None]:
    """Compute with the planned threads and a seeded generator, and leave both as they were found."""
    import torch

    threads = torch.get_num_threads()
    devices = [torch.cuda.current_device()] if runtime.device == "cuda" else []
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


def loss_function(runtime: Runtime) -> Loss:
    """Give what computes the loss of a batch."""
    import torch
    import torch.nn.functional as F

    def loss_of(model: "nn.Module", inputs: "Tensor", targets: "Tensor", documents: "Tensor | None" = None) -> "Tensor":
        with torch.autocast(runtime.device, torch.bfloat16, enabled=runtime.precision == "bf16"):
            logits = model(inputs) if documents is None else model(inputs, documents=documents)  # (B, T, V)
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


def free_cores() -> int:
    """Give the cores that this process may use and that nothing else keeps busy now, at least 1.

    Two threads beside other busy processes wait for each other in every operation and are slower than one.
    """
    cores = usable_cores()
    if cores == 1:
        return 1
    busy_ratio = psutil.cpu_percent(interval=_WATCHED_SECONDS) / 100
    free = (psutil.cpu_count() or cores) * (1 - busy_ratio)
    return max(1, min(cores, round(free)))


def memory_bytes(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Give the memory that this process may use: the machine's, bounded by the limit of its control group."""
    total = int(psutil.virtual_memory().total)
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # cgroup v2, v1
        with contextlib.suppress(OSError, ValueError):
            return min(total, int((cgroup / name).read_text()))
    return total


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


def _compiles(config: TrainingConfig, device: str, flops: float, num_passes: int) -> bool:
    if config.compile != "auto":
        return config.compile == "always"
    if device == "cuda":
        return num_passes >= _GPU_COMPILE_STEPS
    # On a CPU compiling gains most with bf16, and needs a C++ compiler.
    wanted = config.precision != "fp32" and has_fast_bf16() and flops >= _CPU_COMPILE_FLOPS
    return wanted and has_compiler()


def has_compiler() -> bool:
    """Tell whether there is a C++ compiler, which torch.compile needs on a CPU."""
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
