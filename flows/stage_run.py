"""A stage's run in MLflow, nested in the pipeline's, which a server that is away never keeps from its work.

It is opened as soon as the server answers, from the stage's own thread or from the one that tells its metrics.
"""

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from gptmodel import tracking
from gptmodel.errors import GPTModelError
from gptmodel.open_runs import End, now_ms


class Begun(NamedTuple):
    """A run of an earlier flow run, to which not all could be told."""

    run_id: str
    """The MLflow run."""
    end: End
    """How its work ended."""


class StageRun:
    """One stage's run.

    Attributes:
        run_id: The MLflow run; None as long as no server answered.
        started_ms: When the stage began, milliseconds since the epoch.
        end: How its work ended; None as long as it goes on.
    """

    def __init__(self, uri: str, open_run: Callable[[int], str], begun: Begun | None = None) -> None:
        """Make the record of a run.

        Args:
            uri: The tracking server.
            open_run: Opens the run with its start in milliseconds since the epoch, and gives its id.
            begun: A run that was opened before, which is gone on with.
        """
        self.run_id = begun.run_id if begun else None
        self.end = begun.end if begun else None
        self.started_ms = now_ms()
        self._uri, self._open_run = uri, open_run
        self._lock = threading.RLock()
        self._offset = 0  # bytes of the metrics file that the server has

    def open(self) -> str:
        """Give the run's id, opened on first use.

        Raises:
            ServerError: The server does not answer or refuses.
        """
        with self._lock:
            if self.run_id is None:
                self.run_id = self._open_run(self.started_ms)
            return self.run_id

    def send_metrics(self, path: Path) -> None:
        """Send what the metrics file has beyond what was sent; after an error, the file is still the spool.

        Raises:
            ServerError: The server does not answer or refuses.
        """
        with self._lock:
            if path.exists():
                self._offset = tracking.deliver_metrics(self._uri, self.open(), path, self._offset)

    def try_metrics(self, path: Path) -> None:
        """Send what the metrics file has, if the server takes it at once."""
        with contextlib.suppress(GPTModelError, OSError):
            self.send_metrics(path)
