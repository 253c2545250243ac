"""Model folders: a trained model's weights and shape, in two files that any safetensors reader opens.

A model folder holds `model.safetensors` and `config.json`; nothing is ever pickled. `training` writes it;
`generation`, `evaluation` and `privacy` load it.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gptmodel.errors import StoreError
from gptmodel.store import full_disk_explained, write_synced

if TYPE_CHECKING:
    from torch import Tensor

    from gptmodel.model import GPTModel

MODEL_FILE = "model.safetensors"
CONFIG_FILE = "config.json"

# safetensors gives the system's answer, such as a full disk, in words alone.
_SYSTEM_ERROR = re.compile(r"\bos error (\d+)\b")


def save_model(folder: Path, model: "GPTModel") -> None:
    """Write a model folder: `model.safetensors` and `config.json` (the constructor's arguments).

    Raises:
        DiskFullError: No space is left.
    """
    with full_disk_explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        save_tensors({name: tensor.cpu() for name, tensor in weights_of(model).items()}, folder / MODEL_FILE)
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


def save_tensors(tensors: dict[str, "Tensor"], path: Path) -> None:
    """Write a safetensors file; what the system refuses is an OSError, as it is from any other writer."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path)
    except SafetensorError as error:
        refused = _SYSTEM_ERROR.search(str(error))
        if refused is None:
            raise
        raise OSError(int(refused[1]), os.strerror(int(refused[1])), str(path)) from error
