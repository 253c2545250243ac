"""Let processes run in turns of a few seconds, so that a busy machine slows all alike, and count each one's own time.

A side whose turn ends is stopped (SIGSTOP) with all its descendants, and goes on (SIGCONT) at its next turn; its clock
runs in its turns alone. Clocks are those of `time.time`, in which a training writes its metrics.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.processes import LAST_LINES, ProgramError

TURN_SECONDS = 2.0


@dataclass(frozen=True)
class Line:
    """A line that a side wrote, and when it was read (Unix time)."""

    moment: float
    text: str


class Side:
    """A process that runs in turns.

    Args:
        command: Program and arguments.
        environment: Variables besides those of this process.
        folder: Its working directory.

    Attributes:
        lines: What it wrote to standard output so far.
        peak_bytes: Largest resident memory of it or of one of the processes it waited for; 0 until it ends.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> None:
        self._command, self._environment, self._folder = list(command), dict(environment or {}), folder
        self._process: subprocess.Popen[str] | None = None
        self._errors = tempfile.TemporaryFile()
        self._turns: list[tuple[float, float]] = []
        self._began = 0.0
        self._ended = threading.Event()
        self._end_moment = 0.0
        self._status = 0
        self.lines: list[Line] = []
        self.peak_bytes = 0

    @property
    def ended(self) -> bool:
        """Whether the process is over."""
        return self._ended.is_set()

    @property
    def seconds(self) -> float:
        """Seconds of its turns so far, the one under way included."""
        return self.seconds_at(time.time())

    def seconds_at(self, moment: float) -> float:
        """Give how long it had run at a moment (Unix time)."""
        under_way = [(self._began, self._end_moment or moment)] if self._began else []
        return sum(max(0.0, min(end, moment) - start) for start, end in (*self._turns, *under_way))

    def take_turn(self, seconds: float) -> None:
        """Let it run until the time is over, or it ends.

        Raises:
            ProgramError: It failed; the message holds the last lines it wrote.
        """
        self._began = time.time()
        self._start() if self._process is None else self._signal(signal.SIGCONT)
        if not self._ended.wait(seconds):
            self._signal(signal.SIGSTOP)
        self._turns.append((self._began, self._end_moment or time.time()))
        self._began = 0.0
        if self.ended and self._status:
            raise ProgramError(f"{' '.join(self._command)} ended with {self._status}:\n{self._last_lines()}")

    def kill(self) -> None:
        """End it at once, wherever it stands."""
        if self._process is not None and not self.ended:
            self._signal(signal.SIGKILL)
            self._ended.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, env={**os.environ, "PYTHONUNBUFFERED": "1", **self._environment}, cwd=self._folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors, text=True,
        )  # fmt: skip
        for work in (self._read, self._wait):
            threading.Thread(target=work, daemon=True).start()

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(Line(time.time(), line.rstrip("\n")))

    def _wait(self) -> None:
        assert self._process is not None
        _, status, cost = os.wait4(self._process.pid, 0)
        self._end_moment = time.time()
        self._status = self._process.returncode = os.waitstatus_to_exitcode(status)
        self.peak_bytes = cost.ru_maxrss * 1024  # Linux gives KiB
        self._ended.set()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            own = psutil.Process(self._process.pid)
            # torch's compile workers are sessions of their own, so a signal to the group would miss them.
            for process in (own, *own.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)

    def _last_lines(self) -> str:
        self._errors.seek(0)
        written = self._errors.read().decode("utf-8", "replace").splitlines()
        return "\n".join((written or [line.text for line in self.lines])[-LAST_LINES:])


def take_turns(
    sides: Sequence[Side], enough: Callable[[Side], bool] = lambda side: False, turn_seconds: float = TURN_SECONDS
) -> None:
    """Let sides run in turns, A B A B, until each has ended or there is enough of it; one with enough is killed.

    Raises:
        ProgramError: A side failed; the others are killed.
    """
    with _killed_at_the_end(sides):
        running = list(sides)
        while running:
            for side in list(running):
                side.take_turn(turn_seconds)
                if side.ended or enough(side):
                    running.remove(side)


@contextlib.contextmanager
def _killed_at_the_end(sides: Sequence[Side]) -> Iterator[None]:
    try:
        yield
    finally:
        for side in sides:
            side.kill()
