"""Run a program to its end and say what it cost; several of them in turns, so that a busy machine slows all alike."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

CHECKOUT = Path(__file__).resolve().parent.parent
LAST_LINES = 20


@dataclass(frozen=True)
class Usage:
    """What a program cost.

    Attributes:
        cpu_seconds: CPU time of the process and of all processes it waited for, starting up included.
        wall_seconds: Time from its start to its end.
        peak_bytes: Largest resident memory of one of these processes.
        said: The JSON object that is the last line of its output; empty without one.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int
    said: dict[str, Any]


class ProgramError(RuntimeError):
    """A measured program failed; the message holds the last lines it wrote."""


def module_command(module: str, *arguments: object) -> list[str]:
    """Give the command that runs a module of this checkout in this environment, wherever the caller stands."""
    return [sys.executable, "-P", "-m", module, *map(str, arguments)]


def own(module: str, *arguments: object) -> list[str]:
    """Give the command that runs a module of this folder in this environment."""
    return module_command(f"benchmarks.{module}", *arguments)


def measure(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command to its end, with this checkout importable, and give what it cost.

    The calling process should be small: what the system reports as the peak of a child begins at its parent's size.

    Raises:
        ProgramError: The command failed.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.monotonic()
        process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(CHECKOUT), **(environment or {})},
            stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
        )  # fmt: skip
        _, status, cost = os.wait4(process.pid, 0)
        wall_seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            last = _tail(errors) or _tail(output)
            raise ProgramError(f"{' '.join(command)} ended with {process.returncode}:\n{last}")
        # Linux gives the peak in KiB.
        return Usage(cost.ru_utime + cost.ru_stime, wall_seconds, cost.ru_maxrss * 1024, _last_object(output))


def in_turns(sides: Mapping[str, Callable[[], Usage]], rounds: int) -> dict[str, list[Usage]]:
    """Run each side once, then each side once again, and so on: A B A B.

    Args:
        sides: What to run, by name.
        rounds: How often.
    """
    usages: dict[str, list[Usage]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            usages[name].append(run())
    return usages


def speed(usages: Sequence[Usage], num_bytes: int) -> dict[str, Any]:
    """Give what the rounds of one side come to: medians, and the CPU seconds of each round.

    Args:
        usages: The rounds.
        num_bytes: UTF-8 bytes of text that each round read.
    """
    cpu_seconds = statistics.median(usage.cpu_seconds for usage in usages)
    return {
        "mb_per_cpu_second": round(num_bytes / 1e6 / cpu_seconds, 3),
        "cpu_seconds": round(cpu_seconds, 2),
        "cpu_seconds_by_round": [round(usage.cpu_seconds, 2) for usage in usages],
        "wall_seconds": round(statistics.median(usage.wall_seconds for usage in usages), 2),
        "peak_mb": round(max(usage.peak_bytes for usage in usages) / 1e6, 1),
    }


def ratio(ours: Sequence[Usage], theirs: Sequence[Usage]) -> float:
    """Give how many times less CPU time ours takes: the median over the rounds, each with its neighbour."""
    pairs = zip(ours, theirs, strict=True)
    return round(statistics.median(their.cpu_seconds / our.cpu_seconds for our, their in pairs), 2)


def _tail(file: IO[bytes]) -> str:
    file.seek(0)
    return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-LAST_LINES:])


def _last_object(file: IO[bytes]) -> dict[str, Any]:
    lines = _tail(file).splitlines()
    if not lines or not lines[-1].startswith("{"):
        return {}
    said: dict[str, Any] = json.loads(lines[-1])
    return said
