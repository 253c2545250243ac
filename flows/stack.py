"""The local servers of a home: Prefect, MLflow and a process worker on loopback; start, health, stop.

What runs is remembered in `servers.json` with pid and start time, so that `down` ends exactly what `up` started.
Addresses set from outside (PREFECT_API_URL, MLFLOW_TRACKING_URI) are used as they are and never started or stopped.
Nothing of Prefect or MLflow is imported here.
"""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import psutil

from flows.home import Home
from gptmodel.errors import ConfigError, ServerError
from gptmodel.keys import PSEUDONYM_KEY, PSEUDONYM_KEY_FILE
from gptmodel.mlflow_http import server_away
from gptmodel.store import is_alive, write_synced

WORK_POOL = "gptmodel"
HOST = "127.0.0.1"
FIRST_PORTS = {"prefect": 4200, "mlflow": 5000}
HEALTH_PATHS = {"prefect": "/api/health", "mlflow": "/health"}
START_SECONDS = 120.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Process:
    """One process that `up` started.

    Attributes:
        pid: Process id.
        start: Start time in seconds since the epoch; with the pid it names the process for good.
        port: Port it listens on; None for the worker.
    """

    pid: int
    start: float
    port: int | None = None

    @property
    def alive(self) -> bool:
        """True while this very process runs."""
        return is_alive(self.pid, self.start)


@dataclass(frozen=True)
class Addresses:
    """Where the two servers answer.

    Attributes:
        prefect_api: Prefect's API, ending in `/api`.
        mlflow: MLflow's tracking server.
        started: Names of the servers this call started.
    """

    prefect_api: str
    mlflow: str
    started: tuple[str, ...] = ()

    @property
    def prefect_ui(self) -> str:
        """Prefect's dashboard."""
        return self.prefect_api.removesuffix("/api")


def client_environment(home: Home, addresses: Addresses | None = None) -> dict[str, str]:
    """Give the environment that Prefect's and MLflow's clients and servers run in: this home, no telemetry, JSON."""
    fixed = {
        "GPTMODEL_HOME": str(home.root),
        "PREFECT_HOME": str(home.prefect_dir),
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "gptmodel",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_HANDLERS_DEBUG_LEVEL": "CRITICAL",
        # A server that went away is told within seconds; the default five retries take a minute for each request.
        "PREFECT_CLIENT_MAX_RETRIES": "2",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_CLI_COLORS": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # The job runner serves MLflow's GenAI scorers, which nothing here uses; it costs ten processes and 2 GB.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GX_ANALYTICS_ENABLED": "false",
        # Two busy waiting threads on a loaded machine slow each other down by a factor of twenty.
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "passive"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TORCHINDUCTOR_CACHE_DIR": str(home.cache_dir / "inductor"),
    }
    if addresses is not None:
        fixed |= {"PREFECT_API_URL": addresses.prefect_api, "MLFLOW_TRACKING_URI": addresses.mlflow}
    return fixed


def up(home: Home, say: Say, *, worker: bool = True) -> Addresses:
    """Start what is not running, wait until it is healthy, and give the true addresses.

    Raises:
        ServerError: A server does not answer; the message names its log.
    """
    with _one_at_a_time(home):
        running = _running(home)
        started = tuple(name for name in FIRST_PORTS if name not in running and _outside(name) is None)
        for name in started:
            running[name] = _start_server(home, name, say)
            _remember(home, running)
        addresses = Addresses(_address("prefect", running) + "/api", _address("mlflow", running), started)
        _wait_until_healthy(home, addresses, running)
        if worker and "worker" not in running:
            running["worker"] = _start(home, "worker", _worker_command(), addresses)
            _remember(home, running)
    return addresses


def down(home: Home) -> list[str]:
    """Stop what `up` started, worker first, and give the names of what was running."""
    with _one_at_a_time(home):
        running = _running(home)
        names: list[str] = [name for name in ("worker", "prefect", "mlflow") if name in running]
        for name in names:
            _end(running.pop(name))
            _remember(home, running)
    return names


def addresses(home: Home) -> Addresses:
    """Give the addresses as remembered, whether or not anything answers there."""
    running = _running(home)
    return Addresses(_address("prefect", running) + "/api", _address("mlflow", running))


def registry_address(home: Home) -> str:
    """Give the address of the MLflow server to ask for models.

    Raises:
        ServerError: It is this home's own server and does not run; what else may listen at that address, such as the
            server of another home, is not asked.
    """
    uri = addresses(home).mlflow
    if _outside("mlflow") is None and not is_running(home, "mlflow"):
        raise server_away(uri, "nothing: this home's server is not running")
    return uri


def own_address(home: Home, name: str) -> str | None:
    """Give the address of this home's own `prefect` or `mlflow` server, whatever the environment names, if it runs."""
    running = _running(home)
    return f"http://{HOST}:{running[name].port}" if name in running else None


def is_running(home: Home, name: str) -> bool:
    """Tell whether `prefect`, `mlflow` or `worker` of this home runs; for an outside address, whether it answers."""
    if outside := _outside(name):
        return _answers(outside, name)
    return name in _running(home)


def _outside(name: str) -> str | None:
    url = _named(name)
    if url and "@" in url.partition("//")[2].partition("/")[0]:
        raise ConfigError(
            expected="an address without user and password: addresses are shown on both dashboards",
            actual="an address that holds them",
            mend="Use MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or PREFECT_API_AUTH_STRING.",
        )
    return url


