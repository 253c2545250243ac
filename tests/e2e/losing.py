"""Run the command; from the commit of the tokenizer stage on a server is away: `losing.py mlflow|prefect ...`.

A proxy of the test's own stands between the command and the real server and stops, as the server itself would.
"""

import contextlib
import os
import socket
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

from flows.cli import main
from gptmodel import store

VARIABLES = {"mlflow": "MLFLOW_TRACKING_URI", "prefect": "PREFECT_API_URL"}


class Proxy:
    """Passes bytes between two sockets until it is stopped."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        """Refuse whoever comes and hang up on whoever is there."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
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


def lose(who: str) -> None:
    """Put the proxy in between and stop it at the tokenizer's commit."""
    address = urlsplit(os.environ[VARIABLES[who]])
    proxy = Proxy(str(address.hostname), int(address.port or 80))
    os.environ[VARIABLES[who]] = address._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()
    commit = store.Store.commit

    def committing(self: store.Store, work: store.Workspace, manifest: store.Manifest) -> Any:
        output = commit(self, work, manifest)
        if manifest.stage == "tokenizer":
            proxy.stop()
        return output

    store.Store.commit = committing  # type: ignore[method-assign]


if __name__ == "__main__":
    lose(sys.argv[1])
    main(sys.argv[2:])
