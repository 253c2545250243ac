"""The stage `train`: from the packed tokens to a model folder, going on where an earlier attempt was interrupted.

A training that was interrupted goes on from its newest whole checkpoint and ends, on a CPU, with the same weights bit
for bit. It knows no server: metrics go to a file, progress to a callback. The choices that depend on the machine are
made in `runtime`, once, before step 0.
"""

import shutil
import time
from pathlib import Path
from typing import Any

from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.errors import TrainingError
from gptmodel.metrics import Progress
from gptmodel.model_folder import save_model
from gptmodel.parallel import choose_processes
from gptmodel.runtime import build_model, find_device, settled
from gptmodel.store import Workspace
from gptmodel.training.account import TrainResult
from gptmodel.training.checkpoints import CHECKPOINTS_DIR
from gptmodel.training.data import open_data
from gptmodel.training.facts import MODEL_DIR, facts_of, finished, note_finished
from gptmodel.training.group import Alone, Group
from gptmodel.training.plan import RUNTIME_FILE, plan_training, read_plan, write_plan
from gptmodel.training.signals import terminable
from gptmodel.training.trainer import Trainer


def train(
    work: Workspace, model: ModelConfig, training: TrainingConfig, progress: Progress | None = None,
    group: Group | None = None,
) -> TrainResult:  # fmt: skip
    """Train a model, or go on with a training that was interrupted in this workspace.

    Args:
        work: Reads "tokenizer" and "pack"; writes `model/`, `curve.jsonl` and `samples.jsonl`, and in the notes
            `metrics.jsonl`, `runtime.json` and, until it is done, `checkpoints/`.
        model: Shape of the model.
        training: The optimisation.
        progress: Called about twice a second with the share done (0 to 1) and a line to show.
        group: The processes that train together, of which this is one; None: this one alone, or as many as
            `training.parallel` asks for, which are started and ended here.

    Raises:
        CorpusTooSmallError: The train split is shorter than one window, or there is nothing to validate on.
        ResumeError: The checkpoint here rests on other data, settings or another kind of device.
        TrainingError: The loss is not a number or jumped, a GPU has too little memory, or a process ended.
        ConfigError: There are fewer GPUs than processes, or the batch can't be shared equally.
        DiskFullError: No space is left for the trained model.
    """
    started = time.monotonic()
    facts = facts_of(work, model, training)
    if group is None:
        _remove_temporary(work.path)
        if (earlier := finished(work, facts)) is not None:
            return earlier
        if training.parallel != "none" and (number := _num_processes(work, training)) * training.num_nodes > 1:
            return _train_in_children(work, model, training, facts, number, progress)
    return _train_here(work, model, training, facts, group or Alone(), progress, started)


def _train_here(
    work: Workspace, model: ModelConfig, training: TrainingConfig, facts: dict[str, Any], group: Group,
    progress: Progress | None, started: float,
) -> TrainResult:  # fmt: skip
    data = open_data(work, model, training)
    plan = group.first_then_all(
        lambda: plan_training(work.notes / RUNTIME_FILE, facts, model, training, data.vocab_size, group.size)
    )
    with terminable(), settled(plan.runtime, training.seed):
        module = build_model(model, data.vocab_size, plan.runtime)
        trainer = Trainer(work, training, data, facts, plan, module, group, progress, started)
        trainer.restore()
        trainer.run()
        trainer.keep_best()
        result = trainer.account()
    whole = trainer.whole_model()
    if whole is not None:
        save_model(work.path / MODEL_DIR, whole)
        write_plan(work.notes / RUNTIME_FILE, trainer.plan.model_copy(update={"is_final": True}))
        note_finished(work, facts, result)
        shutil.rmtree(work.notes / CHECKPOINTS_DIR, ignore_errors=True)
    return result


def _num_processes(work: Workspace, training: TrainingConfig) -> int:
    """Give the number of processes on this machine: as the config says, as an earlier attempt had, or by the GPUs."""
    earlier = read_plan(work.notes / RUNTIME_FILE)
    return choose_processes(training, find_device()[0], None if earlier is None else earlier.runtime.num_processes)


def _train_in_children(
    work: Workspace, model: ModelConfig, training: TrainingConfig, facts: dict[str, Any], number: int,
    progress: Progress | None,
) -> TrainResult:  # fmt: skip
    from gptmodel.training.launch import launch
    from gptmodel.training.request import Request

    if progress is not None:
        progress(0.0, "starting the processes")
    with terminable():
        launch(Request(folder=work.path, inputs=work.inputs, model=model, training=training), number, progress)
    result = finished(work, facts)
    if result is None:
        raise TrainingError(
            expected="the first process to leave the trained model",
            actual=f"none in {work.path}",
            mend="Type the same command again: it goes on from the newest checkpoint.",
        )
    return result


def _remove_temporary(folder: Path) -> None:
    """Remove the temporary files and folders that a killed attempt left; a dot begins their names."""
    for path in sorted(folder.rglob(".*")):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
