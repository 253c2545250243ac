"""What logging takes of a training in the preset tiny's shape: a stopwatch on it, and runs without it in turns."""

import json
import statistics
from typing import Any

from benchmarks.char_sides import NUM_THREADS, Task, training_environment
from benchmarks.processes import own
from benchmarks.program import Answer, say
from benchmarks.turns import Side, take_turns
from gptmodel.config_file import load_config

NUM_STEPS = 120
POINTS = {"_CURVE_POINTS": 40, "_METRIC_POINTS": 100}
"""Of the curve and of the metrics: as many a step as the preset writes, every third and every step."""


def measure_logging(task: Task, rounds: int) -> Answer:
    """Train with and without metrics in turns, round after round."""
    ratios, shares = [], []
    for number in range(rounds):
        say(f"logging, round {number + 1} of {rounds}")
        sides = {how: _side(task, f"{number}-{how}", how) for how in ("with", "without")}
        take_turns(list(sides.values()))
        said: dict[str, Any] = json.loads(sides["with"].lines[-1].text)
        shares.append(said["logging_seconds"] / (said["cpu_seconds"] / NUM_THREADS))
        ratios.append(sides["with"].seconds / sides["without"].seconds)
    figures = {
        "logging_ratio": round(statistics.median(shares), 5),
        "logging_ratio_by_round": [round(share, 5) for share in shares],
        "time_with_per_time_without_by_round": [round(ratio, 4) for ratio in ratios],
    }
    return {"logging": figures}, {"with metrics vs without, time": round(statistics.median(ratios), 3)}


def _side(task: Task, name: str, how: str) -> Side:
    config = load_config("tiny")
    training = config.training.model_dump(mode="json") | {"max_steps": NUM_STEPS, "num_threads": NUM_THREADS}
    settings = {
        "inputs": {stage: str(path) for stage, path in task.inputs.items()}, "output": str(task.work / name),
        "model": config.model.model_dump(mode="json"), "training": training, "points": POINTS,
    }  # fmt: skip
    file = task.work / f"{name}.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    return Side(own("logged_run", file, how), training_environment(task.work / "compiled"))
