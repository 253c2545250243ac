"""The filter chain and near duplicates: our stages, and datatrove doing the same steps, in turns on the same documents.

The documents are those of our `ingest`, written as JSON lines once; each side reads that file and writes what stays.
Sources of the steps: Rae et al. 2021 (Gopher), Raffel et al. 2020 (C4), Penedo et al. 2024 (FineWeb).
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.processes import CHECKOUT, Usage, in_turns, measure, own, ratio, speed

PEER_STEPS = CHECKOUT / "benchmarks" / "datatrove_steps.py"
# Repeated lines are no part of MinHash, so that both sides do the same.
MINHASH_ALONE = "dedup.repeated_line_min_documents=0"

Side = Callable[[], Usage]


def prepare(data: Sequence[str], work: Path) -> dict[str, int]:
    """Read the data once, clean and scrub it with the default rules, and write the documents as JSON lines.

    Returns:
        UTF-8 bytes of the documents as read (`raw`) and as scrubbed (`scrubbed`).
    """
    folder = work / "prepared"
    sources = [argument for path in data for argument in ("--source", path)]
    measure(own("stages", folder, "ingest", "clean", "scrub", *sources))
    said = {
        "raw": measure(own("documents", folder / "ingest", work / "raw" / "documents.jsonl")).said,
        "scrubbed": measure(own("documents", folder / "scrub", work / "scrubbed" / "documents.jsonl")).said,
    }
    return {name: counts["num_bytes"] for name, counts in said.items()}


def filters(work: Path, num_bytes: int, peer: Path | None, rounds: int) -> tuple[dict[str, Any], dict[str, float]]:
    """Measure repetition, quality and C4 filters, sensitive data, and writing; give figures and ratios."""
    sides: dict[str, Side] = {
        f"gptmodel, rules = {rules}": partial(_own_filters, work, rules) for rules in ("web", "documents")
    }
    usages = in_turns(sides | _peer_side("filters", work / "raw", work, peer), rounds)
    figures: dict[str, Any] = {name: speed(took, num_bytes) for name, took in usages.items()}
    for name in sides:
        figures[name]["cpu_seconds_by_stage"] = _by_stage(usages[name])
        figures[name]["num_kept"] = usages[name][-1].said["clean"]["num_kept"]
    ratios: dict[str, float] = {}
    if peer:
        figures["datatrove"]["num_kept"] = _count_lines(work / "peer" / "kept")
        web, documents, theirs = usages.values()
        ratios["filter chain vs datatrove"] = ratio(web, theirs)
        ratios["filter chain without ingest vs datatrove"] = ratio([_without_ingest(usage) for usage in web], theirs)
        ratios["filter chain with default rules vs datatrove"] = ratio(documents, theirs)
    return figures, ratios


def near_duplicates(
    work: Path, num_bytes: int, peer: Path | None, rounds: int
) -> tuple[dict[str, Any], dict[str, float]]:
    """Measure near-duplicate removal on the scrubbed documents, and how far both sides find the same."""
    sides: dict[str, Side] = {"gptmodel": partial(_own_duplicates, work / "own", work / "prepared")}
    usages = in_turns(sides | _peer_side("near-duplicates", work / "scrubbed", work, peer), rounds)
    figures: dict[str, Any] = {name: speed(took, num_bytes) for name, took in usages.items()}
    figures["found"] = _compared(work / "own", work / "scrubbed", work if peer else None)
    ratios = {"near duplicates vs datatrove": ratio(usages["gptmodel"], usages["datatrove"])} if peer else {}
    return figures, ratios


def known_pairs(gold: Path, work: Path, peer: Path | None) -> dict[str, Any]:
    """Measure precision and recall on a file of versions of pages, whose similarity is computed exactly."""
    folder = work / "gold"
    shutil.rmtree(folder, ignore_errors=True)
    measure(own("pages", gold, folder / "pages"))
    measure(own("stages", folder / "own", "ingest", "clean", "scrub", "--source", folder / "pages"))
    measure(own("documents", folder / "own" / "scrub", folder / "scrubbed" / "documents.jsonl"))
    measure(own("stages", folder / "own", "deduplicate", "--set", MINHASH_ALONE))
    for run in _peer_side("near-duplicates", folder / "scrubbed", folder, peer).values():
        run()
    return _compared(folder / "own", folder / "scrubbed", folder if peer else None, "--truth")


def _own_filters(work: Path, rules: str) -> Usage:
    arguments = ("--source", work / "raw", "--set", f"cleaning.rules={rules}")
    return measure(own("stages", work / "own", "ingest", "clean", "scrub", *arguments))


def _own_duplicates(folder: Path, prepared: Path) -> Usage:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "scrub").symlink_to(prepared / "scrub")
    return measure(own("stages", folder, "deduplicate", "--set", MINHASH_ALONE))


def _peer_side(what: str, source: Path, work: Path, peer: Path | None) -> dict[str, Side]:
    return {"datatrove": partial(_peer_burst, what, source, work / "peer", peer)} if peer else {}


def _peer_burst(what: str, source: Path, output: Path, peer: Path) -> Usage:
    shutil.rmtree(output, ignore_errors=True)  # it passes over what it finds finished
    return measure([str(peer), "-I", str(PEER_STEPS), what, str(source), str(output)])


def _compared(own_folder: Path, documents: Path, peer_work: Path | None, *how: str) -> dict[str, Any]:
    theirs = ("--peer", peer_work / "peer") if peer_work else ()
    file = ("--documents", documents / "documents.jsonl")
    return measure(own("clusters", own_folder / "deduplicate", *theirs, *file, *how)).said


def _without_ingest(usage: Usage) -> Usage:
    """Leave out what reading the source took; what it takes to start stays."""
    return replace(usage, cpu_seconds=usage.cpu_seconds - usage.said["ingest"]["cpu_seconds"])


def _by_stage(usages: Sequence[Usage]) -> dict[str, float]:
    return {stage: counts["cpu_seconds"] for stage, counts in usages[-1].said.items()}


def _count_lines(folder: Path) -> int:
    return sum(file.read_bytes().count(b"\n") for file in folder.glob("*.jsonl"))
