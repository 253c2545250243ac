"""What the stages cost as the corpus grows: time, memory of one worker and disk, each stage in a process of its own."""

import shutil
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.processes import Usage, measure, own

STAGES = ("ingest", "clean", "scrub", "deduplicate", "split")


def scaling(raw: Path, work: Path, sizes: Sequence[int]) -> tuple[dict[str, Any], dict[str, float]]:
    """Measure all stages at each size.

    Args:
        raw: JSON lines of real documents, which the made-up ones have their shape from.
        work: Folder for everything made; needs about three times the largest size.
        sizes: Text to make, in MB of UTF-8.
    """
    figures = {f"{size} MB": _at(raw, work / f"grown-{size}", size) for size in sizes}
    return figures, _growth(figures, sizes)


def grow(raw: Path, folder: Path, size: int) -> int:
    """Make text of so many MB; return its UTF-8 bytes."""
    num_bytes: int = measure(own("growth", raw, folder, "--bytes", size * 1_000_000)).said["num_bytes"]
    return num_bytes


def _at(raw: Path, folder: Path, size: int) -> dict[str, Any]:
    num_bytes = grow(raw, folder / "text", size)
    stages = {}
    for stage in STAGES:
        usage = measure(own("stages", folder / "home", stage, "--source", folder / "text"))
        stages[stage] = _cost(usage, num_bytes, folder / "home" / stage) | _found(stage, usage)
    shutil.rmtree(folder)
    return {"num_bytes": num_bytes, **_total(stages.values()), "stages": stages}


def _total(stages: Collection[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cpu_seconds": round(sum(stage["cpu_seconds"] for stage in stages), 2),
        "peak_mb": max(stage["peak_mb"] for stage in stages),
        "disk_mb": round(sum(stage["disk_mb"] for stage in stages), 1),
    }


def _cost(usage: Usage, num_bytes: int, output: Path) -> dict[str, Any]:
    disk_bytes = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    return {
        "mb_per_cpu_second": round(num_bytes / 1e6 / usage.cpu_seconds, 2),
        "cpu_seconds": round(usage.cpu_seconds, 2),
        "wall_seconds": round(usage.wall_seconds, 2),
        "peak_mb": round(usage.peak_bytes / 1e6, 1),
        "disk_mb": round(disk_bytes / 1e6, 1),
    }


def _found(stage: str, usage: Usage) -> dict[str, int]:
    """Give what shows whether the text made up behaves as text does: how many documents, drops, duplicates."""
    counts = usage.said[stage]
    return {name: counts[name] for name in ("num_read", "num_kept", "num_findings") if name in counts}


def _growth(figures: dict[str, Any], sizes: Sequence[int]) -> dict[str, float]:
    """Give the CPU time for each byte at each size over that at the size before: 1 is linear, less is better."""
    each = {size: figures[f"{size} MB"]["cpu_seconds"] / figures[f"{size} MB"]["num_bytes"] for size in sizes}
    return {
        f"CPU seconds a byte, {large} MB vs {small} MB": round(each[large] / each[small], 3)
        for small, large in pairwise(sorted(each))
    }
