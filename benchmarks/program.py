"""What the benchmarks share: naming a peer, saying how far they are, and the one JSON object they end with."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.processes import ProgramError

Answer = tuple[dict[str, Any], dict[str, float]]
"""Figures and ratios."""


def peer_among(*names: str) -> Callable[[str], Path]:
    """Give the type of the argument `--peer NAME=PATH`: the peer's interpreter, or its checkout."""

    def parse(text: str) -> Path:
        name, equals, path = text.partition("=")
        if name not in names or not equals:
            raise argparse.ArgumentTypeError(f"NAME=PATH with NAME among {', '.join(names)}")
        return Path(path)

    return parse


def print_answer(measured: Callable[[Path], Answer], peers: Mapping[str, Path]) -> None:
    """Measure in a temporary folder and print figures, ratios and the machine as one JSON object.

    Args:
        measured: Measures, with a folder for whatever it makes.
        peers: Interpreter of each peer, by the name of its distribution; or the folder of its checkout.
    """
    with tempfile.TemporaryDirectory(prefix="gptmodel-bench-") as work:
        try:
            figures, ratios = measured(Path(work))
        except ProgramError as error:
            sys.exit(str(error))
    print(json.dumps({"figures": figures, "ratios": ratios, "machine": machine(peers)}, ensure_ascii=False))


def machine(peers: Mapping[str, Path]) -> dict[str, Any]:
    """Say what was measured on, and which version of each peer: its name to its interpreter or its checkout."""
    said: dict[str, Any] = {
        "processor": _processor(),
        "num_cores": len(os.sched_getaffinity(0)),
        "memory_mb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
    }
    return said | {name: _version(name, path) for name, path in peers.items()}


def _version(name: str, path: Path) -> str:
    """Give the version of a distribution by its interpreter, or the commit of a checkout."""
    ask: list[str | Path] = [path, "-I", "-c", f"import importlib.metadata as m; print(m.version({name!r}))"]
    command: list[str | Path] = ["git", "-C", path, "rev-parse", "--short", "HEAD"] if path.is_dir() else ask
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def say(line: str) -> None:
    """Tell whoever waits what is measured next."""
    print(line, file=sys.stderr, flush=True)
