"""What the process that starts a training and those that compute it tell each other: a folder of JSON files.

The request goes one way; progress, log lines and the reasons of ended processes come back. The folder lies in the notes
of the stage, so that processes on other machines that see the home find it too.
"""

import contextlib
import json
import logging
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from gptmodel import errors
from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.errors import GPTModelError
from gptmodel.store import Workspace, write_synced

REQUEST_FILE = "request.json"
PROCESSES_DIR = "processes"
_MESSAGES_FILE = "messages.jsonl"


class Request(BaseModel):
    """A training as its processes are told of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    folder: Path
    """Folder that the stage writes into."""
    inputs: dict[str, Path]
    """Folders of the stages it reads, by stage name."""
    model: ModelConfig
    """Shape of the model."""
    training: TrainingConfig
    """The optimisation."""

    @property
    def work(self) -> Workspace:
        """The stage's workspace."""
        return Workspace(self.folder, self.inputs)


@dataclass(frozen=True)
class Reason:
    """Why a process ended.

    Attributes:
        rank: Its number.
        kind: Name of the exception's class.
        when: Seconds since the epoch.
        words: What was expected, what came, how to mend it, of an error raised on purpose; None of any other.
        frames: Where any other error was raised; no values, no text of it.
    """

    rank: int
    kind: str
    when: float
    words: dict[str, str] | None = None
    frames: str = ""


def write_request(folder: Path, request: Request) -> Path:
    """Write a request into a folder of its own, emptied before; give the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    write_synced(folder / REQUEST_FILE, request.model_dump_json(indent=1))
    return folder / REQUEST_FILE


def write_reason(folder: Path, rank: int, error: BaseException) -> None:
    """Leave the reason for which a process ends."""
    expected = isinstance(error, GPTModelError)
    words = {name: getattr(error, name) for name in ("expected", "actual", "mend")} if expected else None
    frames = "" if words else "".join(traceback.format_tb(error.__traceback__))
    reason = {"rank": rank, "kind": type(error).__name__, "when": time.time(), "words": words, "frames": frames}
    write_synced(folder / f"reason-{rank:05d}.json", json.dumps(reason))


def read_reasons(folder: Path) -> list[Reason]:
    """Read what the processes left, the earliest first."""
    reasons = [Reason(**json.loads(path.read_bytes())) for path in folder.glob("reason-*.json")]
    return sorted(reasons, key=lambda reason: reason.when)


def error_of(reason: Reason, size: int) -> GPTModelError | None:
    """Give the error that a process raised on purpose, with its number; None for any other."""
    kind = getattr(errors, reason.kind, None)
    if reason.words is None or not (isinstance(kind, type) and issubclass(kind, GPTModelError)):
        return None
    return kind(**reason.words | {"actual": f"{reason.words['actual']} (process {reason.rank} of {size})"})


class Messenger(logging.Handler):
    """Sends progress and log records of the first process to the one that started it.

    Args:
        folder: Folder of the request.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(logging.INFO)
        self._path = folder / _MESSAGES_FILE

    def progress(self, done_ratio: float, line: str) -> None:
        """Send how far the training is."""
        self._send({"done_ratio": done_ratio, "line": line})

    def emit(self, record: logging.LogRecord) -> None:
        """Send a log record."""
        self._send({"logger": record.name, "level": record.levelno, "text": record.getMessage()})

    def _send(self, message: dict[str, Any]) -> None:
        with self._path.open("ab", buffering=0) as file:
            file.write(f"{json.dumps(message)}\n".encode())


def read_messages(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """Give, again and again, the messages that came since; a line still being written comes the next time."""
    offset = 0
    while True:
        block = b""
        with contextlib.suppress(FileNotFoundError), (folder / _MESSAGES_FILE).open("rb") as file:
            file.seek(offset)
            block = file.read()
        whole = block[: block.rfind(b"\n") + 1]
        offset += len(whole)
        yield [json.loads(line) for line in whole.splitlines()]
