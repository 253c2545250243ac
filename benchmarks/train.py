"""`gptmodel bench train`: what is learned per second, beside nanoGPT where its checkout is named.

    python -m benchmarks.train [--peer nanogpt=DIR] --data DIR|FILE [--part PART ...] [--rounds N]

Progress goes to standard error; the last line of standard output is one JSON object: figures, ratios, machine.
"""

import argparse
import signal
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.char import compare_busy, compare_training
from benchmarks.char_data import read_text, write_inputs
from benchmarks.char_sides import CPU, GPU, Setting, Task
from benchmarks.gpu_speed import measure_speed, refuse_without_gpu
from benchmarks.logging_cost import measure_logging
from benchmarks.processes import CHECKOUT, ProgramError
from benchmarks.program import Answer, peer_among, print_answer

Measure = Callable[[argparse.Namespace, Path], Answer]


def main() -> None:
    """Measure what was asked for."""
    # Ended from outside it unwinds, so that no side stays behind, stopped for ever.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    asked = _asked()
    print_answer(lambda work: _measure(asked, work), {"nanogpt": asked.peer} if asked.peer else {})


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", type=peer_among("nanogpt"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", action="append", choices=tuple(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _measure(asked: argparse.Namespace, work: Path) -> Answer:
    if asked.peer and not (asked.peer / "train.py").is_file():
        raise ProgramError(f"expected a checkout of nanoGPT at {asked.peer}; it holds no train.py")
    figures: dict[str, Any] = {}
    ratios: dict[str, float] = {}
    for part in asked.part or DEFAULT_PARTS:
        folder = work / part
        folder.mkdir()
        more_figures, more_ratios = PARTS[part](asked, folder)
        figures |= more_figures
        ratios |= more_ratios
    return figures, ratios


def _task(asked: argparse.Namespace, folder: Path, setting: Setting) -> Task:
    text = read_text(asked.data)
    recipe = tomllib.loads((CHECKOUT / "benchmarks" / setting.recipe).read_text(encoding="utf-8"))
    return Task(folder, write_inputs(text, folder / "inputs"), recipe, asked.peer, text, setting)


def _gpu(asked: argparse.Namespace, folder: Path) -> Answer:
    refuse_without_gpu()
    figures, ratios = measure_speed(folder / "speed", asked.peer, asked.rounds)
    more_figures, more_ratios = compare_training(_task(asked, folder, GPU), asked.rounds)
    named = {f"{name}, char on the GPU": ratio for name, ratio in more_ratios.items()}
    return figures | {"gpu char": more_figures}, ratios | named


PARTS: Mapping[str, Measure] = {
    "char": lambda asked, folder: compare_training(_task(asked, folder, CPU), asked.rounds),
    "busy": lambda asked, folder: compare_busy(_task(asked, folder, CPU), asked.rounds),
    "logging": lambda asked, folder: measure_logging(_task(asked, folder, CPU), asked.rounds),
    "gpu": _gpu,
}
DEFAULT_PARTS = ("char", "busy", "logging")


if __name__ == "__main__":
    main()
