"""Checkpoints of a training that survive a kill at any moment.

A checkpoint is a folder of its own: one or more safetensors files and a JSON account that lists their sizes and
digests. It is written beside, synced, then renamed; the newest whole one is gone on from, and one made with other data
or settings is refused. Nothing here is ever pickled. `training` writes checkpoints, by `checkpoint_writer`.
"""

import json
import logging
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptmodel.errors import ResumeError
from gptmodel.model_folder import save_tensors
from gptmodel.store import digest_of, file_digest, full_disk_explained, sync, write_synced

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

STATE_FILE = "state.safetensors"
_ACCOUNT_FILE = "checkpoint.json"
_INPUTS = {"inputs.pack": "text (the packed tokens)", "inputs.tokenizer": "tokenizer"}


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


@dataclass(frozen=True)
class StateFile:
    """One safetensors file of a checkpoint, as its account lists it.

    Attributes:
        name: Name within the checkpoint's folder.
        num_bytes: Size.
        sha256: Digest of its bytes, 64 hex digits.
    """

    name: str
    num_bytes: int
    sha256: str


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int = 2, score: float | None = None) -> Path:
    """Write a checkpoint and remove those that are not kept; a kill at any moment leaves the older ones whole.

    Args:
        folder: Folder of all checkpoints of a training.
        checkpoint: What to write.
        keep: Newest checkpoints kept, at least 1; the one with the lowest score is kept besides.
        score: How good the model is at this step, lower is better; None: not measured.

    Returns:
        The checkpoint's own folder.

    Raises:
        DiskFullError: No space is left; the older checkpoints are untouched.
    """
    partial = begin_checkpoint(folder, checkpoint.step)
    try:
        files = [write_state(partial, STATE_FILE, checkpoint.tensors)]
        return commit_checkpoint(partial, checkpoint, files, keep, score)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)  # what it holds is of no use, and the disk may be full
        raise


def begin_checkpoint(folder: Path, step: int) -> Path:
    """Make the folder that a checkpoint is written in before it counts, and give its path."""
    partial = folder / f".step-{step:010d}.tmp"
    shutil.rmtree(partial, ignore_errors=True)
    with full_disk_explained(folder):
        partial.mkdir(parents=True, mode=0o700)
    return partial


def write_state(partial: Path, name: str, tensors: Mapping[str, "Tensor"]) -> StateFile:
    """Write one file of a checkpoint and sync it; several processes may each write one under a name of its own.

    Args:
        partial: What `begin_checkpoint` gave.
        name: Name of the file, ending in `.safetensors`.
        tensors: What it holds; no name may stand in two files of one checkpoint.

    Raises:
        DiskFullError: No space is left.
    """
    path = partial / name
    with full_disk_explained(partial.parent):
        save_tensors({key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}, path)
        sync(path)
        return StateFile(name, path.stat().st_size, file_digest(path))


def commit_checkpoint(
    partial: Path, checkpoint: Checkpoint, files: Sequence[StateFile], keep: int = 2, score: float | None = None
) -> Path:
    """Write the account, make the checkpoint count by renaming its folder, and remove those that are not kept.

    Args:
        partial: What `begin_checkpoint` gave.
        checkpoint: Its step, facts and notes; its tensors are in the files.
        files: Every file of it.
        keep: See `save_checkpoint`.
        score: See `save_checkpoint`.

    Returns:
        The checkpoint's own folder.

    Raises:
        DiskFullError: No space is left; the older checkpoints are untouched.
    """
    account = {"step": checkpoint.step, "score": _finite(score), "facts": checkpoint.facts,
               "notes": checkpoint.notes, "files": [asdict(file) for file in files]}  # fmt: skip
    with full_disk_explained(partial.parent):
        write_synced(partial / _ACCOUNT_FILE, json.dumps(account | {"sha256": digest_of(account)}))
        sync(partial)
        target = partial.parent / f"step-{checkpoint.step:010d}"
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
        sync(target.parent)
    _remove_old(target, keep)
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


def _remove_old(newest: Path, keep: int) -> None:
    """Remove all checkpoints but the newest ones and the best one; `newest` was just written and is whole."""
    # Whatever claims a later step was passed over as damaged when this training was taken up.
    counted = [path for path in _list(newest.parent) if path.name <= newest.name]
    kept = counted[:keep]
    scores = {path: score for path in counted if (score := _score(path)) is not None}
    if scores:
        kept.append(min(scores, key=lambda path: scores[path]))  # of equal ones the newest
    for path in set(_list(newest.parent)) - set(kept):
        shutil.rmtree(path, ignore_errors=True)


def _score(path: Path) -> float | None:
    try:
        score: float | None = _read_account(path)["score"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return score


def _finite(score: float | None) -> float | None:
    return None if score is None or not math.isfinite(score) else score


def _read(path: Path) -> Checkpoint:
    """Read a checkpoint whole; anything that is not as it was written is an OSError, ValueError, Key- or TypeError."""
    account = _read_account(path)
    tensors: dict[str, Tensor] = {}
    for entry in account["files"]:
        part = _read_state(path, StateFile(**entry))
        if part.keys() & tensors.keys():
            raise ValueError("a tensor in two files")
        tensors |= part
    return Checkpoint(account["step"], tensors, account["facts"], account["notes"])


def _read_account(path: Path) -> dict[str, Any]:
    account: dict[str, Any] = json.loads((path / _ACCOUNT_FILE).read_bytes())
    if account.pop("sha256") != digest_of(account):
        raise ValueError("an account of another digest")
    return account


def _read_state(path: Path, file: StateFile) -> dict[str, "Tensor"]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    state = path / file.name
    if state.stat().st_size != file.num_bytes:
        raise ValueError(f"{file.name} of another size")
    if file_digest(state) != file.sha256:
        raise ValueError(f"{file.name} of another digest")
    try:
        return load_file(state)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _refuse_other_facts(checkpoint: Checkpoint, facts: Mapping[str, Any]) -> None:
    before, after = _flat(checkpoint.facts), _flat(facts)
    other = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if other:
        named = ", ".join(_named(name, before.get(name), after.get(name)) for name in other)
        raise ResumeError(
            expected="a checkpoint made with the same data, tokenizer and settings",
            actual=f"step {checkpoint.step} made with another {named}",
            mend="Set them back to go on, or start from the beginning: gptmodel run --force train",
        )


def _named(name: str, before: Any, after: Any) -> str:
    """Name what differs as a person knows it; of numbers both."""
    if name in _INPUTS:
        return _INPUTS[name]
    numbers = all(isinstance(value, int | float) for value in (before, after))
    return f"{name} ({before}, now {after})" if numbers else name


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
