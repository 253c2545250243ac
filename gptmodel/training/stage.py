"""The stage `train`: from the packed tokens to a model folder, going on where an earlier attempt was interrupted.

A training that was interrupted goes on from its newest whole checkpoint and ends, on a CPU, with the same weights bit
for bit. It knows no server: metrics go to a file, progress to a callback. The choices that depend on the machine are
made in `runtime`, once, before step 0.
"""

import shutil
import time
from pathlib import Path

from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.metrics import Progress
from gptmodel.model_folder import save_model
from gptmodel.runtime import build_model, settled
from gptmodel.store import Workspace
from gptmodel.training.account import TrainResult
from gptmodel.training.checkpoints import CHECKPOINTS_DIR
from gptmodel.training.data import open_data
from gptmodel.training.facts import MODEL_DIR, facts_of, finished, note_finished
from gptmodel.training.group import Alone, Group
from gptmodel.training.plan import RUNTIME_FILE, plan_training, write_plan
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
        group: The processes that train together; None: this one alone.

    Raises:
        CorpusTooSmallError: The train split is shorter than one window, or there is nothing to validate on.
        ResumeError: The checkpoint here rests on other data, settings or another kind of device.
        TrainingError: The loss is not a number or jumped, or a GPU has too little memory.
        DiskFullError: No space is left for the trained model.
    """
    started, group = time.monotonic(), group or Alone()
    _remove_temporary(work.path)
    facts = facts_of(work, model, training)
    if (earlier := finished(work, facts)) is not None:
        return earlier
    data = open_data(work, model, training)
    plan = plan_training(work.notes / RUNTIME_FILE, facts, model, training, data.vocab_size, group.size)
    with terminable(), settled(plan.runtime, training.seed):
        module = build_model(model, data.vocab_size, plan.runtime)
        trainer = Trainer(work, training, data, facts, plan, module, group, progress, started)
        trainer.restore()
        trainer.run()
        trainer.keep_best()
        result = trainer.account()
    if group.is_first:
        save_model(work.path / MODEL_DIR, trainer.model)
        write_plan(work.notes / RUNTIME_FILE, trainer.plan.model_copy(update={"is_final": True}))
        note_finished(work, facts, result)
        shutil.rmtree(work.notes / CHECKPOINTS_DIR, ignore_errors=True)
    return result


def _remove_temporary(folder: Path) -> None:
    """Remove the temporary files and folders that a killed attempt left; a dot begins their names."""
    for path in sorted(folder.rglob(".*")):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
