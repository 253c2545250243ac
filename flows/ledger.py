"""Open runs of a home: one small file each, so that a run whose process died is closed by the next command.

Prefect would show it as Running and MLflow as RUNNING for ever. A machine closes its own runs only, for it can't see
another's processes. Plain HTTP: neither library is imported.
"""

import base64
import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

from flows.home import Home
from gptmodel.errors import GPTModelError
from gptmodel.registry import close_left_open
from gptmodel.store import is_alive, write_synced

_UNFINISHED = {"RUNNING", "PENDING", "SCHEDULED", "PAUSED", "CANCELLING"}


class Entry:
    """The file of one open run.

    Attributes:
        path: The file; it is there exactly as long as the run is open.
    """

    def __init__(self, home: Home, flow_run_id: str) -> None:
        self.path = home.runs_dir / f"{flow_run_id}.json"
        start = psutil.Process().create_time()
        self._fields: dict[str, Any] = {
            "flow_run_id": flow_run_id, "host": socket.gethostname(), "pid": os.getpid(), "start": start,
        }  # fmt: skip
        with _held(home, fcntl.LOCK_SH):
            self._save()

    def note_mlflow_run(self, run_id: str) -> None:
        """Remember the MLflow run that has to be closed with this one."""
        self._fields["mlflow_run_id"] = run_id
        self._save()

    def close(self) -> None:
        """The run ended by itself."""
        self.path.unlink(missing_ok=True)

    def _save(self) -> None:
        write_synced(self.path, json.dumps(self._fields))


@contextlib.contextmanager
def closed_to_runs(home: Home) -> Iterator[None]:
    """Keep runs of this home from opening; one that starts meanwhile waits until it is over."""
    with _held(home, fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def _held(home: Home, how: int) -> Iterator[None]:
    with (home.root / "runs.lock").open("w") as file:
        fcntl.flock(file, how)
        yield


def close_dead_runs(home: Home, prefect_api: str, mlflow_uri: str) -> int:
    """Close this machine's runs whose process is gone: Crashed in Prefect, KILLED in MLflow; return how many.

    An entry stays for the next call if a server does not answer.
    """
    dead = [(path, fields) for path in home.runs_dir.glob("*.json") if (fields := _dead(path))]
    closed = 0
    for path, fields in dead:
        try:
            if run_id := fields.get("mlflow_run_id"):
                close_left_open(mlflow_uri, [run_id])
            _crash_flow_run(prefect_api, fields["flow_run_id"])
        except (GPTModelError, httpx.HTTPError):
            continue
        path.unlink(missing_ok=True)
        closed += 1
    return closed


def _dead(path: Path) -> dict[str, Any] | None:
    try:
        fields: dict[str, Any] = json.loads(path.read_text())
        is_ours = fields["host"] == socket.gethostname()
        return fields if is_ours and not is_alive(fields["pid"], fields["start"]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _authorization() -> dict[str, str]:
    named = os.environ.get("PREFECT_API_AUTH_STRING")
    return {"Authorization": f"Basic {base64.b64encode(named.encode()).decode()}"} if named else {}


def _crash_flow_run(prefect_api: str, flow_run_id: str) -> None:
    with httpx.Client(base_url=prefect_api, headers=_authorization(), timeout=10, trust_env=False) as client:
        answer = client.get(f"/flow_runs/{flow_run_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return
        answer.raise_for_status()
        if answer.json().get("state_type") not in _UNFINISHED:
            return
        state = {"type": "CRASHED", "name": "Crashed", "message": "Its process ended without a word."}
        client.post(f"/flow_runs/{flow_run_id}/set_state", json={"state": state, "force": True}).raise_for_status()
