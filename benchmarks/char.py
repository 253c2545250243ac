"""Char Shakespeare, both sides in turns: speed, loss at the same tokens and in the same time, time to the same loss."""

import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.char_data import SEED
from benchmarks.char_sides import (
    ENDLESS,
    NUM_THREADS,
    PEER_ENDLESS,
    Figures,
    Marks,
    Ours,
    Run,
    Task,
    Theirs,
)
from benchmarks.processes import measure, own
from benchmarks.program import Answer, say
from benchmarks.turns import Side, take_turns
from gptmodel.flops import flops_per_token, mfu

SPEED_SECONDS = 10.0
"""How long each side is watched in one round of speeds, after its first step."""
PEER_EVALUATIONS = 1.04
"""nanoGPT's evaluations on the way cost about a twentieth of its steps; here a little less, to be on the safe side."""
WITHIN = 0.95
"""Of the time that nanoGPT is foretold to take, our run within it is planned to take this share."""
QUESTIONS = ("same_tokens", "within_time", "reach")
ITS_BATCH_SIZE = "its_batch_size"
"""The name of our side's speed with nanoGPT's batch size; `within_time` is that with ours."""


@dataclass(frozen=True)
class Speed:
    """How fast a run was.

    Attributes:
        start_seconds: Its own seconds before its first step, compiling included.
        step_seconds: Seconds of a step, steady.
        tokens_per_second: Tokens trained on a second, steady.
    """

    start_seconds: float
    step_seconds: float
    tokens_per_second: float


def compare_training(task: Task, rounds: int) -> Answer:
    """Measure speeds, then train on every question with a seed for each round."""
    say("compiling")
    fill_cache(task)
    speeds, rates = watch_rounds(task, rounds, "speed")
    trained = []
    for number in range(rounds):
        say(f"training, round {number + 1} of {rounds}")
        trained.append(train_all(task, SEED + number, number, speeds[-1]))
    figures, ratios = speed_answer(task, speeds, rates)
    more_figures, more_ratios = training_answer(trained)
    return figures | more_figures, ratios | more_ratios


def compare_busy(task: Task, rounds: int) -> Answer:
    """Measure speeds while as many other processes as there are threads keep the cores busy."""
    fill_cache(task)
    with busy_cores(NUM_THREADS):
        speeds, rates = watch_rounds(task, rounds, "busy")
    figures, ratios = speed_answer(task, speeds, rates)
    return {"busy": figures}, {f"{name}, on busy cores": ratio for name, ratio in ratios.items()}


def fill_cache(task: Task) -> None:
    """Compile what the questions need, so that what is measured afterwards finds it."""
    by_batch_size = {task.setting.batch_size: "same_tokens"}
    by_batch_size |= {task.training(question)["batch_size"]: question for question in QUESTIONS}
    for batch_size, question in by_batch_size.items():
        few = task.training(question, **ENDLESS, batch_size=batch_size)
        watch({question: Ours(task, f"fill-{batch_size}", few)}, seconds=0.0)


def watch_rounds(task: Task, rounds: int, name: str) -> tuple[list[dict[str, Speed]], list[dict[str, float]]]:
    """Watch the speeds round after round, and what the machine multiplies just before each."""
    speeds, rates = [], []
    for number in range(rounds):
        say(f"{name}, round {number + 1} of {rounds}")
        rates.append(measure(own("matmul", task.setting.device, NUM_THREADS), {"OMP_WAIT_POLICY": "passive"}).said)
        speeds.append(measure_speeds(task, f"{name}-{number}"))
    return speeds, rates


def measure_speeds(task: Task, name: str) -> dict[str, Speed]:
    """Let both sides train in turns without evaluations, ours at its batch size and at our own, and watch."""
    ours = task.training("within_time", **ENDLESS)
    its = ours | {"batch_size": task.setting.batch_size}
    runs: dict[str, Run] = {
        "within_time": Ours(task, f"{name}-ours", ours), ITS_BATCH_SIZE: Ours(task, f"{name}-its", its),
    }  # fmt: skip
    if task.peer:
        runs["nanogpt"] = Theirs(task, f"{name}-nanogpt", further=PEER_ENDLESS)
    watch(runs, SPEED_SECONDS)
    return {name: speed_of(run.marks, run.tokens_per_step) for name, run in runs.items()}


def watch(runs: Mapping[str, Run], seconds: float) -> None:
    """Let runs take turns until each has trained for so long after its first steps, then kill it."""
    by_side = {run.side: run for run in runs.values()}

    def enough(side: Side) -> bool:
        marks = by_side[side].marks
        return len(marks) >= 8 and marks[-1][1] - marks[0][1] >= seconds

    take_turns(list(by_side), enough)


