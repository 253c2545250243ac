"""Training: it learns, it repeats itself to the bit, and an interruption changes nothing."""

import errno
import functools
import hashlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from gptmodel import checkpoint_writer
from gptmodel.checkpoint import Checkpoint
from gptmodel.config import ModelConfig, TokenizerConfig, TrainingConfig
from gptmodel.errors import CorpusTooSmallError, DiskFullError, ResumeError, TrainingError
from gptmodel.metrics import read_lines
from gptmodel.model_folder import load_model
from gptmodel.optimizer import Optimizer
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer, learn
from gptmodel.training import trainer as room
from gptmodel.training.account import TrainResult
from gptmodel.training.budget import Budget
from gptmodel.training.plan import read_plan
from gptmodel.training.stage import train
from gptmodel.training.step import Stepper

MODEL = ModelConfig(embedding_dim=16, hidden_dim=32, num_layers=1, num_heads=2, context_length=8, dropout=0.1)
CONFIG = TrainingConfig(
    batch_size=4, max_steps=12, learning_rate=1e-2, warmup_steps=2, eval_interval=5, num_eval_batches=2,
    num_samples=3, sample_prompt="The", sample_tokens=4, checkpoint_interval=4, num_threads=1, compile="never",
)  # fmt: skip
# Learns at once, then forgets: the learning rate is far too high once it is warm.
OVERSHOOTING = CONFIG.model_copy(
    update={"max_steps": 60, "learning_rate": 0.5, "warmup_steps": 30, "eval_interval": 2, "patience": 3,
            "gradient_clip": 1e9, "checkpoint_interval": 4, "max_loss_jump": None}
)  # fmt: skip
TEXTS = [f"The function number {n} returns a list of names and values. " * 4 for n in range(20)]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("inputs")
    tokenizer = learn(TEXTS, TokenizerConfig(vocab_size=320))
    for name in ("tokenizer", "pack"):
        (root / name).mkdir()
    tokenizer.save(root / "tokenizer")
    write_tokens(root / "pack", tokenizer, TEXTS[2:], TEXTS[:2])
    return {name: root / name for name in ("tokenizer", "pack")}


def write_tokens(folder: Path, tokenizer: Tokenizer, texts: list[str], validation: list[str]) -> None:
    for split, chosen in (("train", texts), ("validation", validation)):
        ids = [number for text in chosen for number in (*tokenizer.encode(text), tokenizer.end_of_document_id)]
        np.array(ids, dtype="<u2").tofile(folder / f"{split}-00000.bin")


def write_documents(folder: Path, tokenizer: Tokenizer, texts: list[str]) -> None:
    sizes = [len(tokenizer.encode(text)) + 1 for text in texts]
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    rows = {"id": [f"doc-{number}" for number in range(len(texts))], "split": ["train"] * len(texts), "start": starts}
    pq.write_table(pa.table(rows), folder / "documents.parquet")


@pytest.fixture
def work(tmp_path: Path, inputs: dict[str, Path]) -> Workspace:
    return make_work(tmp_path / "out", inputs)


def make_work(path: Path, inputs: dict[str, Path]) -> Workspace:
    path.mkdir()
    return Workspace(path, inputs)


def data_files(work: Workspace) -> dict[str, str]:
    files = (path for path in work.path.rglob("*") if path.is_file())
    named = {path.relative_to(work.path).as_posix(): path for path in files}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in sorted(named.items())
        if not name.startswith("notes/")
    }


def lasting(result: TrainResult) -> dict[str, Any]:
    return result.model_dump(exclude={"runtime"})


class Interruption(Exception):
    """What a test throws into a training."""


@pytest.fixture
def interrupt_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, BaseException], Callable[[float, str], None]]:
    """Give a progress callback that raises once, after the given number of steps."""
    from gptmodel import metrics

    monkeypatch.setattr(metrics, "_PROGRESS_SECONDS", 0.0)

    def make(steps: int, error: BaseException) -> Callable[[float, str], None]:
        def progress(_: float, line: str) -> None:
            if line.startswith(f"step {steps}/"):
                raise error

        return progress

    return make


