"""Run the command and kill it at one of its requests to MLflow: `killing.py BEFORE|AFTER PATTERN NUMBER ARGUMENTS...`.

Counted are the requests that change something on the server and whose "METHOD path" holds the pattern, from the moment
the stage register has been entered. AFTER: the server has answered, the command has not read it. Every request is
written to the file that KILLING_LOG names, so that a round without a kill tells what there is to kill at.
"""

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import requests

from flows.cli import main
from flows.run import Run

OPEN = re.compile(r"/(search|get|list)\b")  # asks, although by POST


class Killer:
    """Counts requests and strikes at one of them."""

    def __init__(self, when: str, pattern: str, number: int) -> None:
        self._when, self._pattern, self._number = when, re.compile(pattern), number
        self._log = Path(os.environ.get("KILLING_LOG", os.devnull))
        self._num_seen = 0
        self.is_armed = False

    def wrap(self, send: Callable[..., Any]) -> Callable[..., Any]:
        """Give `send(client, request, ...)` with the strike before or after it."""

        def sending(client: Any, request: Any, **named: Any) -> Any:
            strikes = self.is_armed and self._meets(request.method, str(request.url))
            if strikes and self._when == "BEFORE":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = send(client, request, **named)
            if strikes:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return sending

    def _meets(self, method: str, url: str) -> bool:
        what = f"{method} {urlsplit(url).path}"
        if method == "GET" or "mlflow" not in what or OPEN.search(what) or not self._pattern.search(what):
            return False
        with self._log.open("a") as log:
            log.write(what + "\n")
        self._num_seen += 1
        return self._num_seen == self._number


def kill_at(when: str, pattern: str, number: int) -> None:
    """Arrange for the kill."""
    killer, stage = Killer(when, pattern, number), Run.stage

    def staging(self: Run, name: str, *positional: Any, **named: Any) -> Any:
        killer.is_armed = killer.is_armed or name == "register"
        return stage(self, name, *positional, **named)

    Run.stage = staging  # type: ignore[method-assign]
    httpx.Client.send = killer.wrap(httpx.Client.send)  # type: ignore[method-assign]
    requests.Session.send = killer.wrap(requests.Session.send)  # type: ignore[method-assign]


if __name__ == "__main__":
    kill_at(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    main(sys.argv[4:])
