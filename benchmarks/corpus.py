"""`gptmodel bench corpus`: how fast, how lean and how exact the corpus stages are, beside a peer where one is named.

    python -m benchmarks.corpus [--data PATH ...] [--peer datatrove=PYTHON] [--gold FILE ...] [--part PART ...]
        [--sizes MB,MB,...] [--rounds N]

Progress goes to standard error; the last line of standard output is one JSON object: figures, ratios, machine.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.chains import filters, known_pairs, near_duplicates, prepare
from benchmarks.orchestration import orchestration
from benchmarks.processes import ProgramError
from benchmarks.scaling import grow, scaling

PARTS = ("filters", "near-duplicates", "scaling", "run")
PEERS = ("datatrove",)
RUN_SIZE = 100
"""MB of text, at most, that the run through Prefect is measured on; if all sizes asked for are larger, the smallest."""


def main() -> None:
    """Measure what was asked for."""
    asked = _asked()
    with tempfile.TemporaryDirectory(prefix="gptmodel-bench-") as work:
        try:
            figures, ratios = _measure(asked, Path(work))
        except ProgramError as error:
            sys.exit(str(error))
    peers = {"datatrove": asked.peer} if asked.peer else {}
    print(json.dumps({"figures": figures, "ratios": ratios, "machine": machine(peers)}))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", action="append", default=[])
    parser.add_argument("--peer", type=_peer)
    parser.add_argument("--gold", action="append", type=Path, default=[])
    parser.add_argument("--part", action="append", choices=PARTS, default=[])
    parser.add_argument("--sizes", type=_sizes, default=(10, 100, 1000))
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _peer(text: str) -> Path:
    name, equals, path = text.partition("=")
    if name not in PEERS or not equals:
        raise argparse.ArgumentTypeError(f"NAME=PYTHON with NAME among {', '.join(PEERS)}")
    return Path(path)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


def _measure(asked: argparse.Namespace, work: Path) -> tuple[dict[str, Any], dict[str, float]]:
    parts = asked.part or PARTS
    figures: dict[str, Any] = {}
    ratios: dict[str, float] = {}
    say("reading the data")
    sizes = prepare(asked.data, work)
    figures["data"] = {f"num_bytes_{name}": num_bytes for name, num_bytes in sizes.items()}
    if "filters" in parts:
        say(f"filter chain, {asked.rounds} rounds")
        figures["filters"], more = filters(work, sizes["raw"], asked.peer, asked.rounds)
        ratios |= more
    if "near-duplicates" in parts:
        say(f"near duplicates, {asked.rounds} rounds")
        figures["near_duplicates"], more = near_duplicates(work, sizes["scrubbed"], asked.peer, asked.rounds)
        ratios |= more
        figures["known_pairs"] = {file.name: known_pairs(file, work, asked.peer) for file in asked.gold}
    if "scaling" in parts:
        say(f"all stages at {', '.join(map(str, asked.sizes))} MB")
        figures["scaling"], more = scaling(work / "raw" / "documents.jsonl", work, asked.sizes)
        ratios |= more
    if "run" in parts:
        size = max((size for size in asked.sizes if size <= RUN_SIZE), default=min(asked.sizes))
        say(f"a run of {size} MB, {asked.rounds} rounds")
        num_bytes = grow(work / "raw" / "documents.jsonl", work / "text", size)
        figures["run"] = orchestration(work / "text", num_bytes, work, asked.rounds)
    return figures, ratios


def machine(peers: Mapping[str, Path]) -> dict[str, Any]:
    """Say what was measured on, and which version of each peer: distribution's name to its interpreter."""
    said: dict[str, Any] = {
        "processor": _processor(),
        "num_cores": len(os.sched_getaffinity(0)),
        "memory_mb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
    }
    for name, python in peers.items():
        ask = f"import importlib.metadata as m; print(m.version({name!r}))"
        said[name] = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True).stdout.strip()
    return said


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def say(line: str) -> None:
    """Tell whoever waits what is measured next."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