def test_the_model_learns(work: Workspace) -> None:
    result = train(work, MODEL, CONFIG.model_copy(update={"max_steps": 60}))
    assert result.validation_loss < math.log(320) - 1.5


def test_the_first_loss_is_that_of_guessing(work: Workspace, inputs: dict[str, Path]) -> None:
    train(work, MODEL, CONFIG)
    first = read_lines(work.path / "curve.jsonl")[0]
    vocab_size = Tokenizer.load(inputs["tokenizer"]).vocab_size
    assert first["validation_loss"] == pytest.approx(math.log(vocab_size), abs=0.1)


def test_the_account_counts_steps_tokens_and_parameters(work: Workspace) -> None:
    result = train(work, MODEL, CONFIG)
    assert (result.num_steps, result.num_tokens) == (12, 12 * 4 * 8)
    assert result.num_parameters == load_model(work.path / "model").num_parameters()


def test_a_repeat_gives_the_same_bytes(tmp_path: Path, inputs: dict[str, Path]) -> None:
    works = [make_work(tmp_path / name, inputs) for name in ("1", "2")]
    first, second = (train(work, MODEL, CONFIG) for work in works)
    assert lasting(first) == lasting(second)
    assert data_files(works[0]) == data_files(works[1])


def test_the_callers_generator_does_not_shape_the_weights(tmp_path: Path, inputs: dict[str, Path]) -> None:
    works = [make_work(tmp_path / name, inputs) for name in ("1", "2")]
    for seed, work in enumerate(works):
        torch.manual_seed(seed)
        train(work, MODEL, CONFIG)
    assert data_files(works[0]) == data_files(works[1])


def test_temporary_files_of_a_killed_attempt_are_removed(work: Workspace) -> None:
    left = [work.path / ".curve.jsonl.7.tmp", work.notes / ".runtime.json.7.tmp", work.path / "model" / ".tmpA1b2"]
    left.append(work.notes / "checkpoints" / ".step-0000000004.tmp" / "state.safetensors")
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    train(work, MODEL, CONFIG)
    assert [path for path in work.path.rglob("*") if path.name.startswith(".")] == []
    assert sorted(data_files(work)) == ["curve.jsonl", "model/config.json", "model/model.safetensors", "samples.jsonl"]


def test_another_seed_gives_other_weights(tmp_path: Path, inputs: dict[str, Path]) -> None:
    works = [make_work(tmp_path / name, inputs) for name in ("1", "2")]
    for seed, work in enumerate(works):
        train(work, MODEL, CONFIG.model_copy(update={"seed": seed}))
    assert data_files(works[0])["model/model.safetensors"] != data_files(works[1])["model/model.safetensors"]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("step", [1, 4, 7, 10, 12])
