"""Servers of the tests' own: on loopback, on free ports, in temporary folders."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

# Nothing here uses the job runner, which costs the start of ten processes.
_LEAN = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


@dataclass
class RunningServer:
    """A server of the tests' own.

    Attributes:
        uri: Its address.
        folder: Where its database and artifacts lie.
        command: What starts it.
        environment: More variables of its environment.
        process: Its process, leader of its own group.
    """

    uri: str
    folder: Path
    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start it, or start it again at the same address, and wait until it answers."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=os.environ | _LEAN | self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        wait_until_healthy(self, 240)

    def stop(self) -> None:
        """End the whole group: MLflow's server has children."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_mlflow(folder: Path, *options: str, environment: Mapping[str, str] = {}) -> RunningServer:
    """Start a tracking server and wait until it answers.

    Args:
        folder: Where its database, its artifacts and its log are to lie.
        options: More options of `mlflow server`.
        environment: More variables of its environment.
    """
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/artifacts",
        *options,
    ]  # fmt: skip
    server = RunningServer(f"http://127.0.0.1:{port}", folder, command, environment)
    server.start()
    return server


def wait_until_healthy(server: RunningServer, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.process.poll() is not None:
            break
        try:
            if httpx.get(f"{server.uri}/health", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    server.stop()
    pytest.fail(f"the server at {server.uri} did not start:\n{(server.folder / 'server.log').read_text()[-2000:]}")
