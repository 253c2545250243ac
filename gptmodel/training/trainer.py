"""The training loop: one attempt, from its first or its restored step to the last."""

import contextlib
import functools
import logging
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gptmodel.checkpoint import Checkpoint
from gptmodel.config import TrainingConfig
from gptmodel.errors import TrainingError
from gptmodel.flops import flops_per_token, matmul_rate, mfu
from gptmodel.generation import Generator
from gptmodel.metrics import METRICS_FILE, Meter, MetricsLog, Progress, SystemFigures
from gptmodel.model import GPTModel
from gptmodel.model_folder import load_weights, weights_of
from gptmodel.optimizer import build_optimizer
from gptmodel.runtime import Runtime, loss_function
from gptmodel.store import Workspace
from gptmodel.training.account import RuntimeAccount, TrainResult
from gptmodel.training.budget import Budget
from gptmodel.training.checkpoints import CHECKPOINTS_DIR, Checkpoints
from gptmodel.training.data import Batch, TrainingData
from gptmodel.training.figures import Figures, StepFigures
from gptmodel.training.group import Group
from gptmodel.training.loader import Loader
from gptmodel.training.plan import RUNTIME_FILE, Change, TrainingPlan, write_plan
from gptmodel.training.records import Records
from gptmodel.training.schedule import Schedule
from gptmodel.training.signals import held_back
from gptmodel.training.spikes import LossGuard
from gptmodel.training.step import Stepper
from gptmodel.training.stopping import Stopping
from gptmodel.training.validation import Validator, evaluating, mean_loss

logger = logging.getLogger(__name__)

_CURVE_POINTS = 200
_METRIC_POINTS = 500


