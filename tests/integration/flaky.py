"""A proxy before a tracking server that breaks off where it is told to: an upload midway, an answer on its way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

_PASSED_ON = {"content-type", "authorization", "accept"}


@dataclass
class Flaky:
    """What the proxy does and saw.

    Attributes:
        uri: Its address.
        is_away: Whether it hangs up on whoever comes.
        broken_uploads: Uploads still to be broken off in the middle, by the end of their path.
        lost_answers: Answers still to be lost after the server has done what was asked, by the end of the path.
        seen: Method and path of each request, in order.
    """

    uri: str = ""
    is_away: bool = False
    broken_uploads: dict[str, int] = field(default_factory=dict)
    lost_answers: dict[str, int] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)


def _takes(counts: dict[str, int], path: str) -> bool:
    for end, count in counts.items():
        if count and path.partition("?")[0].endswith(end):
            counts[end] -= 1
            return True
    return False


@contextmanager
def flaky_proxy(target: str) -> Iterator[Flaky]:
    """Put a proxy before a server."""
    flaky = Flaky()

    class Handler(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            if flaky.is_away:
                self.connection.close()
                return
            flaky.seen.append(f"{self.command} {self.path.partition('?')[0]}")
            length = int(self.headers.get("Content-Length") or 0)
            if self.command == "PUT" and _takes(flaky.broken_uploads, self.path):
                self.rfile.read(length // 2)
                self.connection.close()
                return
            headers = {key: value for key, value in self.headers.items() if key.lower() in _PASSED_ON}
            answer = httpx.request(
                self.command, target + self.path, content=self.rfile.read(length), headers=headers, timeout=60
            )
            if _takes(flaky.lost_answers, self.path):
                self.connection.close()
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    flaky.uri = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield flaky
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