def _named(name: str) -> str | None:
    if name == "prefect":
        url = os.environ.get("PREFECT_API_URL")
        return url.rstrip("/").removesuffix("/api") if url else None
    return os.environ.get("MLFLOW_TRACKING_URI", "").rstrip("/") or None if name == "mlflow" else None


def _address(name: str, running: dict[str, Process]) -> str:
    if outside := _outside(name):
        return outside
    port = running[name].port if name in running else FIRST_PORTS[name]
    return f"http://{HOST}:{port}"


def _running(home: Home) -> dict[str, Process]:
    return {name: process for name, process in _remembered(home).items() if process.alive}


def _remembered(home: Home) -> dict[str, Process]:
    try:
        return {name: Process(**fields) for name, fields in json.loads(_file(home).read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _remember(home: Home, running: dict[str, Process]) -> None:
    # Ports of what is down stay, so that the next start answers at the same address.
    known = {name: process for name, process in _remembered(home).items() if process.port} | running
    write_synced(_file(home), json.dumps({name: asdict(process) for name, process in known.items()}, indent=1))


def _file(home: Home) -> Path:
    return home.root / "servers.json"


@contextlib.contextmanager
def _one_at_a_time(home: Home) -> Iterator[None]:
    with (home.root / "servers.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start_server(home: Home, name: str, say: Say) -> Process:
    remembered = _remembered(home).get(name)
    wanted = (remembered.port if remembered else None) or FIRST_PORTS[name]
    port = _free_port(wanted)
    if port != wanted:
        say(f"Port {wanted} is taken by another process{_holder(wanted)}; using {port}")
    command = _prefect_command(port) if name == "prefect" else _mlflow_command(home, port)
    return _start(home, name, command, None, port)


def _prefect_command(port: int) -> list[str]:
    return [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]


def _mlflow_command(home: Home, port: int) -> list[str]:
    database = f"sqlite:///{home.mlflow_dir / 'mlflow.db'}"
    return [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database,
        "--artifacts-destination", str(home.mlflow_dir / "artifacts"),
        "--host", HOST, "--port", str(port), "--workers", "1",
    ]  # fmt: skip


def _worker_command() -> list[str]:
    return [sys.executable, "-m", "prefect", "worker", "start", "--pool", WORK_POOL, "--type", "process"]


def _start(home: Home, name: str, command: list[str], where: Addresses | None, port: int | None = None) -> Process:
    environment = {key: value for key, value in os.environ.items() if key not in _CLIENT_ONLY or where}
    environment |= client_environment(home, where)
    if name == "prefect":
        environment["PREFECT_UI_API_URL"] = environment["PREFECT_SERVER_UI_API_URL"] = f"http://{HOST}:{port}/api"
    with (home.logs_dir / f"{name}.log").open("a") as log:
        # A session of its own: Ctrl-C in the terminal ends the run, not the servers.
        child = subprocess.Popen(
            command, cwd=home.root, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    return Process(child.pid, psutil.Process(child.pid).create_time(), port)


# The servers need none of these; a worker, which makes runs, does.
_CLIENT_ONLY = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", PSEUDONYM_KEY, PSEUDONYM_KEY_FILE)


def _wait_until_healthy(home: Home, where: Addresses, running: dict[str, Process]) -> None:
    urls = {"prefect": where.prefect_ui, "mlflow": where.mlflow}
    deadline = time.monotonic() + START_SECONDS
    waiting = list(urls)
    while waiting:
        waiting = [name for name in waiting if not _answers(urls[name], name)]
        for name in waiting:
            dead = name in running and not running[name].alive
            if dead or name not in running or time.monotonic() > deadline:
                raise _no_answer(home, name, urls[name], dead)
        if waiting:
            time.sleep(0.2)


def _no_answer(home: Home, name: str, url: str, dead: bool) -> ServerError:
    title = "Prefect" if name == "prefect" else "MLflow"
    if _outside(name):
        variable = "PREFECT_API_URL" if name == "prefect" else "MLFLOW_TRACKING_URI"
        mend = f"Start that server, or unset {variable} to use the local one."
    else:
        mend = f"See {home.logs_dir / name}.log, then: gptmodel down, gptmodel up"
    actual = "it ended while starting" if dead else "no answer"
    return ServerError(expected=f"the {title} server to answer at {url}", actual=actual, mend=mend)


def _answers(url: str, name: str) -> bool:
    try:
        return httpx.get(url + HEALTH_PATHS[name], timeout=5, trust_env=False).status_code == httpx.codes.OK
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def _free_port(wanted: int) -> int:
    port = wanted
    while not _is_free(port):
        port += 1
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
                return f" (pid {connection.pid})" if connection.pid else ""
    return ""


def _end(process: Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(process.pid)
        family = [*root.children(recursive=True), root]
        for member in reversed(family):
            with contextlib.suppress(psutil.NoSuchProcess):
                member.terminate()
        _, alive = psutil.wait_procs(family, timeout=15)
        for member in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(alive, timeout=5)


def disk_free_bytes(home: Home) -> int:
    """Give the free space on the home's disk in bytes."""
    return shutil.disk_usage(home.root).free