class Trainer:
    """One attempt at a training."""

    def __init__(
        self, work: Workspace, config: TrainingConfig, data: TrainingData, facts: dict[str, Any], plan: TrainingPlan,
        model: GPTModel, group: Group, progress: Progress | None, started: float,
    ) -> None:  # fmt: skip
        self.model, self.plan = model, plan
        self._work, self._config, self._data, self._group, self._started = work, config, data, group, started
        self._folder = work.path if group.is_first else None
        self._runtime = plan.runtime
        module = group.wrap(model)
        self._optimizer = build_optimizer(model, config, plan.runtime.precision)
        self._rows = plan.micro_batch_size or config.batch_size
        self._stepper = Stepper(
            module, self._optimizer, loss_function(plan.runtime), group, batch_size=config.batch_size,
            micro_batch_size=self._rows, gradient_clip=config.gradient_clip,
        )  # fmt: skip
        judged = [batch.to(plan.runtime.device) for batch in data.validation_batches(config, self._rows)]
        self._judging_loss = loss_function(
            plan.runtime.model_copy(update={"compiled": plan.runtime.validation_compiled})
        )
        self._validator = Validator(judged, data.tokenizer, self._judging_loss, group)
        self._checkpoints = Checkpoints(work.notes / CHECKPOINTS_DIR, facts, config.keep_checkpoints, group)
        self._schedule = Schedule(plan.num_steps, plan.changes, config)
        self._figures, self._records = Figures(plan.runtime.device), Records()
        self._guard = LossGuard(config.max_loss_jump, data.describe)
        self._stopping = Stopping(config.patience, config.min_validation_gain)
        use = _use_of_machine(model, plan.runtime, group)
        self._meter = Meter(config.batch_size * data.context_length, use, progress)
        self._system = SystemFigures(plan.runtime.device)
        self._step, self._budget = 0, self._budget_after(0.0)
        self._resumed_from: int | None = None
        self._rng, self._consistent, self._shield = self._rng_state(), True, contextlib.ExitStack()

    def restore(self) -> None:
        """Go back to the newest checkpoint, if there is one, and cut the records off there."""
        checkpoint = self._checkpoints.newest()
        if checkpoint is not None:
            self._load(checkpoint)
            logger.info("going on from step %d", self._step)
        if self._folder is not None:
            self._records.write(self._folder)
        self._log = MetricsLog(self._work.notes / METRICS_FILE, self._resumed_from) if self._group.is_first else None
        self._meter.start(self._step, self._schedule.num_steps)

    def run(self) -> None:
        """Train to the last step, or until there is nothing more to hope for.

        Ctrl-C, SIGTERM or what a program makes of them leaves a checkpoint of the last whole step; any other error
        leaves those that are there. A checkpoint that can't be written is told and tried again at the next interval.
        """
        try:
            if self._step == 0:
                self._note_beginning()
            with Loader(self._read, self._step) as loader:
                while not self._is_done:
                    self._advance(loader.next())
                    self._look_at_the_clock()
                    if self._step % self._config.checkpoint_interval == 0 or self._is_done:
                        self._save()
                    self._meter.show(self._step, self._schedule.num_steps, self._records.curve[-1]["train_loss"])
                    if self._group.should_stop:
                        raise KeyboardInterrupt
        except Exception:
            raise
        except BaseException:
            if self._consistent and self._step:
                self._save()
            raise
        finally:
            self._checkpoints.wait()
            if self._log is not None:
                self._log.flush()
            self._shield.close()

    def keep_best(self) -> None:
        """Give the model the weights that are kept: with early stopping those that validated best, else the last.

        Raises:
            TrainingError: The best ones could not be written.
        """
        if self._config.patience is None:
            return
        best = self._checkpoints.best()
        if best is None or best.step != self._stopping.best_step:  # an earlier attempt may have failed to write it
            raise TrainingError(
                expected=f"the weights of step {self._stopping.best_step}, which validated best, on the disk",
                actual="none" if best is None else f"those of step {best.step}",
                mend="They could not be written. Make room and train again: gptmodel run --force train",
            )
        load_weights(self.model, best.tensors)

    def whole_model(self) -> GPTModel | None:
        """Give the first process the model whole, on the CPU where it is cut among them, and the others None.

        All processes must ask.
        """
        if not self._group.sharded:
            return self.model if self._group.is_first else None
        weights = self._group.whole(weights_of(self.model))
        if not self._group.is_first:
            return None
        whole = GPTModel(**self.model.config)
        load_weights(whole, weights)
        return whole.train()

    def account(self) -> TrainResult:
        """Sum the training up."""
        runtime, last = self._runtime, self._records.curve[-1]
        kept = self._step if self._stopping.best_step is None else self._stopping.best_step
        validated = next(point for point in reversed(self._records.curve) if point["step"] == kept)
        return TrainResult(
            num_parameters=self.model.num_parameters(),
            num_tokens=kept * self._config.batch_size * self._data.context_length,
            num_steps=kept, num_steps_taken=self._step, stopped=self._why_stopped(), train_loss=last["train_loss"],
            validation_loss=validated["validation_loss"],
            validation_bits_per_byte=validated["validation_bits_per_byte"],
            runtime=RuntimeAccount(
                seconds=round(time.monotonic() - self._started, 3),
                tokens_per_second=round(self._meter.tokens_per_second, 1), mfu=round(self._meter.mfu, 4),
                resumed_from_step=self._resumed_from, device=runtime.device, precision=runtime.precision,
                compiled=runtime.compiled, num_threads=runtime.num_threads, micro_batch_size=self._rows,
                num_processes=runtime.num_processes, note=runtime.note,
            ),
        )  # fmt: skip

    @property
    def _is_done(self) -> bool:
        return self._step >= self._schedule.num_steps or self._stopping.is_over

    def _why_stopped(self) -> str:
        stopping = self._stopping
        if self._step >= self._schedule.num_steps:
            return ""
        return (
            f"after step {self._step} of {self._schedule.num_steps}: {stopping.patience} validations in a row without "
            f"a gain of more than {stopping.min_gain:g} bits per byte"
        )

    def _read(self, step: int) -> Batch:
        windows = self._group.own_part(self._data.order.windows(step))
        return self._data.batch(windows).to(self._runtime.device)

    def _note_beginning(self) -> None:
        batch = self._read(0)
        parts = [batch.rows(first, first + self._rows) for first in range(0, len(batch.inputs), self._rows)]
        loss = self._group.mean(torch.tensor(mean_loss(self.model, parts, self._judging_loss))).item()
        judged = self._validator.validate(self.model)
        self._note_curve({"step": 0, "train_loss": loss, "validation_loss": judged.loss,
                          "validation_bits_per_byte": judged.bits_per_byte})  # fmt: skip
        self._note_sample()

    def _advance(self, batch: Batch) -> None:
        """Take one step and note what it showed."""
        with self._meter.timed():
            self._optimizer.set_learning_rate(self._schedule.learning_rate(self._step))
            self._group.seed_step(self._config.seed, self._step)
            self._figures.add(self._step, *self._stepper.gradients(batch))
            arrived = self._figures.arrived(all_of_them=self._is_point(self._step + 1))
            for one in arrived:
                self._guard.check(*one)
            # From here until the records agree with the weights, no checkpoint can be written, so signals wait.
            self._shield.enter_context(held_back())
            self._consistent = False
            self._stepper.update()
        self._step += 1
        for one in arrived:
            self._note_figures(one)
        self._note_step()
        self._rng = self._rng_state()
        self._consistent = True
        self._shield.close()

    def _is_point(self, num_done: int) -> bool:
        """Tell whether the curve has a point at so many steps done."""
        return self._validates(num_done) or num_done % max(1, self.plan.num_steps // _CURVE_POINTS) == 0

    def _validates(self, num_done: int) -> bool:
        return num_done >= self._schedule.num_steps or num_done % self._config.eval_interval == 0

    def _note_figures(self, figures: StepFigures) -> None:
        self._guard.note(figures.loss)
        self._records.losses.append(figures.loss)
        done, left = figures.step + 1, self._schedule.num_steps - figures.step - 1
        if self._log is None or (done % max(1, self.plan.num_steps // _METRIC_POINTS) and left):
            return
        rate = self._schedule.learning_rate(figures.step) * self._config.learning_rate
        values = {"train_loss": figures.loss, "learning_rate": rate, "gradient_norm": figures.gradient_norm}
        self._log.add(done, values | self._meter.figures(left) | self._system.read())

    def _note_step(self) -> None:
        if self._is_point(self._step):
            point: dict[str, Any] = {"step": self._step, "train_loss": self._records.mean_loss()}
            self._note_curve(point | (self._validation() if self._validates(self._step) else {}))
        if self._schedule.is_sampled(self._step, self._config.num_samples) or self._stopping.is_over:
            self._note_sample()

    def _validation(self) -> dict[str, float]:
        """Validate, and where it is to be kept, keep the best."""
        judged = self._validator.validate(self.model)
        if self._config.patience is not None and self._stopping.note(self._step, judged.bits_per_byte):
            self._checkpoints.save_best(self._step, weights_of(self.model))
        return {"validation_loss": judged.loss, "validation_bits_per_byte": judged.bits_per_byte}

    def _note_curve(self, point: dict[str, Any]) -> None:
        self._records.add_point(self._folder, point)
        judged = {key: value for key, value in point.items() if key.startswith("validation_")}
        if judged and self._log is not None:
            self._log.add(point["step"], judged)

    def _note_sample(self) -> None:
        """Complete the prompt greedily; the training's generator and mode stay as they are."""
        prompt = self._config.sample_prompt
        devices = [0] if self._runtime.device == "cuda" else []
        model = self.whole_model()
        if model is None:
            return
        with torch.random.fork_rng(devices=devices), evaluating(model):
            generator = Generator(model, self._data.tokenizer)
            completed = generator.generate([prompt], max_new_tokens=self._config.sample_tokens, temperature=0.0)
        self._records.add_sample(self._folder, {"step": self._step, "prompt": prompt, "text": completed[0].text})

    def _budget_after(self, seconds: float) -> Budget | None:
        """Give what holds the time budget, of which earlier attempts have used some seconds."""
        if self._config.max_seconds is None or self.plan.is_final:
            return None
        spent = seconds + time.monotonic() - self._started
        return Budget(self._config.max_seconds, self.plan.num_steps, self._config.max_steps, spent)

    def _look_at_the_clock(self) -> None:
        """Change the number of steps where the time budget asks for it, and write that down before the next step."""
        decided = self.plan.changes[-1].step if self.plan.changes else 0
        if self._budget is None or self._is_done or self._step <= decided or not self._budget.is_due(self._step):
            return
        num_steps = self._group.broadcast(self._budget.revised(self._step, self._schedule.num_steps))
        if num_steps is not None:
            change = Change(step=self._step, num_steps=num_steps)
            self._schedule.change(change)
            self.plan = self.plan.model_copy(update={"changes": (*self.plan.changes, change)})
            if self._group.is_first:
                write_plan(self._work.notes / RUNTIME_FILE, self.plan)
            logger.info("after step %d the time budget allows %d steps", self._step, num_steps)

    def _rng_state(self) -> dict[str, Tensor]:
        state = {"rng.cpu": torch.get_rng_state()}
        return state | ({"rng.cuda": torch.cuda.get_rng_state()} if self._runtime.device == "cuda" else {})

    def _save(self) -> None:
        for one in self._figures.arrived(all_of_them=True):  # none but on a GPU, whose figures come later
            self._guard.check(*one)
            self._note_figures(one)
        tensors = {f"model.{name}": tensor for name, tensor in weights_of(self.model).items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in self._optimizer.state_tensors().items()}
        notes = {
            "curve": self._records.curve, "samples": self._records.samples, "losses": self._records.losses,
            "recent": self._guard.recent, "stopping": self._stopping.state(),
            "seconds": 0.0 if self._budget is None else self._budget.spent,
        }  # fmt: skip
        self._checkpoints.save(self._step, tensors | self._rng, notes, self._score())
        if self._checkpoints.num_failed and self._log is not None:
            self._log.add(self._step, {"num_failed_checkpoints": self._checkpoints.num_failed})

    def _score(self) -> float | None:
        """Give the validation loss at this step, if it was validated."""
        point = self._records.curve[-1]
        return point.get("validation_loss") if point["step"] == self._step else None

    def _load(self, checkpoint: Checkpoint) -> None:
        load_weights(self.model, _part(checkpoint.tensors, "model."))
        self._optimizer.load_state_tensors(_part(checkpoint.tensors, "optimizer."))
        torch.set_rng_state(checkpoint.tensors["rng.cpu"])
        if self._runtime.device == "cuda":
            torch.cuda.set_rng_state(checkpoint.tensors["rng.cuda"])
        self._rng = self._rng_state()
        notes = checkpoint.notes
        self._records = Records(notes["curve"], notes["samples"], notes["losses"])
        self._guard = LossGuard(self._config.max_loss_jump, self._data.describe, notes["recent"])
        self._stopping = Stopping.of(notes["stopping"])
        self._budget = self._budget_after(notes["seconds"])
        self._step = self._resumed_from = checkpoint.step


def _use_of_machine(model: GPTModel, runtime: Runtime, group: Group) -> Callable[[float], float]:
    """Give what turns a speed, tokens a second, into the model FLOPs utilisation."""
    machine = _rate_of(runtime.device, runtime.precision, runtime.num_threads) * group.size
    return functools.partial(mfu, token_flops=flops_per_token(model.config), machine_flops=machine)


@functools.cache
def _rate_of(device: str, precision: str, num_threads: int) -> float:
    return matmul_rate(device, precision, num_threads)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
