"""What a person reads in the terminal: plain lines, one progress line when someone watches, errors in three parts.

With `--json` all of it goes to standard error, and the last line of standard output is one JSON object. The flow
finds the terminal through `current()`; on a worker nobody watches and it stays silent.
"""

import json
import os
import sys
import textwrap
import threading
import time
from collections import defaultdict
from contextvars import ContextVar
from typing import Any, TextIO

from flows.pace import Pace
from gptmodel.errors import GPTModelError

BAR_WIDTH = 24
_TEXT_WIDTH = 90
_LINE_SECONDS = 15.0
_REDRAW_SECONDS = 0.2


class Terminal:
    """Lines for a person on one stream, and the run's closing record for the command that started it.

    Attributes:
        summary: What `--json` prints, set by the flow when it ends.
    """

    def __init__(self, stream: TextIO | None, *, as_json: bool = False) -> None:
        self._stream = stream
        self._watched = bool(stream and stream.isatty())
        self._drawn = self._said = 0.0
        self._open = False
        self._paces: defaultdict[int, Pace] = defaultdict(Pace)
        # Samples are shown from the thread that tells the dashboards.
        self._lock = threading.Lock()
        self.as_json = as_json
        self.summary: dict[str, Any] | None = None

    def line(self, text: str = "") -> None:
        """Write one line, clearing a progress line first."""
        if self._stream:
            with self._lock:
                self._clear()
                self._stream.write(_writable(text, self._stream) + "\n")
                self._stream.flush()

    def red(self, text: str) -> str:
        """Give words in red where a person watches, unchanged otherwise, or where NO_COLOR asks for none."""
        return f"\x1b[31m{text}\x1b[0m" if text and self._watched and not os.environ.get("NO_COLOR") else text

    def stage(self, number: int, name: str, text: str, seconds: float | None) -> None:
        """Write a stage's closing line; `seconds` None means it was cached."""
        took = "cached" if seconds is None else f"{seconds:.1f} s"
        first, *rest = [row for line in text.split("\n") for row in textwrap.wrap(line, _TEXT_WIDTH)] or [""]
        self._paces.pop(number, None)  # its text may be made again later in the run
        self.line(f"{number:2d} {name:<14} {first:<{_TEXT_WIDTH}} {took:>8}")
        for more in rest:
            self.line(f"{'':17} {more}")

    def sample(self, step: int, prompt: str, text: str) -> None:
        """Show what the model makes of the prompt at a step of its training."""
        self.line(f"{'':17} step {step:>5}  {json.dumps(prompt, ensure_ascii=False)} {' '.join(text.split())[:64]}")

    def progress(self, number: int, name: str, done_ratio: float, message: str) -> None:
        """Show how far a stage is: a bar redrawn in place, or a plain line now and then when nobody watches."""
        now = time.monotonic()
        message = self._paces[number].added_to(message, done_ratio, "   ")
        if self._watched and now - self._drawn >= _REDRAW_SECONDS:
            filled = round(BAR_WIDTH * min(max(done_ratio, 0.0), 1.0))
            bar = "#" * filled + "-" * (BAR_WIDTH - filled)
            self._redraw(f"{number:2d} {name:<14} {bar} {done_ratio:4.0%}  {message}"[:150])
            self._drawn = now
        elif not self._watched and now - self._said >= _LINE_SECONDS:
            if self._said:
                self.line(f"{number:2d} {name:<14} {done_ratio:4.0%}  {message}")
            self._said = now

    def error(self, error: GPTModelError) -> None:
        """Write an error: what was expected, what came, how to mend it; with `--json` also as an object."""
        self.line(f"gptmodel: expected {error.expected}")
        self.line(f"          got {error.actual}")
        self.line(f"          {error.mend}")
        if self.as_json:
            body = {"expected": error.expected, "actual": error.actual, "mend": error.mend}
            print_json({"error": body})

    def _redraw(self, text: str) -> None:
        if self._stream:
            with self._lock:
                self._stream.write(f"\r\x1b[2K{_writable(text, self._stream)}")
                self._stream.flush()
                self._open = True

    def _clear(self) -> None:
        if self._open and self._stream:
            self._stream.write("\r\x1b[2K")
            self._open = False


def _writable(text: str, stream: TextIO) -> str:
    # A terminal that knows no Chinese and no bars shows question marks; the run does not end for it.
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def print_json(value: dict[str, Any]) -> None:
    """Write one JSON object as a line of standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


_SILENT = Terminal(None)
_current: ContextVar[Terminal] = ContextVar("terminal", default=_SILENT)


def current() -> Terminal:
    """Give the terminal of the command that runs the flow; a silent one on a worker."""
    return _current.get()


def watch(terminal: Terminal) -> None:
    """Let the flows of this command speak on this terminal."""
    _current.set(terminal)
