"""The training's own records: metrics as they happen, and one-line JSON files that follow a resumed training.

`metrics.jsonl` is written live and holds clock times, so it lies in the notes; flows tail it to the servers, which may
be away. A reader sees whole lines only. `training` is the only writer.
"""

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from gptmodel.store import full_disk_explained, write_synced

METRICS_FILE = "metrics.jsonl"
Progress = Callable[[float, str], None]

_FLUSH_SECONDS = 0.5
_PROGRESS_SECONDS = 0.5
_SYSTEM_SECONDS = 1.0


class MetricsLog:
    """Append `{"time", "step", "key", "value"}` lines to a file, about twice a second at most.

    Args:
        path: The file; lines beyond `last_step`, and a line cut off by a kill, are removed from it first.
        last_step: Step that the training goes on from; None starts the file anew.
    """

    def __init__(self, path: Path, last_step: int | None) -> None:
        self._path = path
        self._lines: list[str] = []
        self._flushed = time.monotonic()
        kept = [] if last_step is None else [line for line in read_lines(path) if line.get("step", 0) <= last_step]
        write_lines(path, kept)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Note values at a step; they reach the file with one of the next flushes."""
        now = time.time()
        self._lines += [
            json.dumps({"time": now, "step": step, "key": key, "value": value}) for key, value in values.items()
        ]
        if time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is noted, in one piece."""
        if self._lines:
            append_text(self._path, "".join(f"{line}\n" for line in self._lines))
            self._lines = []
        self._flushed = time.monotonic()


def append_text(path: Path, text: str) -> None:
    """Append to a file in one unbuffered write, so that who tails it sees whole lines."""
    with full_disk_explained(path.parent), path.open("ab", buffering=0) as file:
        file.write(text.encode())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a JSON-lines file; a missing file has no lines, and a line cut off by a kill is passed over."""
    lines: list[dict[str, Any]] = []
    if not path.exists():
        return lines
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            lines.append(record)
    return lines


def write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON-lines file whole: after a crash it is the old one or this one."""
    write_synced(path, "".join(f"{json.dumps(record)}\n" for record in records))


class Meter:
    """Speed, use of the machine, the time left, and the progress line.

    Args:
        tokens_per_step: Tokens read in one step.
        machine_use: Gives the model FLOPs utilisation (0 to 1) at a number of tokens a second.
        progress: Called about twice a second with the share done (0 to 1) and a line to show; None: nobody watches.
    """

    def __init__(self, tokens_per_step: int, machine_use: Callable[[float], float], progress: Progress | None) -> None:
        self._tokens_per_step, self._machine_use, self._progress = tokens_per_step, machine_use, progress
        self._seconds, self._steps, self._shown = 0.0, 0, -math.inf
        self.recent = 0.0  # tokens a second, over about the last twenty steps

    def start(self, step: int, num_steps: int) -> None:
        """Say where the training begins."""
        if self._progress is not None:
            self._progress(step / num_steps, f"step {step}/{num_steps}")

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """Measure one step."""
        started = time.perf_counter()
        yield
        seconds = max(time.perf_counter() - started, 1e-9)
        self._seconds, self._steps = self._seconds + seconds, self._steps + 1
        speed = self._tokens_per_step / seconds
        self.recent = speed if self._steps <= 2 else 0.95 * self.recent + 0.05 * speed

    @property
    def tokens_per_second(self) -> float:
        """Mean over all measured steps."""
        return self._steps * self._tokens_per_step / self._seconds if self._steps else 0.0

    @property
    def mfu(self) -> float:
        """Model FLOPs utilisation at the recent speed, 0 to 1."""
        return self._machine_use(self.recent)

    def eta(self, num_steps_left: int) -> float:
        """Give the seconds left."""
        return num_steps_left * self._tokens_per_step / self.recent if self.recent else 0.0

    def figures(self, num_steps_left: int) -> dict[str, float]:
        """Give what the dashboards show of it, by key."""
        return {"tokens_per_second": self.recent, "mfu": self.mfu, "eta_seconds": self.eta(num_steps_left)}

    def show(self, step: int, num_steps: int, loss: float) -> None:
        """Call the progress callback, about twice a second and at the end."""
        now = time.monotonic()
        if self._progress is None or (now - self._shown < _PROGRESS_SECONDS and step < num_steps):
            return
        self._shown = now
        line = f"step {step}/{num_steps}   loss {loss:.3f}   {self.recent:,.0f} tokens/s   MFU {100 * self.mfu:.0f} %"
        self._progress(step / num_steps, line)


class SystemFigures:
    """What a training takes of the machine, read about once a second.

    Args:
        device: cpu or cuda.
    """

    def __init__(self, device: str) -> None:
        self._is_on_gpu = device == "cuda"
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first call has nothing to compare with
        self._read_at = -math.inf

    def read(self) -> dict[str, float]:
        """Give memory (bytes; on a GPU the most that its tensors took) and CPU time in per cent of one core.

        Nothing where it was read within the last second.
        """
        now = time.monotonic()
        if now - self._read_at < _SYSTEM_SECONDS:
            return {}
        self._read_at = now
        resident = float(self._process.memory_info().rss)
        return {"memory_bytes": self._gpu_bytes() if self._is_on_gpu else resident,
                "cpu_percent": self._process.cpu_percent()}  # fmt: skip

    @staticmethod
    def _gpu_bytes() -> float:
        import torch

        return float(torch.cuda.max_memory_allocated())
