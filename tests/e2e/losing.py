"""Run the command and lose a server on the way: `losing.py mlflow|prefect GONE BACK ARGUMENTS...`.

A proxy of the test's own stands between the command and the real server and stops, as the server itself would, when the
stage GONE is committed, or in the middle of the training (`training`); it answers again when BACK is committed
(`never`: it does not).
"""

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from flows.cli import main
from gptmodel import store
from gptmodel.checkpoint_writer import CheckpointWriter

VARIABLES = {"mlflow": "MLFLOW_TRACKING_URI", "prefect": "PREFECT_API_URL"}
_NUM_CHECKPOINTS = 2  # of the training, after which it is in its middle


class Proxy:
    """Passes bytes between two sockets until it is stopped."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: list[socket.socket] = []
        self.port = 0
        self.start()

    def start(self) -> None:
        """Let in whoever comes, at the same port each time."""
        self._door = socket.create_server(("127.0.0.1", self.port))
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._serve, args=(self._door,), daemon=True).start()

    def stop(self) -> None:
        """Refuse whoever comes and hang up on whoever is there."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _serve(self, door: socket.socket) -> None:
        while True:
            try:
                near, _ = door.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def lose(who: str, gone: str, back: str) -> None:
    """Put the proxy in between, and stop and start it."""
    address = urlsplit(os.environ[VARIABLES[who]])
    proxy = Proxy(str(address.hostname), int(address.port or 80))
    os.environ[VARIABLES[who]] = address._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()

    def stop() -> None:
        # Not before: Prefect reads its settings when it is imported, and they are not set yet.
        import prefect.client.base

        import flows.delivery

        flows.delivery.PATIENCE_SECONDS = 1.0
        prefect.client.base.PREFECT_CLIENT_MAX_RETRIES = SimpleNamespace(value=lambda: 0)  # each request waits else
        proxy.stop()

    _at_commit(gone, stop)
    _at_commit(back, proxy.start)
    if gone == "training":
        _at_checkpoint(stop)


def _at_commit(stage: str, do: Callable[[], None]) -> None:
    commit = store.Store.commit

    def committing(self: store.Store, work: store.Workspace, manifest: store.Manifest) -> Any:
        output = commit(self, work, manifest)
        if manifest.stage == stage:
            do()
        return output

    store.Store.commit = committing  # type: ignore[method-assign]


def _at_checkpoint(do: Callable[[], None]) -> None:
    save, seen = CheckpointWriter.save, []

    def saving(writer: CheckpointWriter, *positional: Any, **named: Any) -> None:
        save(writer, *positional, **named)
        seen.append(writer)
        if len(seen) == _NUM_CHECKPOINTS:
            do()

    CheckpointWriter.save = saving  # type: ignore[method-assign]


if __name__ == "__main__":
    lose(*sys.argv[1:4])
    main(sys.argv[4:])
