"""What a training rests on, and whether one that rests on the same was finished here before."""

import contextlib
import json
from pathlib import Path
from typing import Any

from gptmodel.config import ModelConfig, TrainingConfig, fingerprint_section
from gptmodel.store import Workspace, digest_of, file_digest, write_synced
from gptmodel.training.account import TrainResult
from gptmodel.training.records import CURVE_FILE, SAMPLES_FILE

MODEL_DIR = "model"
RESULT_FILE = "result.json"


def facts_of(work: Workspace, model: ModelConfig, training: TrainingConfig) -> dict[str, Any]:
    """Give what a training rests on: digests of its inputs, and its settings."""
    inputs = {name: _input_digest(work.inputs[name]) for name in ("tokenizer", "pack")}
    return {"inputs": inputs, "model": fingerprint_section(model), "training": fingerprint_section(training)}


def _input_digest(folder: Path) -> str:
    """Give the digest of a committed input from its manifest; without one, of its files."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads((folder / "manifest.json").read_bytes())["digest"])
    return digest_of({path.name: file_digest(path) for path in sorted(folder.iterdir()) if path.is_file()})


def finished(work: Workspace, facts: dict[str, Any]) -> TrainResult | None:
    """Give the account of an attempt that was done but ended before it was committed; its checkpoints are gone."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        account = json.loads((work.notes / RESULT_FILE).read_bytes())
        if account["facts"] == digest_of(facts) and account["files"] == _data_digests(work.path):
            return TrainResult.model_validate(account["result"])
    return None


def note_finished(work: Workspace, facts: dict[str, Any], result: TrainResult) -> None:
    """Write down that a training is done, with the digests of what it made."""
    account = {"facts": digest_of(facts), "files": _data_digests(work.path), "result": result.model_dump(mode="json")}
    write_synced(work.notes / RESULT_FILE, json.dumps(account))


def _data_digests(folder: Path) -> dict[str, str]:
    paths = [folder / CURVE_FILE, folder / SAMPLES_FILE, *sorted((folder / MODEL_DIR).iterdir())]
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in paths}
