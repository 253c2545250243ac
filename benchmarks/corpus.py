"""`gptmodel bench corpus`: how fast, how lean and how exact the corpus stages are, beside a peer where one is named.

    python -m benchmarks.corpus [--data PATH ...] [--peer datatrove=PYTHON] [--gold FILE ...] [--part PART ...]
        [--sizes MB,MB,...] [--rounds N]

Progress goes to standard error; the last line of standard output is one JSON object: figures, ratios, machine.
"""

import argparse
from pathlib import Path
from typing import Any

from benchmarks.chains import filters, known_pairs, near_duplicates, prepare
from benchmarks.orchestration import orchestration
from benchmarks.program import peer_among, print_answer, say
from benchmarks.scaling import grow, scaling

PARTS = ("filters", "near-duplicates", "scaling", "run")
RUN_SIZE = 100
"""MB of text, at most, that the run through Prefect is measured on; if all sizes asked for are larger, the smallest."""


def main() -> None:
    """Measure what was asked for."""
    asked = _asked()
    print_answer(lambda work: _measure(asked, work), {"datatrove": asked.peer} if asked.peer else {})


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", action="append", default=[])
    parser.add_argument("--peer", type=peer_among("datatrove"))
    parser.add_argument("--gold", action="append", type=Path, default=[])
    parser.add_argument("--part", action="append", choices=PARTS, default=[])
    parser.add_argument("--sizes", type=_sizes, default=(10, 100, 1000))
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


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


if __name__ == "__main__":
    main()