def speed_of(marks: Marks, tokens_per_step: int) -> Speed:
    """Give the steady speed: the mean over the last three quarters of the marks, start and compiling left out."""
    (early_step, early), (last_step, last) = marks[len(marks) // 4], marks[-1]
    step_seconds = (last - early) / (last_step - early_step)
    first_step, first = marks[0]
    return Speed(first - (first_step - 1) * step_seconds, step_seconds, tokens_per_step / step_seconds)


def train_all(task: Task, seed: int, number: int, speeds: Mapping[str, Speed]) -> dict[str, Figures]:
    """Train on every question with one seed, in turns with nanoGPT, and score what came out.

    Args:
        task: The task.
        seed: Seed of all runs.
        number: Number of the round; the first one also trains with an empty compile cache.
        speeds: What was measured of both sides: our steps within nanoGPT's time follow from them.
    """
    runs: dict[str, Run] = {"same_tokens": Ours(task, f"{seed}-same", task.training("same_tokens", seed=seed))}
    if task.peer:
        steps = affordable_steps(speeds["within_time"], speeds["nanogpt"], task.setting.num_steps)
        reach = task.training("reach", seed=seed)
        runs["within_time"] = Ours(task, f"{seed}-within", task.training("within_time", seed=seed, max_steps=steps))
        runs["reach"] = Ours(task, f"{seed}-reach", reach)
        runs["nanogpt"] = Theirs(task, f"{seed}-nanogpt", seed)
        if number == 0:
            runs["reach_cold"] = Ours(task, f"{seed}-cold", reach, cache="cold")
    take_turns([run.side for run in runs.values()])
    return {name: run_figures(run) for name, run in runs.items()}


def affordable_steps(ours: Speed, theirs: Speed, num_steps: int) -> int:
    """Give the steps of ours that fit into the time that nanoGPT is foretold to take for its own."""
    foretold = theirs.start_seconds + num_steps * theirs.step_seconds * PEER_EVALUATIONS
    return max(1, int((WITHIN * foretold - ours.start_seconds) / ours.step_seconds))


def run_figures(run: Run) -> Figures:
    """Score a finished run, and say what it took; its seconds count from the start of the process to its end."""
    return run.score() | {
        "seconds": run.side.seconds, "num_tokens": run.marks[-1][0] * run.tokens_per_step,
        "peak_mb": run.side.peak_bytes / 1e6,
    }  # fmt: skip


def speed_answer(
    task: Task, speeds: Sequence[Mapping[str, Speed]], rates: Sequence[Mapping[str, float]]
) -> tuple[Figures, dict[str, float]]:
    """Sum rounds of speeds up: tokens a second, utilisation, and ratios of neighbours."""
    best = {precision: max(rate[precision] for rate in rates) for precision in ("fp32", "bf16")}
    figures: Figures = {"matmul_gflops": {name: round(rate / 1e9, 1) for name, rate in best.items()}}
    for name in speeds[0]:
        seen = [speed[name].tokens_per_second for speed in speeds]
        theirs = name == "nanogpt"
        flops = flops_per_token(task.setting.shape) if theirs else task.flops
        # On a GPU nanoGPT computes in bf16 too.
        precision = "fp32" if theirs and task.setting.device == "cpu" else task.recipe["training"]["precision"]
        figures[f"tokens_per_second of {name}"] = spread(seen, 0) | {
            "mfu": round(mfu(statistics.median(seen), flops, max(best.values())), 4),
            "mfu_of_its_precision": round(mfu(statistics.median(seen), flops, best[precision]), 4),
        }
    return figures, _speed_ratios(speeds) if "nanogpt" in speeds[0] else {}


def _speed_ratios(speeds: Sequence[Mapping[str, Speed]]) -> dict[str, float]:
    named = {"tokens/s at its batch size": ITS_BATCH_SIZE, "tokens/s at ours": "within_time"}
    return {
        f"ours vs nanogpt, {words}": round(
            statistics.median(
                speed[question].tokens_per_second / speed["nanogpt"].tokens_per_second for speed in speeds
            ), 2)
        for words, question in named.items()
    }  # fmt: skip


def training_answer(trained: Sequence[Mapping[str, Figures]]) -> tuple[Figures, dict[str, float]]:
    """Sum the rounds of trainings up: for each question median, smallest and largest over the seeds."""
    figures: Figures = {}
    for name in trained[0]:
        runs = [(each[name], each.get("nanogpt")) for each in trained if name in each]
        figures[name] = {
            "loss": spread([run["loss"] for run, _ in runs], 4),
            "seconds": spread([run["seconds"] for run, _ in runs], 1),
            "num_tokens": statistics.median(run["num_tokens"] for run, _ in runs),
            "num_parameters": runs[0][0]["num_parameters"],
            "peak_mb": round(max(run["peak_mb"] for run, _ in runs), 1),
        }
        shares = [run["seconds"] / peer["seconds"] for run, peer in runs if peer]
        if shares and name != "nanogpt":
            figures[name]["time_ratio"] = spread(shares, 3)
            above = [run["loss"] - peer["loss"] for run, peer in runs if peer]
            figures[name]["loss_above_nanogpt"] = spread(above, 4)
    return figures, _training_ratios(trained) if "nanogpt" in trained[0] else {}


def _training_ratios(trained: Sequence[Mapping[str, Figures]]) -> dict[str, float]:
    def median_ratio(name: str, figure: str) -> float:
        pairs = [(each["nanogpt"][figure], each[name][figure]) for each in trained if name in each]
        return round(statistics.median(their / our for their, our in pairs), 2)

    return {
        "nanogpt vs ours, time to its loss, warm": median_ratio("reach", "seconds"),
        "nanogpt vs ours, time to its loss, cold": median_ratio("reach_cold", "seconds"),
        "nanogpt vs ours, peak memory": median_ratio("same_tokens", "peak_mb"),
    }


def spread(values: Sequence[float], digits: int) -> Figures:
    """Give median, smallest and largest."""
    named = (("median", statistics.median), ("smallest", min), ("largest", max))
    return {name: round(of(values), digits) for name, of in named}


@contextmanager
def busy_cores(number: int) -> Iterator[None]:
    """Keep so many cores busy with work that never waits."""
    spinning = [subprocess.Popen([sys.executable, "-I", "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()
