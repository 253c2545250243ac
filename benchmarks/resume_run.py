"""The training that `bench resume` interrupts: a small model of the committed sample, in a process forked for it.

Forking a process that has imported torch saves three seconds for each of hundreds of starts. The forked process notes
where it is in memory that it shares with its parent, so that a kill leaves behind where it fell.
"""

import functools
import hashlib
import mmap
import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo  # torch imports it at its first step; here once for all processes forked from this one

import gptmodel.checkpoint_writer
import gptmodel.training.stage
from gptmodel.config import ModelConfig, TokenizerConfig, TrainingConfig
from gptmodel.model import GPTModel
from gptmodel.store import Workspace
from gptmodel.tokenizer import learn

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample"
PLACES = ("before step 0", "in a step", "in validation", "in the final save", "in a checkpoint write")
BEGINNING, STEP, VALIDATION, FINAL_SAVE, WRITE = range(len(PLACES))

MODEL = ModelConfig(embedding_dim=48, hidden_dim=128, num_layers=2, num_heads=2, context_length=32, dropout=0.1)
TRAINING = TrainingConfig(
    batch_size=8, max_steps=60, warmup_steps=5, learning_rate=3e-3, eval_interval=10, num_eval_batches=4,
    checkpoint_interval=4, sample_tokens=8, precision="fp32", compile="never", num_threads=1,
)  # fmt: skip


class Marks:
    """Where a training is, in memory that outlives its process."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 4)

    @property
    def place(self) -> int:
        """Where it is: one of PLACES, by number."""
        return WRITE if self._shared[1] else self._shared[0]

    @property
    def num_begun(self) -> int:
        """Steps that were begun."""
        return int.from_bytes(self._shared[2:4], "little")

    def watch(self) -> None:
        """Have this process note where it is."""
        torch.nn.modules.module.register_module_forward_pre_hook(self._note_forward)
        writing = self._around(gptmodel.checkpoint_writer.save_checkpoint, 1, 1)
        gptmodel.checkpoint_writer.save_checkpoint = writing
        saving = self._around(gptmodel.training.stage.save_model, 0, FINAL_SAVE)
        gptmodel.training.stage.save_model = saving

    def _note_forward(self, module: torch.nn.Module, _: Any) -> None:
        if isinstance(module, GPTModel):
            self._shared[0] = STEP if module.training else VALIDATION
            self._shared[2:4] = (self.num_begun + module.training).to_bytes(2, "little")

    def _around(self, function: Callable[..., Any], cell: int, value: int) -> Callable[..., Any]:
        @functools.wraps(function)
        def noted(*positional: Any, **named: Any) -> Any:
            self._shared[cell] = value
            made = function(*positional, **named)
            self._shared[cell] = 0 if cell else value
            return made

        return noted


def forked(work: Callable[[], object]) -> int:
    """Do some work in a process of its own and give its id; it ends with 0, or with the code of a SystemExit."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except SystemExit as left:
        code = int(left.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def write_inputs(folder: Path) -> None:
    """Write what a training reads, of the committed sample: a small tokenizer, and the packed splits."""
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(SAMPLE.rglob("*.md"))]
    tokenizer = learn(texts, TokenizerConfig(vocab_size=512))
    for name, chosen in (("train", texts[4:]), ("validation", texts[:4])):
        ids = [number for text in chosen for number in (*tokenizer.encode(text), tokenizer.end_of_document_id)]
        (folder / "pack").mkdir(parents=True, exist_ok=True)
        np.array(ids, dtype="<u2").tofile(folder / "pack" / f"{name}-00000.bin")
    (folder / "tokenizer").mkdir()
    tokenizer.save(folder / "tokenizer")


def train(folder: Path, inputs: Path, optimizer: str) -> None:
    """Train to the end, or go on where an earlier attempt in this folder was interrupted."""
    folder.mkdir(exist_ok=True)
    work = Workspace(folder, {name: inputs / name for name in ("tokenizer", "pack")})
    gptmodel.training.stage.train(work, MODEL, TRAINING.model_copy(update={"optimizer": optimizer}))


def digests(folder: Path) -> Mapping[str, str]:
    """Give the digest of each file that a training made, its notes aside."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
        if not name.startswith("notes/")
    }
