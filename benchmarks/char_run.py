"""Train on prepared inputs with the project's own trainer, as a process of its own.

    python -m benchmarks.char_run SETTINGS.json

SETTINGS holds {"inputs": {stage: folder}, "output": folder, "model": {...}, "training": {...}}. The last line is one
JSON object: what the training says of itself.
"""

import json
import sys
from pathlib import Path
from typing import Any

from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.store import Workspace
from gptmodel.training.stage import train


def main() -> None:
    """Train once."""
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    output = Path(settings["output"])
    output.mkdir(parents=True)
    work = Workspace(output, {stage: Path(folder) for stage, folder in settings["inputs"].items()})
    result = train(work, ModelConfig(**settings["model"]), TrainingConfig(**settings["training"]))
    print(json.dumps(result.model_dump(mode="json") | _device()))


def _device() -> dict[str, Any]:
    import torch

    if not torch.cuda.is_available():
        return {}
    return {"device_name": torch.cuda.get_device_name(), "peak_device_bytes": torch.cuda.max_memory_allocated()}


if __name__ == "__main__":
    main()
