"""The GPU's harness, as far as it goes without one."""

from pathlib import Path

import pytest

from benchmarks import gpu_speed
from benchmarks.processes import ProgramError
from gptmodel.tokenizer import Tokenizer
from gptmodel.tokens import TokenSplit


def test_without_a_gpu_the_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from gptmodel import runtime

    monkeypatch.setattr(runtime, "find_device", lambda: ("cpu", "The driver is too old."))
    with pytest.raises(
        ProgramError, match=r"needs a GPU that torch can use; it finds none here. The driver is too old"
    ):
        gpu_speed.refuse_without_gpu()


def test_the_peers_speed_is_read_from_what_it_writes() -> None:
    assert gpu_speed.speed_told("0/20 loss: 10\ntime per iteration: 50.0000ms, MFU: 30.00%\n", 1000) == 20_000


def test_a_peer_that_tells_no_time_is_an_error() -> None:
    with pytest.raises(ProgramError, match="time per iteration"):
        gpu_speed.speed_told("something else", 1000)


def test_our_speed_leaves_the_first_half_out() -> None:
    times = {1: 0.0, 2: 100.0, 3: 101.0, 4: 102.0}
    notes = [{"key": key, "step": step, "time": at} for step, at in times.items() for key in ("mfu", "train_loss")]
    assert gpu_speed.steady_speed(notes, 10) == 10.0


def test_random_tokens_need_the_peers_vocabulary(tmp_path: Path) -> None:
    inputs = gpu_speed.write_random_inputs(tmp_path, num_tokens=10_000)
    assert Tokenizer.load(inputs["tokenizer"]).vocab_size == gpu_speed.VOCAB_SIZE
    split = TokenSplit.open(inputs["pack"], "train")
    assert len(split) == 10_000
    assert 2 <= split[0:10_000].min() < split[0:10_000].max() < gpu_speed.VOCAB_SIZE
