"""Open runs of a home: one small file each, so that a run whose process died is closed by the next command.

Prefect would show it as Running and MLflow as RUNNING for ever. A run that ended while MLflow was away stays here with
its true end until the server has been told. A machine closes its own runs, for it can't see another's processes, and
those that Prefect says are over. Plain HTTP: neither library is imported.
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

from flows import stack
from flows.home import Home
from gptmodel.errors import GPTModelError, ServerError
from gptmodel.open_runs import EXPERIMENT, End, close_open_runs
from gptmodel.rebuilding import is_rebuilding
from gptmodel.store import is_alive, write_synced

_UNFINISHED = {"RUNNING", "PENDING", "SCHEDULED", "PAUSED", "CANCELLING"}

Fields = dict[str, Any]


class Entry:
    """The file of one open run.

    Attributes:
        path: The file; it is there as long as the run is open, or as long as a server has to be told how it ended.
        ends: How runs in MLflow ended that could not be told there, by run id.
    """

    def __init__(self, home: Home, flow_run_id: str, addresses: stack.Addresses) -> None:
        """Write the file.

        Args:
            home: The home.
            flow_run_id: The Prefect run.
            addresses: Its servers; those of the home itself are not remembered by their address, which may change.
        """
        self.path = home.runs_dir / f"{flow_run_id}.json"
        self.ends: dict[str, End] = {}
        start = psutil.Process().create_time()
        self._fields: Fields = {
            "flow_run_id": flow_run_id, "host": socket.gethostname(), "pid": os.getpid(), "start": start,
            "prefect": _outside(home, "prefect", addresses.prefect_ui),
            "mlflow": _outside(home, "mlflow", addresses.mlflow),
            "is_in_mlflow": False, "is_over": False,
        }  # fmt: skip
        with _held(home, fcntl.LOCK_SH):
            self._save()

    def note_mlflow(self) -> None:
        """Remember that there are runs in MLflow that have to be closed with this one."""
        self._set(is_in_mlflow=True)

    def note_end(self, run_id: str, end: End) -> None:
        """Remember how a run in MLflow ended that could not be told there."""
        self.ends[run_id] = end
        self._save()

    def forget_end(self, run_id: str) -> None:
        """MLflow knows how a run ended."""
        if self.ends.pop(run_id, None):
            self._save()

    def close(self) -> None:
        """The run ended by itself."""
        if self.ends:
            self._set(is_over=True)
        else:
            self.path.unlink(missing_ok=True)

    def _set(self, **fields: bool) -> None:
        self._fields |= fields
        self._save()

    def _save(self) -> None:
        write_synced(self.path, json.dumps(self._fields | {"ends": self.ends}))


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


def is_any_open(home: Home, besides: Entry | None = None) -> bool:
    """Tell whether a run of this home may be going on."""
    paths = set(home.runs_dir.glob("*.json")) - ({besides.path} if besides else set())
    return any(not (fields := _read(path)) or not _is_over(fields) for path in paths)


def is_in_use(home: Home) -> bool:
    """Tell whether a run of this home may be going on, or a rebuild of one of its versions."""
    return is_any_open(home) or is_rebuilding(home.rebuilds_dir)


def close_dead_runs(home: Home) -> int:
    """Close runs whose process is gone: Crashed in Prefect, KILLED in MLflow unless their end is known.

    An entry stays for the next call if a server does not answer.

    Returns:
        How many interrupted runs were closed.
    """
    closed = 0
    for path in sorted(home.runs_dir.glob("*.json")):
        fields = _read(path)
        if fields is None:
            continue
        try:
            if not _is_over(fields) and not _is_over_elsewhere(home, fields):
                continue
            _close(home, fields)
        except (GPTModelError, httpx.HTTPError):
            continue
        path.unlink(missing_ok=True)
        closed += not fields.get("is_over", False)
    return closed


def _close(home: Home, fields: Fields) -> None:
    if fields.get("is_in_mlflow", True):
        ends = {run_id: End(*end) for run_id, end in fields.get("ends", {}).items()}
        close_open_runs(_address(home, "mlflow", fields), EXPERIMENT, fields["flow_run_id"], ends)
    if _is_gone(fields):
        _crash_flow_run(_address(home, "prefect", fields), fields["flow_run_id"])


def _read(path: Path) -> Fields | None:
    try:
        fields: Fields = json.loads(path.read_text())
        return fields if {"flow_run_id", "host", "pid", "start"} <= fields.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def _is_over(fields: Fields) -> bool:
    return bool(fields.get("is_over")) or _is_gone(fields)


def _is_gone(fields: Fields) -> bool:
    try:
        return fields["host"] == socket.gethostname() and not is_alive(fields["pid"], fields["start"])
    except TypeError:
        return False


def _is_over_elsewhere(home: Home, fields: Fields) -> bool:
    """Ask Prefect whether another machine's run has ended: a container that starts anew is another machine."""
    if fields["host"] == socket.gethostname():
        return False
    return _flow_run_state(_address(home, "prefect", fields), fields["flow_run_id"]) not in {None, *_UNFINISHED}


def _outside(home: Home, name: str, url: str) -> str | None:
    return None if url == stack.own_address(home, name) else url


def _address(home: Home, name: str, fields: Fields) -> str:
    url = fields.get(name) or stack.own_address(home, name)
    if url is None:  # whoever listens at its last address may be another home's server
        raise ServerError(expected=f"this home's {name} server to run", actual="it does not", mend="gptmodel up")
    return str(url)


def _prefect(url: str) -> httpx.Client:
    named = os.environ.get("PREFECT_API_AUTH_STRING")
    headers = {"Authorization": f"Basic {base64.b64encode(named.encode()).decode()}"} if named else {}
    return httpx.Client(base_url=f"{url}/api", headers=headers, timeout=10, trust_env=False)


def _flow_run_state(url: str, flow_run_id: str) -> str | None:
    with _prefect(url) as client:
        answer = client.get(f"/flow_runs/{flow_run_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        return str(answer.json().get("state_type"))


def _crash_flow_run(url: str, flow_run_id: str) -> None:
    if _flow_run_state(url, flow_run_id) not in _UNFINISHED:
        return
    state = {"type": "CRASHED", "name": "Crashed", "message": "Its process ended without a word."}
    with _prefect(url) as client:
        client.post(f"/flow_runs/{flow_run_id}/set_state", json={"state": state, "force": True}).raise_for_status()
