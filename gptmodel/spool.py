"""The training's metrics file as a spool: whole new lines, in order, wherever the last delivery ended.

Training appends `metrics.jsonl` and knows no server; flows read it here and `tracking` sends it. When a server is away
nothing is lost: the offset stays where it was.
"""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple


class MetricLine(NamedTuple):
    """One figure of a training."""

    key: str
    """Name of the figure."""
    value: float
    """The figure; may be NaN."""
    time_ms: int
    """When it was measured, milliseconds since the epoch."""
    step: int
    """Step of the training, from 0."""


def read_new_lines(path: Path, offset: int) -> tuple[list[MetricLine], int]:
    """Give the lines after an offset and the offset behind them.

    A line still being written is left for the next call; a line torn by a crash is passed over.

    Args:
        path: File of JSON lines with time (seconds since the epoch), step, key, value; may be missing.
        offset: Bytes read before.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            block = file.read()
    except FileNotFoundError:
        return [], offset
    whole = block[: block.rfind(b"\n") + 1]
    lines = [_read(line) for line in whole.splitlines()]
    return [line for line in lines if line is not None], offset + len(whole)


def _read(line: bytes) -> MetricLine | None:
    try:
        row = json.loads(line)
        figure = MetricLine(str(row["key"]), float(row["value"]), round(float(row["time"]) * 1000), int(row["step"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return None if math.isinf(figure.value) else figure  # the server's database takes no infinity


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines that a finished stage wrote whole, such as the loss curve."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
