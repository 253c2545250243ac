"""`gptmodel bench train`: what is learned per second, beside nanoGPT where its checkout is named.

    python -m benchmarks.train [--peer nanogpt=DIR] --data DIR|FILE [--part PART ...] [--rounds N]

Progress goes to standard error; the last line of standard output is one JSON object: figures, ratios, machine.
"""

import argparse
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.char import compare_busy, compare_training
from benchmarks.char_data import read_text, write_inputs
from benchmarks.char_sides import Task
from benchmarks.processes import CHECKOUT, ProgramError
from benchmarks.program import Answer, peer_among, print_answer

RECIPE = CHECKOUT / "benchmarks" / "char.toml"
PARTS: Mapping[str, Callable[[Task, int], Answer]] = {"char": compare_training, "busy": compare_busy}


def main() -> None:
    """Measure what was asked for."""
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
    figures, ratios = {}, {}
    text = read_text(asked.data)
    if asked.peer and not (asked.peer / "train.py").is_file():
        raise ProgramError(f"expected a checkout of nanoGPT at {asked.peer}; it holds no train.py")
    for part in asked.part or ("char", "busy"):
        folder = work / part
        folder.mkdir()
        recipe = tomllib.loads(RECIPE.read_text(encoding="utf-8"))
        task = Task(folder, write_inputs(text, folder / "inputs"), recipe, asked.peer, text)
        more_figures, more_ratios = PARTS[part](task, asked.rounds)
        figures |= more_figures
        ratios |= more_ratios
    return figures, ratios


if __name__ == "__main__":
    main()
