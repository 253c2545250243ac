"""A training of seconds, told of itself as a request, for tests that need more than one process."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from gptmodel.config import ModelConfig, TokenizerConfig, TrainingConfig
from gptmodel.tokenizer import learn
from gptmodel.training.request import Request

# Rows that two processes can't share equally: 321 of the embedding, 17 of the matrices.
MODEL = ModelConfig(embedding_dim=34, hidden_dim=17, num_layers=2, num_heads=1, context_length=8)
TRAINING = TrainingConfig(
    batch_size=4, micro_batch_size=1, max_steps=12, optimizer="muon", learning_rate=1e-2, warmup_steps=2,
    eval_interval=5, num_eval_batches=2, num_samples=3, sample_prompt="The", sample_tokens=4, checkpoint_interval=4,
    num_threads=1, compile="never", precision="fp32",
)  # fmt: skip
_TEXTS = [f"The function number {n} returns a list of names and values. " * 4 for n in range(20)]


def write_inputs(root: Path) -> dict[str, Path]:
    """Write what the stages before left."""
    inputs = {name: root / name for name in ("tokenizer", "pack")}
    for folder in inputs.values():
        folder.mkdir()
    tokenizer = learn(_TEXTS, TokenizerConfig(vocab_size=321))
    tokenizer.save(inputs["tokenizer"])
    for split, texts in (("train", _TEXTS[2:]), ("validation", _TEXTS[:2])):
        ids = [number for text in texts for number in (*tokenizer.encode(text), tokenizer.end_of_document_id)]
        np.array(ids, dtype="<u2").tofile(inputs["pack"] / f"{split}-00000.bin")
    return inputs


def request_in(folder: Path, inputs: dict[str, Path], model: dict[str, Any] | None = None, **named: Any) -> Request:
    """Give a request for a training in a folder, which is made if it is missing."""
    folder.mkdir(exist_ok=True)
    shape, settings = MODEL.model_copy(update=model or {}), TRAINING.model_copy(update=named)
    return Request(folder=folder, inputs=inputs, model=shape, training=settings)


def curve_of(request: Request, key: str = "train_loss") -> list[float]:
    """Give the losses of a finished training."""
    lines = (request.folder / "curve.jsonl").read_text().splitlines()
    return [point[key] for line in lines if key in (point := json.loads(line))]