def test_an_interrupted_training_ends_in_the_same_bytes(
    tmp_path: Path, inputs: dict[str, Path], interrupt_after: Any, step: int, optimizer: str
) -> None:
    config = CONFIG.model_copy(update={"optimizer": optimizer})
    whole, broken = (make_work(tmp_path / name, inputs) for name in ("whole", "broken"))
    expected = train(whole, MODEL, config)
    with pytest.raises(Interruption):
        train(broken, MODEL, config, interrupt_after(step, Interruption()))
    result = train(broken, MODEL, config)
    assert result.runtime.resumed_from_step == (step // 4 * 4 or None)
    assert lasting(result) == lasting(expected)
    assert data_files(broken) == data_files(whole)


def test_ctrl_c_loses_no_step(tmp_path: Path, inputs: dict[str, Path], interrupt_after: Any) -> None:
    whole, broken = (make_work(tmp_path / name, inputs) for name in ("whole", "broken"))
    train(whole, MODEL, CONFIG)
    with pytest.raises(KeyboardInterrupt):
        train(broken, MODEL, CONFIG, interrupt_after(7, KeyboardInterrupt()))
    assert train(broken, MODEL, CONFIG).runtime.resumed_from_step == 7
    assert data_files(broken) == data_files(whole)


@pytest.mark.parametrize("place", ["_note_step", "_note_figures", "_is_point", "_rng_state", "_validation"])
def test_ctrl_c_at_any_place_ends_in_the_same_bytes(
    tmp_path: Path, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    whole, broken = (make_work(tmp_path / name, inputs) for name in ("whole", "broken"))
    train(whole, MODEL, CONFIG)
    untouched, calls = getattr(room.Trainer, place), [0]

    def interrupted(*args: Any) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        return untouched(*args)

    with monkeypatch.context() as patch:
        patch.setattr(room.Trainer, place, interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(broken, MODEL, CONFIG)
    train(broken, MODEL, CONFIG)
    assert data_files(broken) == data_files(whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("owner", "place", "call"),
    [(Optimizer, "step", 7), (room.Trainer, "_note_step", 7), (room.Trainer, "_note_curve", 8)],
)
def test_a_signal_loses_no_whole_step(
    tmp_path: Path, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch, number: signal.Signals, owner: type,
    place: str, call: int,
) -> None:  # fmt: skip
    whole, broken = (make_work(tmp_path / name, inputs) for name in ("whole", "broken"))
    train(whole, MODEL, CONFIG)
    before = signal.getsignal(signal.SIGINT)
    untouched, calls = getattr(owner, place), [0]

    def signalled(self: Any, *args: Any) -> Any:
        calls[0] += 1
        if calls[0] == call:
            os.kill(os.getpid(), number)
        return untouched(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(owner, place, signalled)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what a shell runs in the background
        try:
            with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else SystemExit):
                train(broken, MODEL, CONFIG)
        finally:
            signal.signal(signal.SIGINT, before)
    assert train(broken, MODEL, CONFIG).runtime.resumed_from_step == 7
    assert data_files(broken) == data_files(whole)


def test_a_process_that_is_terminated_leaves_a_checkpoint(tmp_path: Path, inputs: dict[str, Path]) -> None:
    folder, config = tmp_path / "out", CONFIG.model_copy(update={"max_steps": 100_000, "checkpoint_interval": 100_000})
    script = (
        "import sys; from pathlib import Path; from gptmodel.config import ModelConfig, TrainingConfig;"
        "from gptmodel.store import Workspace; from gptmodel.training.stage import train;"
        "out, tokenizer, pack = map(Path, sys.argv[1:4]); out.mkdir();"
        "train(Workspace(out, {'tokenizer': tokenizer, 'pack': pack}), ModelConfig.model_validate_json(sys.argv[4]),"
        " TrainingConfig.model_validate_json(sys.argv[5]))"
    )
    arguments = [folder, inputs["tokenizer"], inputs["pack"], MODEL.model_dump_json(), config.model_dump_json()]
    process = subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], stderr=subprocess.PIPE, text=True)
    while len(read_lines(folder / "notes" / "metrics.jsonl")) < 3 and process.poll() is None:
        time.sleep(0.05)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (143, "")
    [checkpoint] = (folder / "notes" / "checkpoints").iterdir()
    assert int(checkpoint.name.removeprefix("step-")) >= 1


def test_a_full_disk_costs_a_checkpoint_but_no_step(
    tmp_path: Path, inputs: dict[str, Path], monkeypatch: pytest.MonkeyPatch, interrupt_after: Any
) -> None:
    whole, broken = (make_work(tmp_path / name, inputs) for name in ("whole", "broken"))
    train(whole, MODEL, CONFIG)
    save = checkpoint_writer.save_checkpoint

    def saving(folder: Path, made: Checkpoint, *args: Any) -> Path:
        if made.step == 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(folder, made, *args)

    monkeypatch.setattr(checkpoint_writer, "save_checkpoint", saving)
    with pytest.raises(Interruption):
        train(broken, MODEL, CONFIG, interrupt_after(9, Interruption()))
    assert train(broken, MODEL, CONFIG).runtime.resumed_from_step == 4
    assert data_files(broken) == data_files(whole)
    failed = [line for line in read_lines(broken.notes / "metrics.jsonl") if line["key"] == "num_failed_checkpoints"]
    assert {line["value"] for line in failed} == {1}


def test_a_disk_that_stays_full_is_an_error_at_the_end(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise SafetensorError(f"I/O error: No space left on device (os error {errno.ENOSPC})")

    monkeypatch.setattr("safetensors.torch.save_file", refuse)
    with pytest.raises(DiskFullError, match="type the same command again"):
        train(work, MODEL, CONFIG)
    assert read_lines(work.path / "curve.jsonl")[-1]["step"] == 12


def test_metrics_of_lost_steps_are_not_kept_twice(work: Workspace, interrupt_after: Any) -> None:
    with pytest.raises(Interruption):
        train(work, MODEL, CONFIG, interrupt_after(7, Interruption()))
    train(work, MODEL, CONFIG)
    steps = [line["step"] for line in read_lines(work.notes / "metrics.jsonl") if line["key"] == "train_loss"]
    assert steps == list(range(1, 13))


def test_metrics_name_what_the_dashboards_show(work: Workspace) -> None:
    train(work, MODEL, CONFIG)
    keys = {line["key"] for line in read_lines(work.notes / "metrics.jsonl")}
    assert keys == {"train_loss", "validation_loss", "validation_bits_per_byte", "learning_rate", "gradient_norm",
                    "tokens_per_second", "mfu", "memory_bytes", "cpu_percent", "eta_seconds"}  # fmt: skip


def test_the_curve_ends_at_the_last_step_with_a_validation(work: Workspace) -> None:
    result = train(work, MODEL, CONFIG)
    curve = read_lines(work.path / "curve.jsonl")
    assert [point["step"] for point in curve if "validation_loss" in point] == [0, 5, 10, 12]
    assert (curve[-1]["step"], curve[-1]["validation_loss"]) == (12, result.validation_loss)


def test_samples_are_taken_at_first_last_and_between(work: Workspace) -> None:
    train(work, MODEL, CONFIG)
    samples = read_lines(work.path / "samples.jsonl")
    assert [(sample["step"], sample["prompt"]) for sample in samples] == [(0, "The"), (6, "The"), (12, "The")]


def test_sampling_and_validating_do_not_disturb_the_training(tmp_path: Path, inputs: dict[str, Path]) -> None:
    works = [make_work(tmp_path / name, inputs) for name in ("1", "2")]
    often = CONFIG.model_copy(update={"num_samples": 7, "eval_interval": 1})
    for work, config in zip(works, (CONFIG, often), strict=True):
        train(work, MODEL, config)
    assert data_files(works[0])["model/model.safetensors"] == data_files(works[1])["model/model.safetensors"]


def test_checkpoints_are_gone_when_the_training_is_done(work: Workspace) -> None:
    train(work, MODEL, CONFIG)
    assert not (work.notes / "checkpoints").exists()


def test_a_training_that_was_done_but_not_committed_is_not_repeated(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train(work, MODEL, CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(room.Trainer, "run", lambda _: pytest.fail("trained again"))
        assert train(work, MODEL, CONFIG) == first


def test_a_training_that_was_done_but_damaged_is_repeated(work: Workspace) -> None:
    first = train(work, MODEL, CONFIG)
    files = data_files(work)
    (work.path / "model" / "model.safetensors").write_bytes(b"")
    assert lasting(train(work, MODEL, CONFIG)) == lasting(first)
    assert data_files(work) == files


def test_a_damaged_newest_checkpoint_costs_steps_but_no_bit(
    tmp_path: Path, inputs: dict[str, Path], interrupt_after: Any
) -> None:
    whole, broken = (make_work(tmp_path / name, inputs) for name in ("whole", "broken"))
    train(whole, MODEL, CONFIG)
    with pytest.raises(Interruption):
        train(broken, MODEL, CONFIG, interrupt_after(9, Interruption()))
    newest = max((broken.notes / "checkpoints").iterdir())
    (newest / "state.safetensors").write_bytes(b"")
    assert train(broken, MODEL, CONFIG).runtime.resumed_from_step == 4
    assert data_files(broken) == data_files(whole)


def test_another_setting_is_not_gone_on_with(work: Workspace, interrupt_after: Any) -> None:
    with pytest.raises(Interruption):
        train(work, MODEL, CONFIG, interrupt_after(5, Interruption()))
    with pytest.raises(ResumeError, match=r"another training\.learning_rate \(0.01, now 1.0\)\."):
        train(work, MODEL, CONFIG.model_copy(update={"learning_rate": 1.0}))
    with pytest.raises(ResumeError, match=r"another model\.num_layers \(1, now 2\)\."):
        train(work, MODEL.model_copy(update={"num_layers": 2}), CONFIG)


def test_another_text_or_tokenizer_is_not_gone_on_with(
    tmp_path: Path, inputs: dict[str, Path], work: Workspace, interrupt_after: Any
) -> None:
    with pytest.raises(Interruption):
        train(work, MODEL, CONFIG, interrupt_after(5, Interruption()))
    for name in ("tokenizer", "pack"):
        (tmp_path / name).mkdir()
    learned = learn([text[::-1] for text in TEXTS], TokenizerConfig(vocab_size=320))
    learned.save(tmp_path / "tokenizer")
    write_tokens(tmp_path / "pack", learned, TEXTS[4:], TEXTS[:2])
    for name, named in (("tokenizer", "tokenizer"), ("pack", r"text \(the packed tokens\)")):
        other = Workspace(work.path, {**inputs, name: tmp_path / name})
        with pytest.raises(ResumeError, match=rf"another {named}\."):
            train(other, MODEL, CONFIG)


def test_another_checkpoint_interval_is_no_reason_to_refuse(work: Workspace, interrupt_after: Any) -> None:
    with pytest.raises(Interruption):
        train(work, MODEL, CONFIG, interrupt_after(5, Interruption()))
    result = train(work, MODEL, CONFIG.model_copy(update={"checkpoint_interval": 100}))
    assert result.runtime.resumed_from_step == 4


def test_the_threads_of_the_first_attempt_are_kept(
    work: Workspace, interrupt_after: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = CONFIG.model_copy(update={"num_threads": None})
    monkeypatch.setattr("gptmodel.runtime.free_cores", lambda: 1)
    with pytest.raises(Interruption):
        train(work, MODEL, free, interrupt_after(5, Interruption()))
    monkeypatch.setattr("gptmodel.runtime.free_cores", lambda: 2)
    assert train(work, MODEL, free).runtime.num_threads == 1


def test_a_loss_that_is_no_number_names_step_and_batch(work: Workspace) -> None:
    wild = CONFIG.model_copy(update={"learning_rate": 1e30, "gradient_clip": 1e30, "max_steps": 50})
    with pytest.raises(TrainingError, match=r"at step \d+ \(batch \d+: windows \d+, \d+, \d+, \d+\)"):
        train(work, MODEL, wild)


def test_a_gradient_that_is_no_number_never_reaches_the_weights(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_: torch.tensor(math.inf))
    with pytest.raises(TrainingError, match="a gradient norm that is a number; got inf at step 0"):
        train(work, MODEL, CONFIG)


@pytest.mark.parametrize(("train_texts", "validation", "named"), [([], TEXTS, "train"), (TEXTS, [], "validation")])
def test_too_little_text_is_named(
    tmp_path: Path, inputs: dict[str, Path], train_texts: list[str], validation: list[str], named: str
) -> None:
    (tmp_path / "pack").mkdir()
    write_tokens(tmp_path / "pack", Tokenizer.load(inputs["tokenizer"]), train_texts, validation)
    work = make_work(tmp_path / "out", {**inputs, "pack": tmp_path / "pack"})
    with pytest.raises(CorpusTooSmallError, match=f"tokens in the {named} split .context_length 8.; got 0"):
        train(work, MODEL, CONFIG)


def test_a_validation_split_shorter_than_a_window_still_counts(tmp_path: Path, inputs: dict[str, Path]) -> None:
    (tmp_path / "pack").mkdir()
    write_tokens(tmp_path / "pack", Tokenizer.load(inputs["tokenizer"]), TEXTS, ["Th"])
    work = make_work(tmp_path / "out", {**inputs, "pack": tmp_path / "pack"})
    assert math.isfinite(train(work, MODEL, CONFIG).validation_loss)


def test_a_jump_of_the_loss_names_windows_and_documents_but_no_text(
    work: Workspace, inputs: dict[str, Path], tmp_path: Path
) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(inputs["pack"], pack)
    write_documents(pack, Tokenizer.load(inputs["tokenizer"]), TEXTS[2:])
    other = Workspace(work.path, {**inputs, "pack": pack})
    config = OVERSHOOTING.model_copy(update={"learning_rate": 3.0, "patience": None, "max_loss_jump": 0.5})
    with pytest.raises(TrainingError, match=r"windows \d+, \d+, \d+, \d+; documents doc-\d+, doc-\d+") as caught:
        train(other, MODEL, config)
    assert "function" not in str(caught.value)


def test_a_jump_that_is_accepted_is_gone_on_with(work: Workspace) -> None:
    config = OVERSHOOTING.model_copy(update={"learning_rate": 3.0, "patience": None, "max_loss_jump": 0.5})
    with pytest.raises(TrainingError, match="above the recent ones' median"):
        train(work, MODEL, config)
    result = train(work, MODEL, config.model_copy(update={"max_loss_jump": None}))
    assert result.num_steps == 60
    assert result.runtime.resumed_from_step is not None


class Clock:
    """A clock that a test's steps move."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let each step take a second, from the twentieth on four."""
    clock, update = Clock(), Stepper.update

    def slow(self: Stepper) -> None:
        update(self)
        clock.now += 1.0 if clock.now < 20 else 4.0

    monkeypatch.setattr(Stepper, "update", slow)
    monkeypatch.setattr("gptmodel.training.plan._seconds_of_step", lambda *_: 1.0)
    monkeypatch.setattr(room, "Budget", functools.partial(Budget, clock=clock.monotonic))
    monkeypatch.setattr(room.time, "monotonic", clock.monotonic)
    return clock


BUDGET = CONFIG.model_copy(update={"max_steps": 100, "max_seconds": 62.0, "eval_interval": 1000})


def test_a_time_budget_is_held_by_fewer_steps_where_the_machine_gets_slower(work: Workspace, clock: Clock) -> None:
    result = train(work, MODEL, BUDGET)
    plan = read_plan(work.notes / "runtime.json")
    assert plan is not None
    assert plan.is_final
    assert plan.num_steps > result.num_steps == plan.changes[-1].num_steps
    assert clock.now <= 62
    last = [line["value"] for line in read_lines(work.notes / "metrics.jsonl") if line["key"] == "learning_rate"][-1]
    assert last == pytest.approx(CONFIG.learning_rate * CONFIG.min_learning_rate_ratio)


def test_a_training_under_a_budget_is_repeated_by_its_plan_whatever_the_clock(
    tmp_path: Path, inputs: dict[str, Path], clock: Clock
) -> None:
    first, second = (make_work(tmp_path / name, inputs) for name in ("1", "2"))
    result = train(first, MODEL, BUDGET)
    shutil.copy(first.notes / "runtime.json", second.notes / "runtime.json")
    clock.now = -1e6
    assert lasting(train(second, MODEL, BUDGET)) == lasting(result)
    assert data_files(second) == data_files(first)


def test_an_interrupted_training_follows_the_changes_that_were_written(
    work: Workspace, clock: Clock, interrupt_after: Any
) -> None:
    with pytest.raises(Interruption):
        train(work, MODEL, BUDGET, interrupt_after(27, Interruption()))
    before = read_plan(work.notes / "runtime.json")
    clock.now = 0.0  # of what it took so far the checkpoint tells
    train(work, MODEL, BUDGET)
    after = read_plan(work.notes / "runtime.json")
    assert before is not None
    assert after is not None
    assert before.changes
    assert after.changes[: len(before.changes)] == before.changes


def test_progress_runs_from_nothing_to_all(work: Workspace) -> None:
    ratios: list[float] = []
    train(work, MODEL, CONFIG, lambda ratio, _: ratios.append(ratio))
    assert (ratios[0], ratios[-1]) == (0.0, 1.0)
    assert ratios == sorted(ratios)


def test_bf16_trains_too(work: Workspace) -> None:
    result = train(work, MODEL, CONFIG.model_copy(update={"precision": "bf16"}))
    assert result.runtime.precision == "bf16"
    assert math.isfinite(result.validation_loss)


def curve_of(work: Workspace, key: str) -> list[float]:
    return [point[key] for point in read_lines(work.path / "curve.jsonl") if key in point]


def test_micro_batches_give_the_curve_of_the_whole_batch(tmp_path: Path, inputs: dict[str, Path]) -> None:
    plain = MODEL.model_copy(update={"dropout": 0.0})
    works = [make_work(tmp_path / name, inputs) for name in ("1", "2")]
    for work, size in zip(works, (4, 1), strict=True):
        result = train(work, plain, CONFIG.model_copy(update={"micro_batch_size": size, "precision": "fp32"}))
        assert result.runtime.micro_batch_size == size
    losses = [curve_of(work, "train_loss") for work in works]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_without_a_wish_the_micro_batch_is_decided_once_and_written_down(work: Workspace) -> None:
    train(work, MODEL, CONFIG)
    assert json.loads((work.notes / "runtime.json").read_text())["micro_batch_size"] == 4


def test_bits_per_byte_are_the_loss_over_the_bytes_judged(work: Workspace, inputs: dict[str, Path]) -> None:
    config = CONFIG.model_copy(update={"num_eval_batches": 1000})
    result = train(work, MODEL, config)
    tokens = np.fromfile(inputs["pack"] / "validation-00000.bin", dtype="<u2")
    judged = tokens[1 : (len(tokens) - 1) // 8 * 8 + 1]
    num_bytes = len(Tokenizer.load(inputs["tokenizer"]).decode_bytes(judged.tolist()))
    expected = result.validation_loss * len(judged) / math.log(2) / num_bytes
    assert result.validation_bits_per_byte == pytest.approx(expected)


def test_early_stopping_ends_the_training_and_says_why(work: Workspace) -> None:
    result = train(work, MODEL, OVERSHOOTING)
    assert result.num_steps < result.num_steps_taken < 60
    assert result.num_steps_taken == result.num_steps + 3 * 2
    assert result.stopped == (
        f"after step {result.num_steps_taken} of 60: 3 validations in a row without a gain of more than 0 bits per byte"
    )
    assert result.num_tokens == result.num_steps * 4 * 8


def test_early_stopping_keeps_the_model_that_validated_best(
    tmp_path: Path, inputs: dict[str, Path], interrupt_after: Any
) -> None:
    work, other = (make_work(tmp_path / name, inputs) for name in ("1", "2"))
    result = train(work, MODEL, OVERSHOOTING)
    assert result.validation_bits_per_byte == min(curve_of(work, "validation_bits_per_byte"))
    # A training without patience has the same weights after as many steps.
    patient = OVERSHOOTING.model_copy(update={"patience": None, "checkpoint_interval": 1})
    with pytest.raises(Interruption):
        train(other, MODEL, patient, interrupt_after(result.num_steps, Interruption()))
    newest = load_file(max((other.notes / "checkpoints").glob("step-*")) / "state.safetensors")
    kept = load_model(work.path / "model")
    assert all(torch.equal(newest[f"model.{name}"], weight) for name, weight in kept.named_parameters())


@pytest.mark.parametrize("step", [3, 9, 14])
def test_an_interrupted_early_stopping_ends_in_the_same_bytes(
    tmp_path: Path, inputs: dict[str, Path], interrupt_after: Any, step: int
) -> None:
    whole, broken = (make_work(tmp_path / name, inputs) for name in ("whole", "broken"))
    expected = train(whole, MODEL, OVERSHOOTING)
    with pytest.raises(Interruption):
        train(broken, MODEL, OVERSHOOTING, interrupt_after(step, Interruption()))
    assert lasting(train(broken, MODEL, OVERSHOOTING)) == lasting(expected)
    assert data_files(broken) == data_files(whole)


def test_a_training_within_documents_learns_another_model_and_validates_alike(
    tmp_path: Path, inputs: dict[str, Path]
) -> None:
    works = [make_work(tmp_path / name, inputs) for name in ("1", "2")]
    for work, within in zip(works, (False, True), strict=True):
        train(work, MODEL, CONFIG.model_copy(update={"attend_within_documents": within}))
    curves = [curve_of(work, "validation_loss") for work in works]
    assert curves[0][0] != curves[1][0]
    assert curves[0] == pytest.approx(curves[1], rel=0.1)
