"""`gptmodel bench`: run a program of the checkout's folder benchmarks/ and show its figures.

The programs measure other processes, so they run apart from this one, and nothing of them is imported here.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gptmodel.errors import ConfigError, GPTModelError

CHECKOUT = Path(__file__).resolve().parent.parent
BENCHMARKS = ("corpus", "leak", "lineage", "resume", "scrub")


def run_benchmark(name: str, peers: Sequence[str], options: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Run a benchmark to its end and give its object: figures, ratios and machine.

    Args:
        name: Name of the benchmark.
        peers: NAME=DIR each; DIR is a virtual environment that has the peer.
        options: Further options of the program, each with its values.

    Raises:
        ConfigError: No such benchmark, no checkout, a peer that is not there, or an option the program refuses.
        GPTModelError: The program failed; what it wrote stands above.
    """
    _refuse_unknown(name)
    named = [("--peer", interpreter_of(peer)) for peer in peers]
    further = [(f"--{option}", value) for option, values in options.items() for value in values]
    arguments = [word for pair in (*named, *further) for word in pair]
    done = subprocess.run(
        [sys.executable, "-P", "-m", f"benchmarks.{name}", *arguments], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    if done.returncode:
        kind = ConfigError if done.returncode == ConfigError.exit_code else GPTModelError
        raise kind(
            expected=f"the benchmark {name} to end by itself",
            actual=f"exit code {done.returncode}",
            mend="What it wrote stands above this message.",
        )
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


def interpreter_of(peer: str) -> str:
    """Give NAME=PYTHON for a peer given as NAME=DIR.

    Raises:
        ConfigError: It is not of that form, or DIR has no interpreter.
    """
    name, equals, folder = peer.partition("=")
    if not (name and equals and folder):
        raise ConfigError(expected="--peer NAME=DIR", actual=repr(peer), mend="For example: --peer datatrove=DIR/.venv")
    python = Path(folder).expanduser().absolute() / "bin" / "python"
    if not python.exists():
        raise ConfigError(
            expected=f"a virtual environment with {name} at {folder}",
            actual=f"no {python}",
            mend=f"Make it: python3.11 -m venv {folder}; benchmarks/README.md says what to install there.",
        )
    return f"{name}={python}"


def lines(record: Mapping[str, Any]) -> Iterator[str]:
    """Give a benchmark's object as lines for a person: one line for each group of figures."""
    for part in ("machine", "figures"):
        yield from _lines(record[part], part)
    yield from (f"{name:<60} {value}" for name, value in record["ratios"].items())


def _lines(tree: Mapping[str, Any], name: str) -> Iterator[str]:
    plain = {key: value for key, value in tree.items() if not isinstance(value, Mapping)}
    if plain:
        yield f"{name}: " + ", ".join(f"{key} {value}" for key, value in plain.items())
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _lines(value, f"{name} / {key}")


def _refuse_unknown(name: str) -> None:
    if name not in BENCHMARKS:
        known = ", ".join(BENCHMARKS)
        raise ConfigError(expected=f"one of {known}", actual=repr(name), mend="See: gptmodel bench --help")
    if not (CHECKOUT / "benchmarks" / f"{name}.py").is_file():
        raise ConfigError(
            expected="a checkout of this project, whose folder benchmarks/ holds the programs",
            actual="an installed package without it",
            mend="Clone the project and use its own .venv/bin/gptmodel.",
        )
