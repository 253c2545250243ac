"""How long a look-up takes on a large corpus, as a whole command: from the shell to its answer.

python -m benchmarks.lineage [--sizes 100000,1000000] [--rounds 3]

No other tool answers these questions, so that there is no peer. Every answer is checked against what was put there.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.lineage_store import SOURCE, TEXT, VALUE
from benchmarks.processes import ProgramError, Usage, in_turns, measure, module_command, own
from benchmarks.program import Answer, print_answer, say

SIZES, ROUNDS = "1000000", 3

Check = Callable[[Mapping[str, Any]], bool]


def look_ups(work: Path, sizes: Sequence[int], rounds: int) -> Answer:
    """Measure every question at each size.

    Args:
        work: Folder for the homes; a million documents need about 1 GB.
        sizes: Documents of the newest version's corpus.
        rounds: How often each question is asked.
    """
    figures = {f"{size:,} documents": _at(work / f"home-{size}", size, rounds) for size in sizes}
    slowest = {name: max(row["wall_seconds"] for row in rows.values()) for name, rows in figures.items()}
    return {**figures, "slowest_wall_seconds": slowest}, {}


def _at(home: Path, size: int, rounds: int) -> dict[str, Any]:
    say(f"making a home with three versions over {size:,} documents")
    truth = measure(own("lineage_store", home, size)).said
    (home / "text.txt").write_text(TEXT, encoding="utf-8")
    (home / "values.txt").write_text(VALUE, encoding="utf-8")
    asked: dict[str, tuple[list[str], Check]] = {
        "lineage --document, trained": (["lineage", "--document", truth["trained"]], _is_trained),
        "lineage --document, dropped": (["lineage", "--document", truth["dropped"]], _is_dropped),
        "lineage --document, unknown": (["lineage", "--document", "f" * 32], _is_unknown),
        "lineage --text-file": (["lineage", "--text-file", str(home / "text.txt")], _is_trained),
        "lineage --source, a file": (["lineage", "--source", f"{SOURCE}/{truth['path']}"], _is_trained),
        "find --values": (["find", "--values", str(home / "values.txt")], _is_found),
    }
    say(f"asking {len(asked)} questions, {rounds} times each")
    sides = {name: partial(_ask, home, words, check) for name, (words, check) in asked.items()}
    return {name: _cost(usages) for name, usages in in_turns(sides, rounds).items()}


def _ask(home: Path, words: Sequence[str], check: Check) -> Usage:
    usage = measure(module_command("flows.cli", *words, "--json"), {"GPTMODEL_HOME": str(home)})
    if not check(usage.said):
        raise ProgramError(f"gptmodel {' '.join(words)} answered {json.dumps(usage.said)[:500]}")
    return usage


def _only(said: Mapping[str, Any]) -> Mapping[str, Any]:
    documents = said["documents"]
    return documents[0] if len(documents) == 1 else {}


def _is_trained(said: Mapping[str, Any]) -> bool:
    versions = _only(said).get("versions", ())
    return len(versions) == 3 and all(seen["split"] == "train" and seen["steps"] for seen in versions)


def _is_dropped(said: Mapping[str, Any]) -> bool:
    return (_only(said)["status"], _only(said)["drop_reason"]) == ("dropped", "near")


def _is_unknown(said: Mapping[str, Any]) -> bool:
    return _only(said)["status"] == "unknown"


def _is_found(said: Mapping[str, Any]) -> bool:
    return len(said["values"][0]["documents"][0]["versions"]) == 3


def _cost(usages: Sequence[Usage]) -> dict[str, Any]:
    return {
        "wall_seconds": round(statistics.median(usage.wall_seconds for usage in usages), 2),
        "cpu_seconds": round(statistics.median(usage.cpu_seconds for usage in usages), 2),
        "peak_mb": round(max(usage.peak_bytes for usage in usages) / 1e6, 1),
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=SIZES, help="documents, separated by commas")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    print_answer(lambda work: look_ups(work, sizes, given.rounds), {})


if __name__ == "__main__":
    main()
