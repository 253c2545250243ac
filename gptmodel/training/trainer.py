"""The training loop: one attempt, from its first or its restored step to the last."""

import contextlib
import logging
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from gptmodel.checkpoint import Checkpoint
from gptmodel.config import TrainingConfig
from gptmodel.errors import TrainingError
from gptmodel.generation import Generator
from gptmodel.metrics import METRICS_FILE, Meter, MetricsLog, Progress
from gptmodel.model import GPTModel
from gptmodel.model_folder import load_weights, weights_of
from gptmodel.optimizer import build_optimizer, learning_rate_at
from gptmodel.runtime import TrainingPlan, loss_function
from gptmodel.store import Workspace
from gptmodel.training.account import RuntimeAccount, TrainResult
from gptmodel.training.checkpoints import CHECKPOINTS_DIR, Checkpoints
from gptmodel.training.data import TrainingData
from gptmodel.training.records import Records
from gptmodel.training.signals import held_back

logger = logging.getLogger(__name__)

_CURVE_POINTS = 200


class Trainer:
    """One attempt at a training."""

    def __init__(
        self, work: Workspace, config: TrainingConfig, data: TrainingData, facts: dict[str, Any], plan: TrainingPlan,
        model: GPTModel, progress: Progress | None,
    ) -> None:  # fmt: skip
        self.model = model
        self._work, self._config, self._data = work, config, data
        self._runtime, self._num_steps = plan.runtime, plan.num_steps
        self._optimizer = build_optimizer(model, config)
        self._loss_of = loss_function(plan.runtime)
        self._plain_loss_of = loss_function(plan.runtime.model_copy(update={"compiled": False}))
        self._checkpoints = Checkpoints(work.notes / CHECKPOINTS_DIR, facts, config.keep_checkpoints)
        self._records = Records()
        self._step = 0
        self._rng = self._rng_state()
        self._consistent, self._shield = True, contextlib.ExitStack()
        self._meter = Meter(plan.num_steps, config.batch_size * data.context_length, progress)
        self._sample_steps = _sample_steps(plan.num_steps, config.num_samples)

    def restore(self) -> int | None:
        """Go back to the newest checkpoint, if there is one, and cut the records off there; return its step."""
        checkpoint = self._checkpoints.newest()
        if checkpoint is not None:
            self._load(checkpoint)
            logger.info("going on from step %d", self._step)
        self._records.write(self._work.path)
        self._log = MetricsLog(self._work.notes / METRICS_FILE, None if checkpoint is None else self._step)
        self._meter.start(self._step)
        return None if checkpoint is None else self._step

    def run(self) -> None:
        """Train to the last step.

        Ctrl-C, SIGTERM or what a program makes of them leaves a checkpoint of the last whole step; any other error
        leaves those that are there. A checkpoint that can't be written is told and tried again at the next interval.
        """
        try:
            if self._step == 0:
                self._note_beginning()
            while self._step < self._num_steps:
                self._advance()
                if self._step % self._config.checkpoint_interval == 0 or self._step == self._num_steps:
                    self._save()
                self._meter.show(self._step, self._records.curve)
        except Exception:
            raise
        except BaseException:
            if self._consistent and self._step:
                self._save()
            raise
        finally:
            self._checkpoints.wait()
            self._log.flush()
            self._shield.close()

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
            # From here until the records agree with the weights, no checkpoint can be written, so signals wait.
            self._shield.enter_context(held_back())
            self._consistent = False
            self._optimizer.step()
            self._optimizer.zero_grad()
        self._step += 1
        self._records.losses.append(loss.item())
        self._note_metrics(loss.item(), norm.item(), ratio)
        self._note_step()
        self._rng = self._rng_state()
        self._consistent = True
        self._shield.close()

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
        self._records.add_point(self._work.path, point)
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
        self._records.add_sample(self._work.path, sample)

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
        point = self._records.curve[-1]
        score = point.get("validation_loss") if point["step"] == self._step else None
        self._checkpoints.save(self._step, tensors | self._rng, notes, score)
        if self._checkpoints.num_failed:
            self._log.add(self._step, {"num_failed_checkpoints": self._checkpoints.num_failed})

    def _load(self, checkpoint: Checkpoint) -> None:
        load_weights(self.model, _part(checkpoint.tensors, "model."))
        self._optimizer.load_state_tensors(_part(checkpoint.tensors, "optimizer."))
        torch.set_rng_state(checkpoint.tensors["rng.cpu"])
        if self._runtime.device == "cuda":
            torch.cuda.set_rng_state(checkpoint.tensors["rng.cuda"])
        self._rng = self._rng_state()
        self._records = Records(**checkpoint.notes)
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
