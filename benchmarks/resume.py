"""`gptmodel bench resume`: kill a training at random points, go on, and compare with one that nobody disturbed.

    python -m benchmarks.resume [--rounds N] [--seed N]

A round is one training, struck up to four times before it may end: by SIGKILL, one time in five by SIGTERM. Half of
the blows fall by the clock, the others in a place that lasts too short to be met by chance. Weights, curve and samples
must equal those of an undisturbed training bit for bit. Then it is measured what saving costs
(benchmarks/resume_saving.py). Progress goes to standard error; the last line of standard output is one JSON object:
figures, ratios, machine.
"""

import argparse
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import ProgramError, measure, own
from benchmarks.program import Answer, print_answer, say
from benchmarks.resume_run import (
    FINAL_SAVE,
    PLACES,
    TRAINING,
    VALIDATION,
    WRITE,
    Marks,
    digests,
    forked,
    train,
    write_inputs,
)

OPTIMIZERS = ("adamw", "muon")
_AIMS = (None, None, None, WRITE, VALIDATION, FINAL_SAVE)
_SIGTERM_RATIO = 0.2
_TERMINATED = 128 + signal.SIGTERM


@dataclass(frozen=True)
class Blow:
    """How a training is struck.

    Attributes:
        number: SIGKILL or SIGTERM.
        aim: Place to wait for; None: strike by the clock.
        seconds: Time to wait, from the start or from reaching that place.
    """

    number: signal.Signals
    aim: int | None
    seconds: float


@dataclass(frozen=True)
class Struck:
    """How it ended.

    Attributes:
        number: The signal.
        place: Where it fell, one of PLACES.
        num_lost: Whole steps done by then that have to be done again.
    """

    number: signal.Signals
    place: str
    num_lost: int


@dataclass(frozen=True)
class Round:
    """One training that was struck until it might end."""

    struck: Sequence[Struck]
    is_equal: bool


def main() -> None:
    """Prove it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print_answer(lambda work: _prove(work, asked.rounds, asked.seed), {})


def _prove(work: Path, num_rounds: int, seed: int) -> Answer:
    inputs = work / "inputs"
    _expect_success(forked(lambda: write_inputs(inputs)))
    undisturbed, seconds = {}, 0.0
    for name in OPTIMIZERS:
        started = time.monotonic()
        _expect_success(forked(lambda name=name: train(work / name, inputs, name)))
        seconds = time.monotonic() - started
        undisturbed[name] = digests(work / name)
    say(
        f"undisturbed: {TRAINING.max_steps} steps in {seconds:.1f} s, a checkpoint every {TRAINING.checkpoint_interval}"
    )
    rounds = []
    for number in range(num_rounds):
        name = OPTIMIZERS[number % len(OPTIMIZERS)]
        struck = strike(work / f"round-{number}", inputs, name, blows(seed, number, seconds))
        rounds.append(Round(struck, digests(work / f"round-{number}") == undisturbed[name]))
        say(f"round {number + 1}/{num_rounds} ({name}): {_told(rounds[-1])}")
    figures = account(rounds)
    say(verdict(figures))
    say("what a checkpoint of 124 M parameters costs ...")
    saving = measure(own("resume_saving", work / "saving"), {"OMP_NUM_THREADS": "1"}).said
    return figures | {"saving": saving}, {"written on the spot vs saved": saving["write_vs_save"]}


def blows(seed: int, number: int, seconds: float) -> list[Blow]:
    """Give the blows of a round; the same seed and number give the same.

    Args:
        seed: Seed of all rounds.
        number: Number of the round.
        seconds: Time that an undisturbed training takes.
    """
    drawn, given = random.Random(f"{seed} {number}"), []
    for _ in range(drawn.randint(2, 4)):
        sort = signal.SIGTERM if drawn.random() < _SIGTERM_RATIO else signal.SIGKILL
        aim = drawn.choice(_AIMS)
        given.append(Blow(sort, aim, drawn.uniform(0, seconds if aim is None else 0.005)))
    return given


def strike(folder: Path, inputs: Path, optimizer: str, given: Sequence[Blow]) -> list[Struck]:
    """Train in a folder, struck by each blow once, then to the end."""
    struck = []
    for blow in given:
        marks, before = Marks(), newest_step(folder)
        pid = forked(lambda marks=marks: (marks.watch(), train(folder, inputs, optimizer)))
        code = _struck(pid, blow, marks)
        if code == 0:
            break
        _check_code(code, blow)
        is_done = (folder / "notes" / "result.json").exists()
        lost = 0 if is_done else before + marks.num_done - newest_step(folder)
        struck.append(Struck(blow.number, PLACES[marks.place], lost))
    _expect_success(forked(lambda: train(folder, inputs, optimizer)))
    return struck


def newest_step(folder: Path) -> int:
    """Give the step of a training's newest checkpoint, 0 if there is none."""
    names = [path.name for path in (folder / "notes" / "checkpoints").glob("step-*")]
    return max((int(name.removeprefix("step-")) for name in names), default=0)


def account(rounds: Sequence[Round]) -> dict[str, Any]:
    """Give the figures of all rounds."""
    struck = [one for each in rounds for one in each.struck]
    kills = [one for one in struck if one.number == signal.SIGKILL]
    stops = [one for one in struck if one.number == signal.SIGTERM]
    return {
        "num_rounds": len(rounds),
        "num_kills": len(kills),
        "num_sigterms": len(stops),
        "equal": all(each.is_equal for each in rounds),
        "num_unequal_rounds": sum(not each.is_equal for each in rounds),
        "checkpoint_interval": TRAINING.checkpoint_interval,
        "most_steps_lost_by_a_kill": max((one.num_lost for one in kills), default=0),
        "most_steps_lost_by_a_sigterm": max((one.num_lost for one in stops), default=0),
        "kills_by_place": _by_place(kills),
        "sigterms_by_place": _by_place(stops),
    }


def verdict(figures: dict[str, Any]) -> str:
    """Say it in a sentence."""
    what = f"{figures['num_kills']} kills and {figures['num_sigterms']} SIGTERMs in {figures['num_rounds']} rounds"
    if figures["equal"]:
        return f"{what}: weights, curve and samples equal bit for bit"
    return f"{what}: {figures['num_unequal_rounds']} ROUNDS ENDED IN OTHER WEIGHTS, CURVE OR SAMPLES"


def _by_place(struck: Sequence[Struck]) -> dict[str, int]:
    counts = Counter(one.place for one in struck)
    return {place: counts[place] for place in PLACES}


def _told(done: Round) -> str:
    fell = ", ".join(f"{one.number.name} {one.place}" for one in done.struck) or "ended before a blow fell"
    return f"{fell}: {'equal' if done.is_equal else 'NOT EQUAL'}"


def _struck(pid: int, blow: Blow, marks: Marks) -> int:
    """Wait for a blow's moment, strike unless the training has ended, and give its exit code."""
    moment = None if blow.aim is not None else time.monotonic() + blow.seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if moment is None and marks.place == blow.aim:
            moment = time.monotonic() + blow.seconds
        if moment is not None and time.monotonic() >= moment:
            os.kill(pid, blow.number)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        time.sleep(0.0002)


def _check_code(code: int, blow: Blow) -> None:
    # Before the training has begun, nobody handles SIGTERM.
    if code not in (-blow.number, _TERMINATED if blow.number == signal.SIGTERM else -blow.number):
        raise ProgramError(f"a training struck by {blow.number.name} ended with {code}")


def _expect_success(pid: int) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise ProgramError(f"a training that nobody struck ended with {code}")


if __name__ == "__main__":
    main()
