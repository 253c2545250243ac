"""Model folders, and checkpoints of a training that survive a kill at any moment.

A model folder holds `model.safetensors` and `config.json`. A checkpoint is a folder of its own, written beside, synced,
then renamed; the newest whole one is gone on from, and one made with other data or settings is refused. Nothing here
is ever pickled. `training` writes checkpoints; `generation`, `evaluation` and `privacy` load models.
"""

import errno
import json
import logging
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptmodel.errors import ResumeError, StoreError
from gptmodel.store import file_digest, full_disk_explained, sync, write_synced

if TYPE_CHECKING:
    from torch import Tensor

    from gptmodel.model import GPTModel

logger = logging.getLogger(__name__)

MODEL_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
_STATE_FILE = "state.safetensors"
_ACCOUNT_FILE = "checkpoint.json"

# safetensors says a full disk or quota (ENOSPC, EDQUOT) in words alone.
_NO_SPACE = re.compile(rf"\bos error (?:{errno.ENOSPC}|{errno.EDQUOT})\b")


@dataclass(frozen=True)
class Checkpoint:
    """Everything a training needs to go on.

    Attributes:
        step: Optimizer steps done.
        tensors: Weights, optimizer state and states of the random generators, by name.
        facts: What must be equal to go on: digests of the inputs and settings; JSON values.
        notes: What the training remembers besides, such as its curve so far; JSON values.
    """

    step: int
    tensors: dict[str, "Tensor"]
    facts: dict[str, Any]
    notes: dict[str, Any] = field(default_factory=dict)


def save_model(folder: Path, model: "GPTModel") -> None:
    """Write a model folder: `model.safetensors` and `config.json` (the constructor's arguments).

    Raises:
        DiskFullError: No space is left.
    """
    with full_disk_explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _save_tensors({name: tensor.cpu() for name, tensor in weights_of(model).items()}, folder / MODEL_FILE)
    write_synced(folder / CONFIG_FILE, json.dumps(model.config, indent=1, sort_keys=True) + "\n")


def load_model(folder: Path) -> "GPTModel":
    """Load a model folder, on the CPU and in evaluation mode.

    Raises:
        StoreError: A file is missing, or is not what `save_model` wrote.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from gptmodel.model import GPTModel

    try:
        model = GPTModel(**json.loads((folder / CONFIG_FILE).read_bytes()))
        load_weights(model, load_file(folder / MODEL_FILE))
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise StoreError(
            expected=f"a model in {folder}: {MODEL_FILE} and {CONFIG_FILE}",
            actual="a file is missing" if isinstance(error, FileNotFoundError) else "files that don't fit each other",
            mend="Compute it again: gptmodel run --force train",
        ) from error
    return model.eval()


def weights_of(model: "GPTModel") -> dict[str, "Tensor"]:
    """Give a model's weights by name, each once even if two layers share it."""
    state = model.state_dict()
    parameters = {name: state[name] for name, _ in model.named_parameters()}
    buffers = {name: state[name] for name, _ in model.named_buffers() if name in state}
    return {name: tensor.contiguous() for name, tensor in (parameters | buffers).items()}


def load_weights(model: "GPTModel", weights: Mapping[str, "Tensor"]) -> None:
    """Copy weights into a model.

    Raises:
        KeyError: A weight is missing, or one is too many.
        RuntimeError: A weight has another shape.
    """
    wanted = weights_of(model)
    if wanted.keys() != weights.keys():
        raise KeyError(f"weights differ: {sorted(wanted.keys() ^ weights.keys())}")
    model.load_state_dict(dict(weights), strict=False)  # shared weights stand under one name only


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int = 2) -> Path:
    """Write a checkpoint and remove all but the newest ones; a kill at any moment leaves the older ones whole.

    Args:
        folder: Folder of all checkpoints of a training.
        checkpoint: What to write.
        keep: Checkpoints kept, at least 1.

    Raises:
        DiskFullError: No space is left; the older checkpoints are untouched.
    """
    target = folder / f"step-{checkpoint.step:010d}"
    partial = folder / f".{target.name}.tmp"
    shutil.rmtree(partial, ignore_errors=True)
    with full_disk_explained(folder):
        partial.mkdir(parents=True, mode=0o700)
        state = partial / _STATE_FILE
        _save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}, state)
        sync(state)
        account = {"step": checkpoint.step, "facts": checkpoint.facts, "notes": checkpoint.notes,
                   "num_bytes": state.stat().st_size, "sha256": file_digest(state)}  # fmt: skip
        write_synced(partial / _ACCOUNT_FILE, json.dumps(account))
        sync(partial)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    sync(folder)
    # Whatever claims a later step was passed over as damaged when this training was taken up.
    later = [path for path in _list(folder) if path.name > target.name]
    for old in [*later, *_list(folder)[len(later) + keep :]]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def load_checkpoint(folder: Path, facts: Mapping[str, Any]) -> Checkpoint | None:
    """Give the newest whole checkpoint, or None if there is none; damaged ones are passed over with a warning.

    Args:
        folder: Folder of all checkpoints of a training; may be missing.
        facts: What the training to go on with rests on.

    Raises:
        ResumeError: The newest whole checkpoint rests on other facts; the message names them.
    """
    for path in _list(folder):
        try:
            checkpoint = _read(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("checkpoint %s is damaged (%s); trying the one before", path.name, error)
            continue
        _refuse_other_facts(checkpoint, facts)
        return checkpoint
    return None


def _save_tensors(tensors: dict[str, "Tensor"], path: Path) -> None:
    """Write tensors; a full disk is an OSError, as it is from any other writer."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path)
    except SafetensorError as error:
        if not _NO_SPACE.search(str(error)):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error


def _read(path: Path) -> Checkpoint:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    account = json.loads((path / _ACCOUNT_FILE).read_bytes())
    state = path / _STATE_FILE
    if state.stat().st_size != account["num_bytes"]:
        raise ValueError("another size")
    if file_digest(state) != account["sha256"]:
        raise ValueError("another digest")
    try:
        tensors = load_file(state)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return Checkpoint(account["step"], tensors, account["facts"], account["notes"])


def _refuse_other_facts(checkpoint: Checkpoint, facts: Mapping[str, Any]) -> None:
    before, after = _flat(checkpoint.facts), _flat(facts)
    other = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if other:
        raise ResumeError(
            expected="a checkpoint made with the same data, tokenizer and settings",
            actual=f"step {checkpoint.step} made with another {', '.join(other)}",
            mend="Set them back to go on, or start from the beginning: gptmodel run --force train",
        )


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {name: value}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= _flat(inner, f"{name}.{key}" if name else str(key))
    return found


def _list(folder: Path) -> list[Path]:
    """List a training's checkpoints, newest first."""
    return sorted(folder.glob("step-*"), reverse=True)
