"""What is decided before step 0 of a training, written to `runtime.json`, and kept by every later attempt.

How the machine computes (`runtime`), how many sequences at once, and under a time budget how many steps. A training
that is taken up again, and a version that is rebuilt, follow what is written there.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.errors import ResumeError
from gptmodel.runtime import Runtime, build_model, choose_runtime, find_device, has_compiler, new_model, settled
from gptmodel.store import digest_of, write_synced

if TYPE_CHECKING:
    from gptmodel.model import GPTModel

logger = logging.getLogger(__name__)

RUNTIME_FILE = "runtime.json"

# Of a time budget this share is planned for steps; the rest is for what is not measured beforehand.
_BUDGET_RATIO = 0.93
_TIMED_STEPS = 4
_NOT_COMPILED: dict[str, Any] = {"compiled": False, "validation_compiled": False}


class Change(BaseModel):
    """A change of a training's number of steps while it runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    step: int
    """First step it holds for."""
    num_steps: int
    """Steps of the whole training from there on."""


class TrainingPlan(BaseModel):
    """What is decided before step 0, and under a time budget what was changed since."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    facts: str
    """Digest of what the training rests on."""
    runtime: Runtime
    """How it computes."""
    num_steps: int
    """Its steps: those of the schedule, or fewer under a time budget."""
    micro_batch_size: int | None = None
    """Sequences computed at once in one process; None: all of a step's."""
    changes: tuple[Change, ...] = ()
    """Other numbers of steps that were decided while it ran, since the machine had got slower or faster."""
    is_final: bool = False
    """Whether it is followed to the letter: that of a training that is done."""


def plan_training(
    path: Path, facts: Mapping[str, Any], model: ModelConfig, training: TrainingConfig, vocab_size: int,
    num_processes: int = 1,
) -> TrainingPlan:  # fmt: skip
    """Read the plan of an earlier attempt, or make one and write it down.

    Args:
        path: Where the plan lies, or will.
        facts: What the training rests on; a plan made for others is replaced.
        model: Shape of the model.
        training: The optimisation.
        vocab_size: Tokens in the vocabulary.
        num_processes: Processes that share the sequences of a step.

    Raises:
        ResumeError: The earlier attempt computed on a GPU, and there is none.
    """
    facts_digest = digest_of(facts)
    earlier = read_plan(path)
    if earlier is not None and earlier.facts == facts_digest:
        _refuse_missing_device(earlier.runtime)
        return _shared_by(earlier, num_processes, path)
    plan = _made(facts_digest, model, training, vocab_size, num_processes)
    write_plan(path, plan)
    return plan


def read_plan(path: Path) -> TrainingPlan | None:
    """Read what was decided for a training; None if it is gone or can't be read."""
    try:
        return TrainingPlan.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def write_plan(path: Path, plan: TrainingPlan) -> None:
    """Write a plan down: after a crash it is the old one or this one."""
    write_synced(path, plan.model_dump_json(indent=1))


def adapted(plan: TrainingPlan) -> tuple[TrainingPlan, tuple[str, ...]]:
    """Give a plan that this machine can follow, and a sentence for each choice that it can't make as it was made."""
    runtime, words = plan.runtime, []
    if runtime.device == "cuda" and find_device()[0] != "cuda":
        words.append("it was trained on a GPU, and torch finds none here: on the CPU")
        runtime = runtime.model_copy(update={"device": "cpu"} | _NOT_COMPILED)
    if runtime.compiled and runtime.device == "cpu" and not has_compiler():
        words.append("its step was compiled, and there is no C++ compiler here: not compiled")
        runtime = runtime.model_copy(update=_NOT_COMPILED)
    return plan.model_copy(update={"runtime": runtime}), tuple(words)


def _shared_by(plan: TrainingPlan, num_processes: int, path: Path) -> TrainingPlan:
    """Give a plan for as many processes as there are, and write it down where there were others."""
    if plan.runtime.num_processes == num_processes:
        return plan
    runtime = plan.runtime.model_copy(update={"num_processes": num_processes})
    changed = plan.model_copy(update={"runtime": runtime})
    write_plan(path, changed)
    return changed


def _refuse_missing_device(runtime: Runtime) -> None:
    device, _ = find_device()
    if runtime.device == "cuda" and device != "cuda":
        raise ResumeError(
            expected="the GPU that this training began on",
            actual="a machine where torch finds none",
            mend="Go on where the GPU is, or start from the beginning: gptmodel run --force train",
        )


def _made(
    facts: str, model: ModelConfig, training: TrainingConfig, vocab_size: int, num_processes: int
) -> TrainingPlan:
    import torch

    from gptmodel.training.memory import fitting_micro_batch

    with torch.device("meta"):
        num_parameters = new_model(model, vocab_size).num_parameters()
    runtime = choose_runtime(training, num_parameters, model.context_length, num_processes)
    own_rows = -(-training.batch_size // num_processes)
    rows = training.micro_batch_size or fitting_micro_batch(model, training, vocab_size, runtime, own_rows)
    plan = TrainingPlan(facts=facts, runtime=runtime, num_steps=training.max_steps, micro_batch_size=rows)
    if training.max_seconds is None:
        return plan
    return plan.model_copy(update={"num_steps": _affordable(model, training, vocab_size, plan, own_rows)})


def _affordable(
    model: ModelConfig, training: TrainingConfig, vocab_size: int, plan: TrainingPlan, own_rows: int
) -> int:
    """Give the number of steps: all, or as many as the time budget allows by a few steps measured here."""
    assert training.max_seconds is not None  # noqa: S101  the caller has looked
    started = time.monotonic()
    with settled(plan.runtime, training.seed):
        seconds = _seconds_of_step(build_model(model, vocab_size, plan.runtime), training, plan, own_rows)
    # A validation batch costs about a third of a step: it has no backward pass.
    seconds *= 1 + training.num_eval_batches / (3 * training.eval_interval)
    left = training.max_seconds * _BUDGET_RATIO - (time.monotonic() - started)
    num_steps = max(1, min(training.max_steps, int(left / seconds)))
    logger.info("the time budget allows %d of %d steps", num_steps, training.max_steps)
    return num_steps


def _seconds_of_step(model: "GPTModel", training: TrainingConfig, plan: TrainingPlan, own_rows: int) -> float:
    import torch

    from gptmodel.training.memory import scratch_step

    step = scratch_step(model, training, plan.runtime, own_rows, plan.micro_batch_size or own_rows)
    times = []
    for _ in range(_TIMED_STEPS):
        started = time.monotonic()
        step()
        if plan.runtime.device == "cuda":
            torch.cuda.synchronize()
        times.append(time.monotonic() - started)
    return sorted(times[1:])[len(times[1:]) // 2]
