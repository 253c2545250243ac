"""The two sides of char Shakespeare: a run of our trainer, and a run of nanoGPT's own train.py."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.char_data import SEED, copy_peer
from benchmarks.processes import CHECKOUT, measure, own
from benchmarks.turns import Side
from gptmodel.flops import flops_per_token

NUM_THREADS = 2


@dataclass(frozen=True)
class Setting:
    """A setting of nanoGPT's README for char Shakespeare.

    Attributes:
        device: cpu or cuda.
        arguments: What its train.py is started with.
        num_steps: Its steps.
        batch_size: Sequences in a step.
        shape: Its model, in the names of GPTModel.
        recipe: Name of the file with our side's recipe.
    """

    device: str
    arguments: tuple[str, ...]
    num_steps: int
    batch_size: int
    shape: Mapping[str, Any]
    recipe: str

    @property
    def window(self) -> int:
        """Characters of a sequence, in training and in the score."""
        return int(self.shape["context_length"])


CPU = Setting(
    device="cpu",
    arguments=(
        "config/train_shakespeare_char.py", "--device=cpu", "--compile=False", "--eval_iters=20", "--log_interval=1",
        "--block_size=64", "--batch_size=12", "--n_layer=4", "--n_head=4", "--n_embd=128", "--max_iters=2000",
        "--lr_decay_iters=2000", "--dropout=0.0",
    ),
    num_steps=2000, batch_size=12, recipe="char.toml",
    shape={"vocab_size": 65, "embedding_dim": 128, "hidden_dim": 512, "num_layers": 4, "num_heads": 4,
           "context_length": 64, "activation": "gelu"},
)  # fmt: skip
GPU = Setting(
    device="cuda", arguments=("config/train_shakespeare_char.py",), num_steps=5000, batch_size=64,
    recipe="char_gpu.toml",
    shape={"vocab_size": 65, "embedding_dim": 384, "hidden_dim": 1536, "num_layers": 6, "num_heads": 6,
           "context_length": 256, "activation": "gelu"},
)  # fmt: skip
# Without evaluations, and longer than anybody watches: for speeds alone.
PEER_ENDLESS = ("--eval_interval=1000000000", "--max_iters=1000000000")
ENDLESS = {"max_steps": 5000, "eval_interval": 1_000_000, "num_eval_batches": 1}

Figures = dict[str, Any]
Marks = list[tuple[int, float]]
"""Steps done, and the side's own seconds at that moment."""


@dataclass(frozen=True)
class Task:
    """The task, ready to be trained on.

    Attributes:
        work: Folder for everything made.
        inputs: What our training reads.
        recipe: The tables of char.toml.
        peer: nanoGPT's checkout, or None.
        text: The whole text.
        setting: What nanoGPT does with it.
    """

    work: Path
    inputs: Mapping[str, Path]
    recipe: Mapping[str, Mapping[str, Any]]
    peer: Path | None
    text: str
    setting: Setting = CPU

    def training(self, question: str, **further: Any) -> dict[str, Any]:
        """Give our settings for a question: the recipe's common ones, its own, further ones."""
        return {**self.recipe["training"], "num_threads": NUM_THREADS, **self.recipe[question], **further}

    @property
    def flops(self) -> float:
        """Operations of one of our tokens."""
        vocab_size = len(set(self.text)) + 2
        return flops_per_token({"vocab_size": vocab_size, "activation": "relu2", **self.recipe["model"]})


def training_environment(cache: Path) -> dict[str, str]:
    """Give the variables that the project's servers give a training, with a compile cache of our own."""
    return {
        "PYTHONPATH": str(CHECKOUT), "TORCHINDUCTOR_CACHE_DIR": str(cache), "OMP_WAIT_POLICY": "passive",
        "OMP_NUM_THREADS": str(NUM_THREADS),
    }  # fmt: skip


class Ours:
    """A run of our trainer.

    Args:
        task: The task.
        name: Name of its folder.
        training: Its settings.
        cache: Folder of the compile cache.
    """

    def __init__(self, task: Task, name: str, training: Mapping[str, Any], cache: str = "compiled") -> None:
        self._task, self._folder = task, task.work / name
        settings = {"inputs": {stage: str(path) for stage, path in task.inputs.items()}, "output": str(self._folder),
                    "model": task.recipe["model"], "training": training}  # fmt: skip
        file = task.work / f"{name}.json"
        file.write_text(json.dumps(settings), encoding="utf-8")
        self.tokens_per_step = training["batch_size"] * task.recipe["model"]["context_length"]
        self.side = Side(own("char_run", file), training_environment(task.work / cache))

    @property
    def marks(self) -> Marks:
        """When which step was done."""
        path = self._folder / "notes" / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        notes = [note for note in map(json.loads, lines) if note["key"] == "train_loss"]
        return [(note["step"], self.side.seconds_at(note["time"])) for note in notes]

    def score(self) -> Figures:
        """Score the trained model."""
        tokens = self._task.inputs["pack"] / "validation-00000.bin"
        return measure(own("char_score", self._task.setting.window, tokens, "ours", self._folder / "model")).said


class Theirs:
    """A run of nanoGPT's train.py, in a copy of its checkout.

    Args:
        task: The task, with a checkout.
        name: Name of its folder.
        seed: Its seed.
        further: Arguments after those of its README.
    """

    def __init__(self, task: Task, name: str, seed: int = SEED, further: Sequence[str] = ()) -> None:
        assert task.peer is not None
        self._folder = copy_peer(task.peer, task.text, task.work / name, seed)
        self._window = task.setting.window
        self.tokens_per_step = task.setting.batch_size * self._window
        command = [sys.executable, "train.py", *task.setting.arguments, *further]
        self.side = Side(command, {"OMP_NUM_THREADS": str(NUM_THREADS)}, self._folder)

    @property
    def marks(self) -> Marks:
        """When which step was done."""
        told = [line for line in self.side.lines if line.text.startswith("iter ")]
        return [(int(line.text.split()[1].rstrip(":")) + 1, self.side.seconds_at(line.moment)) for line in told]

    def score(self) -> Figures:
        """Score its checkpoint."""
        tokens = self._folder / "data" / "shakespeare_char" / "val.bin"
        checkpoint = self._folder / "out-shakespeare-char" / "ckpt.pt"
        return measure(own("char_score", self._window, tokens, "nanogpt", self._folder, checkpoint)).said


Run = Ours | Theirs
