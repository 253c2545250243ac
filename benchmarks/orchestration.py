"""What Prefect, MLflow and the store add to the stages: a real run beside the same functions in a plain process.

Both work through the same text with one worker, up to the split. The run has a fresh home each time; its servers are
started before it is timed, and the CPU time they take meanwhile is counted.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks.processes import Usage, in_turns, measure, module_command, own, speed
from benchmarks.scaling import STAGES

SETTINGS = ("privacy.planted.enabled=false", "engine.workers=1")


def orchestration(text: Path, num_bytes: int, work: Path, rounds: int) -> dict[str, Any]:
    """Measure both in turns; what the run adds is given in seconds and as a share of the run.

    Args:
        text: Folder of text.
        num_bytes: Its UTF-8 bytes.
        work: Folder for the homes.
        rounds: How often.
    """
    servers: list[float] = []
    sides = {"run": partial(_run, text, work / "home", servers), "functions": partial(_plain, text, work / "plain")}
    usages = in_turns(sides, rounds)
    figures: dict[str, Any] = {name: speed(took, num_bytes) for name, took in usages.items()}
    figures["run"]["server_cpu_seconds_by_round"] = servers
    for time in ("wall", "cpu"):
        run, plain = (figures[side][f"{time}_seconds"] for side in sides)
        figures[f"added_{time}_seconds"] = round(run - plain, 2)
        figures[f"added_{time}_ratio"] = round(1 - plain / run, 4)
    return figures


def _plain(text: Path, folder: Path) -> Usage:
    shutil.rmtree(folder, ignore_errors=True)
    return measure(own("stages", folder, *STAGES, "--source", text))


def _run(text: Path, home: Path, servers: list[float]) -> Usage:
    shutil.rmtree(home, ignore_errors=True)
    settings = [argument for setting in SETTINGS for argument in ("--set", setting)]
    with _servers(home) as environment:
        before = _server_seconds(home)
        usage = measure(_command("run", "--source", str(text), *settings, "--until", "split", "--anyway"), environment)
        servers.append(round(_server_seconds(home) - before, 2))
    return usage


@contextmanager
def _servers(home: Path) -> Iterator[dict[str, str]]:
    environment = {"GPTMODEL_HOME": str(home)}
    try:
        measure(_command("up"), environment)
        yield environment
    finally:
        measure(_command("down"), environment)


def _command(*arguments: str) -> list[str]:
    return module_command("flows.cli", *arguments)


def _server_seconds(home: Path) -> float:
    """Give the CPU time of this home's servers and their children so far."""
    processes = json.loads((home / "servers.json").read_text(encoding="utf-8"))
    families = (psutil.Process(process["pid"]) for process in processes.values())
    members = (member for root in families for member in (root, *root.children(recursive=True)))
    return sum(sum(member.cpu_times()[:2]) for member in members)
