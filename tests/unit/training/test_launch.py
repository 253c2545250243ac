"""The processes of a training: what they say comes back, one that dies ends it with its reason, none survives."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from gptmodel.errors import DiskFullError, TrainingError
from gptmodel.training.agent import Death
from gptmodel.training.launch import _cause
from gptmodel.training.plan import RUNTIME_FILE, read_plan
from gptmodel.training.request import (
    Messenger,
    Reason,
    Request,
    read_messages,
    read_reasons,
    write_reason,
)
from gptmodel.training.stage import train
from tests.unit.training.known import request_in, write_inputs

ROOT = Path(__file__).resolve().parents[3]
LONG = {"max_steps": 2000, "checkpoint_interval": 5, "eval_interval": 1000, "parallel": "ddp", "num_processes": 2}


def workers_of(process: psutil.Process) -> dict[int, psutil.Process]:
    """Give the training processes below a process by rank."""
    found = dict[int, psutil.Process]()
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # one that ends tells no more of itself
            if "gptmodel.training.worker" in child.cmdline() and "RANK" in (told := child.environ()):
                found[int(told["RANK"])] = child
    return found


def has_checkpoint(request: Request) -> bool:
    return any((request.folder / "notes" / "checkpoints").glob("step-*"))


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_killed_process_ends_the_training_with_its_number_and_another_attempt_goes_on(tmp_path: Path) -> None:
    request = request_in(tmp_path / "run", write_inputs(tmp_path), **LONG)
    said: list[float] = []
    before = set(psutil.Process().children(recursive=True))

    def kill_one(done_ratio: float, line: str) -> None:
        said.append(done_ratio)
        victims = workers_of(psutil.Process())
        if has_checkpoint(request) and 1 in victims:
            victims[1].kill()

    with pytest.raises(TrainingError, match="process 1 was ended by SIGKILL"):
        train(request.work, request.model, request.training, kill_one)
    assert said == sorted(said)
    assert set(psutil.Process().children(recursive=True)) <= before
    plan = read_plan(request.work.notes / RUNTIME_FILE)
    assert plan is not None
    assert plan.runtime.num_processes == 2
    shorter = request.training.model_copy(update={"parallel": "none", "num_processes": None})
    with pytest.raises(_Enough):
        train(request.work, request.model, shorter, _stop_on_going_on)


class _Enough(Exception):
    """What a test throws into a training."""


def _stop_on_going_on(done_ratio: float, line: str) -> None:
    assert done_ratio > 0
    raise _Enough


def test_nothing_survives_the_process_that_started_it(tmp_path: Path) -> None:
    request = request_in(tmp_path / "run", write_inputs(tmp_path), **LONG | {"parallel": "fsdp"})
    (tmp_path / "request.json").write_text(request.model_dump_json())
    command = [sys.executable, "-m", "tests.unit.training.launching", str(tmp_path / "request.json")]
    stage = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        wait_for(lambda: has_checkpoint(request))
        below = psutil.Process(stage.pid).children(recursive=True)
        assert len(below) >= 3  # torchrun and two processes
    finally:
        stage.send_signal(signal.SIGKILL)
        stage.wait()
    psutil.wait_procs(below, timeout=20)
    assert not [process for process in below if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def reason(rank: int, kind: str, when: float, **words: str) -> Reason:
    return Reason(rank, kind, when, words or None)


@pytest.mark.parametrize(
    ("deaths", "reasons", "words"),
    [
        ([Death(0, 1, 5), Death(1, -9, 5)], [reason(0, "RuntimeError", 5.0)], "process 1 was ended by SIGKILL"),
        ([Death(0, -15, 6), Death(1, 1, 5)], [reason(1, "OutOfMemoryError", 4.0)], "process 1 ended with OutOfMemory"),
        ([Death(0, -9, 35), Death(1, 1, 5)], [reason(1, "KeyError", 4.0)], "process 1 ended with KeyError"),
        ([], [reason(1, "RuntimeError", 4.0), reason(0, "ValueError", 3.0)], "process 1 ended with RuntimeError"),
        ([], [], "one of them ended without a word"),
    ],
)
def test_the_one_that_the_others_followed_is_named(
    deaths: list[Death], reasons: list[Reason], words: str, tmp_path: Path
) -> None:
    error = _cause(deaths, reasons, 2, tmp_path)
    assert isinstance(error, TrainingError)
    assert words in str(error)


def test_an_error_raised_on_purpose_comes_back_as_what_it_is(tmp_path: Path) -> None:
    write_reason(tmp_path, 1, DiskFullError(expected="space", actual="a full disk", mend="Free some."))
    error = _cause([], read_reasons(tmp_path), 2, tmp_path)
    assert isinstance(error, DiskFullError)
    assert str(error) == "expected space; got a full disk (process 1 of 2). Free some."


def test_the_text_of_another_error_stays_where_it_was(tmp_path: Path) -> None:
    document = "".join(["a sentence of ", "a document"])
    try:
        raise ValueError(document)
    except ValueError as error:
        write_reason(tmp_path, 0, error)
    (path,) = tmp_path.iterdir()
    assert "ValueError" in path.read_text()
    assert document not in path.read_text()


def test_messages_arrive_whole_and_once(tmp_path: Path) -> None:
    messages = read_messages(tmp_path)
    assert next(messages) == []
    messenger = Messenger(tmp_path)
    messenger.progress(0.5, "step 1/2")
    assert next(messages) == [{"done_ratio": 0.5, "line": "step 1/2"}]
    assert next(messages) == []
