"""Train a GPT on the packed tokens: the loop, its checkpoints, its curve and its samples.

A training that was interrupted goes on from its newest whole checkpoint and ends, on a CPU, with the same weights bit
for bit. It knows no server: metrics go to a file, progress to a callback. The flows' train task calls `train`; the
choices that depend on the machine are made in `runtime`, once, before step 0.
"""

import contextlib
import json
import logging
import math
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from gptmodel.checkpoint import Checkpoint, load_checkpoint, load_weights, save_checkpoint, save_model, weights_of
from gptmodel.config import ModelConfig, TrainingConfig, fingerprint_section
from gptmodel.errors import CorpusTooSmallError, TrainingError
from gptmodel.generation import Generator
from gptmodel.metrics import METRICS_FILE, Meter, MetricsLog, Progress, append_text, write_lines
from gptmodel.mixture import MixedOrder, batch_order
from gptmodel.model import GPTModel
from gptmodel.optimizer import build_optimizer, learning_rate_at
from gptmodel.runtime import TrainingPlan, build_model, loss_function, plan_training, settled
from gptmodel.store import Workspace, digest_of, file_digest, write_synced
from gptmodel.tokenizer import Tokenizer
from gptmodel.tokens import BatchOrder, TokenSplit, batch, num_windows, windows_at

logger = logging.getLogger(__name__)

MODEL_DIR = "model"
CURVE_FILE = "curve.jsonl"
SAMPLES_FILE = "samples.jsonl"
CHECKPOINTS_DIR = "checkpoints"
RUNTIME_FILE = "runtime.json"
RESULT_FILE = "result.json"

_CURVE_POINTS = 200


class RuntimeAccount(BaseModel):
    """What depends on clock and machine; no part of the output's digest."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seconds: float
    """Wall time of this attempt, from opening the data to the saved model."""
    tokens_per_second: float
    """Tokens trained on for each second spent in steps, in this attempt."""
    resumed_from_step: int | None
    """Step that this attempt went on from; None: it began at the beginning."""
    device: str
    """cpu or cuda."""
    precision: str
    """fp32 or bf16."""
    compiled: bool
    """Whether the training step was compiled."""
    num_threads: int
    """CPU threads."""
    note: str = ""
    """Why a GPU that is there was not used; empty otherwise."""


class TrainResult(BaseModel):
    """What the train stage made."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_parameters: int
    """Parameters of the model."""
    num_tokens: int
    """Tokens trained on, repeats included."""
    num_steps: int
    """Optimizer steps."""
    train_loss: float
    """Mean loss over the last stretch of the curve, nats a token."""
    validation_loss: float
    """Loss on the validation batches after the last step, nats a token."""
    runtime: RuntimeAccount


def train(
    work: Workspace, model: ModelConfig, training: TrainingConfig, progress: Progress | None = None
) -> TrainResult:
    """Train a model, or go on with a training that was interrupted in this workspace.

    Args:
        work: Reads "tokenizer" and "pack"; writes `model/`, `curve.jsonl` and `samples.jsonl`, and in the notes
            `metrics.jsonl`, `runtime.json` and, until it is done, `checkpoints/`.
        model: Shape of the model.
        training: The optimisation.
        progress: Called about twice a second with the share done (0 to 1) and a line to show.

    Raises:
        CorpusTooSmallError: The train split is shorter than one window, or there is nothing to validate on.
        ResumeError: The checkpoint here rests on other data, settings or another kind of device.
        TrainingError: The loss is not a number.
        DiskFullError: No space is left for a checkpoint.
    """
    started = time.monotonic()
    _remove_temporary(work.path)
    facts = facts_of(work, model, training)
    if (finished := _finished(work, facts)) is not None:
        return finished
    data = _open_data(work, model, training)
    plan = plan_training(work.notes / RUNTIME_FILE, facts, model, training, data.vocab_size)
    with settled(plan.runtime, training.seed):
        trainer = _Trainer(
            work, training, data, facts, plan, build_model(model, data.vocab_size, plan.runtime), progress
        )
        resumed_from = trainer.restore()
        trainer.run()
        save_model(work.path / MODEL_DIR, trainer.model)
        result = trainer.account(started, resumed_from)
    account = {"facts": digest_of(facts), "files": _data_digests(work.path), "result": result.model_dump(mode="json")}
    write_synced(work.notes / RESULT_FILE, json.dumps(account))
    shutil.rmtree(work.notes / CHECKPOINTS_DIR, ignore_errors=True)
    return result


