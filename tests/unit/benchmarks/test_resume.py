"""The bench that kills trainings: its blows repeat, and its verdict hides nothing."""

import signal
from pathlib import Path

import torch

from benchmarks.resume import Round, Struck, account, blows, verdict
from benchmarks.resume_run import PLACES
from benchmarks.resume_saving import measure_saving

KILLED = Struck(signal.SIGKILL, PLACES[1], num_lost=3)
STOPPED = Struck(signal.SIGTERM, PLACES[2], num_lost=0)


def test_the_same_seed_strikes_the_same_blows() -> None:
    assert blows(1, 7, 2.0) == blows(1, 7, 2.0)
    assert blows(1, 7, 2.0) != blows(1, 8, 2.0)


def test_fifty_rounds_strike_by_both_signals_and_at_every_aim() -> None:
    struck = [blow for number in range(50) for blow in blows(1, number, 2.0)]
    assert {blow.number for blow in struck} == {signal.SIGKILL, signal.SIGTERM}
    assert {None, 2, 3, 4} == {blow.aim for blow in struck}


def test_the_account_counts_signals_apart_and_by_place() -> None:
    said = account([Round([KILLED, STOPPED], is_equal=True), Round([KILLED], is_equal=True)])
    assert (said["num_rounds"], said["num_kills"], said["num_sigterms"], said["equal"]) == (2, 2, 1, True)
    assert (said["kills_by_place"]["in a step"], said["sigterms_by_place"]["in validation"]) == (2, 1)
    assert (said["most_steps_lost_by_a_kill"], said["most_steps_lost_by_a_sigterm"]) == (3, 0)


def test_the_verdict_is_no_when_one_round_ended_otherwise() -> None:
    equal, other = (Round([KILLED], is_equal=is_equal) for is_equal in (True, False))
    assert (
        verdict(account([equal])) == "1 kills and 0 SIGTERMs in 1 rounds: weights, curve and samples equal bit for bit"
    )
    assert "1 ROUNDS ENDED IN OTHER WEIGHTS" in verdict(account([equal, other]))
    assert account([equal, other])["equal"] is False


def test_saving_is_measured_on_both_sides_with_one_copy(tmp_path: Path) -> None:
    said = measure_saving(tmp_path, {"w": torch.ones(1_000_000)}, rounds=1)
    assert (said["state_mb"], said["copy_mb"]) == (4, 4)
    assert sorted(path.name for path in tmp_path.rglob("step-*")) == ["step-0000000001"] * 2