def _remove_temporary(folder: Path) -> None:
    """Remove the temporary files and folders that a killed attempt left; a dot begins their names."""
    for path in sorted(folder.rglob(".*")):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _finished(work: Workspace, facts: dict[str, Any]) -> TrainResult | None:
    """Give the account of an attempt that was done but ended before it was committed; its checkpoints are gone."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        account = json.loads((work.notes / RESULT_FILE).read_bytes())
        if account["facts"] == digest_of(facts) and account["files"] == _data_digests(work.path):
            return TrainResult.model_validate(account["result"])
    return None


def _data_digests(folder: Path) -> dict[str, str]:
    paths = [folder / CURVE_FILE, folder / SAMPLES_FILE, *sorted((folder / MODEL_DIR).iterdir())]
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in paths}


@dataclass(frozen=True)
class _Data:
    train: TokenSplit
    validation: TokenSplit
    order: BatchOrder | MixedOrder
    tokenizer: Tokenizer
    context_length: int
    vocab_size: int

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Give a step's inputs and targets, int64, (B, T)."""
        inputs, targets = batch(self.train, self.order, step, self.context_length)
        return torch.from_numpy(inputs), torch.from_numpy(targets)

    def validation_batches(self, config: TrainingConfig) -> Iterator[tuple[Tensor, Tensor]]:
        """Give the same batches at each validation: windows at even distances over the split."""
        context = min(self.context_length, len(self.validation) - 1)
        total = num_windows(len(self.validation), context)
        count = min(total, config.num_eval_batches * config.batch_size)
        windows = [place * total // count for place in range(count)]
        for first in range(0, count, config.batch_size):
            inputs, targets = windows_at(self.validation, windows[first : first + config.batch_size], context)
            yield torch.from_numpy(inputs), torch.from_numpy(targets)


def _open_data(work: Workspace, model: ModelConfig, training: TrainingConfig) -> _Data:
    tokenizer = Tokenizer.load(work.inputs["tokenizer"])
    train_split, validation = (TokenSplit.open(work.inputs["pack"], name) for name in ("train", "validation"))
    total = num_windows(len(train_split), model.context_length)
    if total < 1 or len(validation) < 2:
        short, needed = ("train", model.context_length + 1) if total < 1 else ("validation", 2)
        raise CorpusTooSmallError(
            expected=f"at least {needed} tokens in the {short} split (context_length {model.context_length})",
            actual=f"{len(train_split if total < 1 else validation)}",
            mend="Add documents, or make model.context_length smaller.",
        )
    order = batch_order(work.inputs["pack"], model.context_length, total, training.batch_size, training.seed)
    return _Data(train_split, validation, order, tokenizer, model.context_length, tokenizer.vocab_size)


def facts_of(work: Workspace, model: ModelConfig, training: TrainingConfig) -> dict[str, Any]:
    """Give what a training rests on: digests of its inputs, and its settings."""
    inputs = {name: _input_digest(work.inputs[name]) for name in ("tokenizer", "pack")}
    return {"inputs": inputs, "model": fingerprint_section(model), "training": fingerprint_section(training)}


def _input_digest(folder: Path) -> str:
    """Give the digest of a committed input from its manifest; without one, of its files."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads((folder / "manifest.json").read_bytes())["digest"])
    return digest_of({path.name: file_digest(path) for path in sorted(folder.iterdir()) if path.is_file()})


@dataclass
class _Records:
    """What the training remembers besides weights; goes into every checkpoint."""

    curve: list[dict[str, Any]] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)  # since the last point of the curve


class _Trainer:
    """One attempt at a training."""

    def __init__(
        self, work: Workspace, config: TrainingConfig, data: _Data, facts: dict[str, Any], plan: TrainingPlan,
        model: GPTModel, progress: Progress | None,
    ) -> None:  # fmt: skip
        self.model = model
        self._work, self._config, self._data, self._facts = work, config, data, facts
        self._runtime, self._num_steps = plan.runtime, plan.num_steps
        self._optimizer = build_optimizer(model, config)
        self._loss_of = loss_function(plan.runtime)
        self._plain_loss_of = loss_function(plan.runtime.model_copy(update={"compiled": False}))
        self._records = _Records()
        self._step = 0
        self._rng = self._rng_state()
        self._consistent = True
        self._meter = Meter(plan.num_steps, config.batch_size * data.context_length, progress)
        self._sample_steps = _sample_steps(plan.num_steps, config.num_samples)

    def restore(self) -> int | None:
        """Go back to the newest checkpoint, if there is one, and cut the records off there; return its step."""
        checkpoint = load_checkpoint(self._checkpoints, self._facts)
        if checkpoint is not None:
            self._load(checkpoint)
            logger.info("going on from step %d", self._step)
        write_lines(self._work.path / CURVE_FILE, self._records.curve)
        write_lines(self._work.path / SAMPLES_FILE, self._records.samples)
        self._log = MetricsLog(self._work.notes / METRICS_FILE, None if checkpoint is None else self._step)
        self._meter.start(self._step)
        return None if checkpoint is None else self._step

    def run(self) -> None:
        """Train to the last step.

        Ctrl-C leaves a checkpoint of the last whole step; any other error leaves those that are there.
        """
        try:
            if self._step == 0:
                self._note_beginning()
            while self._step < self._num_steps:
                self._advance()
                if self._step % self._config.checkpoint_interval == 0 or self._step == self._num_steps:
                    self._save()
                self._meter.show(self._step, self._records.curve)
        except KeyboardInterrupt:
            if self._consistent and self._step:
                self._save()
            raise
        finally:
            self._log.flush()

    def account(self, started: float, resumed_from: int | None) -> TrainResult:
        """Sum the training up."""
        runtime = self._runtime
        last = self._records.curve[-1]
        return TrainResult(
            num_parameters=self.model.num_parameters(),
            num_tokens=self._num_steps * self._config.batch_size * self._data.context_length,
            num_steps=self._num_steps, train_loss=last["train_loss"], validation_loss=last["validation_loss"],
            runtime=RuntimeAccount(
                seconds=round(time.monotonic() - started, 3), tokens_per_second=round(self._meter.tokens_per_second, 1),
                resumed_from_step=resumed_from, device=runtime.device, precision=runtime.precision,
                compiled=runtime.compiled, num_threads=runtime.num_threads, note=runtime.note,
            ),
        )  # fmt: skip

    @property
    def _checkpoints(self) -> Path:
        return self._work.notes / CHECKPOINTS_DIR

    def _note_beginning(self) -> None:
        inputs, targets = self._data.batch(0)
        loss = self._mean_loss([(inputs, targets)])
        self._note_curve({"step": 0, "train_loss": loss, "validation_loss": self._validation_loss()})
        self._note_sample()

    def _advance(self) -> None:
        """Take one step and note what it showed."""
        with self._meter.timed():
            ratio = learning_rate_at(self._step, self._num_steps, self._config)
            self._optimizer.set_learning_rate(ratio)
            loss = self._loss_of(self.model, *self._placed(self._data.batch(self._step)))
            self._check("loss", loss.item())
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self._config.gradient_clip)
            self._check("gradient norm", norm.item())
            # From here until the records agree with the weights, an interrupt must not write a checkpoint.
            self._consistent = False
            self._optimizer.step()
            self._optimizer.zero_grad()
        self._step += 1
        self._records.losses.append(loss.item())
        self._note_metrics(loss.item(), norm.item(), ratio)
        self._note_step()
        self._rng = self._rng_state()
        self._consistent = True

    def _check(self, name: str, value: float) -> None:
        if not math.isfinite(value):
            windows = ", ".join(str(window) for window in self._data.order.windows(self._step))
            raise TrainingError(
                expected=f"a {name} that is a number",
                actual=f"{value} at step {self._step} (batch {self._step}: windows {windows})",
                mend="Lower training.learning_rate, or set training.precision to fp32.",
            )

    def _note_metrics(self, loss: float, norm: float, ratio: float) -> None:
        if self._step % max(1, self._num_steps // 500) and self._step != self._num_steps:
            return
        values = {"train_loss": loss, "learning_rate": ratio * self._config.learning_rate, "gradient_norm": norm}
        speed = {"tokens_per_second": self._meter.recent, "eta_seconds": self._meter.eta(self._step)}
        self._log.add(self._step, values | speed)

    def _note_step(self) -> None:
        last = self._step == self._num_steps
        validates = last or self._step % self._config.eval_interval == 0
        if validates or self._step % max(1, self._num_steps // _CURVE_POINTS) == 0:
            losses, self._records.losses = self._records.losses, []
            point: dict[str, Any] = {"step": self._step, "train_loss": math.fsum(losses) / len(losses)}
            self._note_curve(point | ({"validation_loss": self._validation_loss()} if validates else {}))
        if self._step in self._sample_steps:
            self._note_sample()

    def _note_curve(self, point: dict[str, Any]) -> None:
        self._records.curve.append(point)
        append_text(self._work.path / CURVE_FILE, json.dumps(point) + "\n")
        if "validation_loss" in point:
            self._log.add(point["step"], {"validation_loss": point["validation_loss"]})

    def _note_sample(self) -> None:
        """Complete the prompt greedily; the training's generator and mode stay as they are."""
        prompt = self._config.sample_prompt
        devices = [0] if self._runtime.device == "cuda" else []
        with torch.random.fork_rng(devices=devices), _evaluating(self.model):
            generator = Generator(self.model, self._data.tokenizer)
            completed = generator.generate([prompt], max_new_tokens=self._config.sample_tokens, temperature=0.0)
        sample = {"step": self._step, "prompt": prompt, "text": completed[0].text}
        self._records.samples.append(sample)
        append_text(self._work.path / SAMPLES_FILE, json.dumps(sample) + "\n")

    def _validation_loss(self) -> float:
        return self._mean_loss(self._data.validation_batches(self._config))

    def _mean_loss(self, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
        """Give the mean loss over batches, nats a token, without dropout."""
        total, count = 0.0, 0
        with torch.no_grad(), _evaluating(self.model):
            for inputs, targets in batches:
                # Not the compiled function: another batch size or mode would compile it once more.
                total += self._plain_loss_of(self.model, *self._placed((inputs, targets))).item() * targets.numel()
                count += targets.numel()
        return total / count

    def _placed(self, pair: Sequence[Tensor]) -> list[Tensor]:
        return [tensor.to(self._runtime.device) for tensor in pair]

    def _rng_state(self) -> dict[str, Tensor]:
        state = {"rng.cpu": torch.get_rng_state()}
        return state | ({"rng.cuda": torch.cuda.get_rng_state()} if self._runtime.device == "cuda" else {})

    def _save(self) -> None:
        tensors = {f"model.{name}": tensor for name, tensor in weights_of(self.model).items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in self._optimizer.state_tensors().items()}
        notes = {"curve": self._records.curve, "samples": self._records.samples, "losses": self._records.losses}
        checkpoint = Checkpoint(self._step, tensors | self._rng, self._facts, notes)
        save_checkpoint(self._checkpoints, checkpoint, self._config.keep_checkpoints)

    def _load(self, checkpoint: Checkpoint) -> None:
        load_weights(self.model, _part(checkpoint.tensors, "model."))
        self._optimizer.load_state_tensors(_part(checkpoint.tensors, "optimizer."))
        torch.set_rng_state(checkpoint.tensors["rng.cpu"])
        if self._runtime.device == "cuda":
            torch.cuda.set_rng_state(checkpoint.tensors["rng.cuda"])
        self._rng = self._rng_state()
        self._records = _Records(**checkpoint.notes)
        self._step = checkpoint.step


@contextlib.contextmanager
def _evaluating(model: GPTModel) -> Iterator[None]:
    model.eval()
    try:
        yield
    finally:
        model.train()


def _sample_steps(num_steps: int, num_samples: int) -> set[int]:
    """Give the points of the training, first and last included, at which the prompt is completed."""
    return {round(place * num_steps / (num_samples - 1)) for place in range(num_samples)}


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
