"""Plain HTTP to an MLflow tracking server: one request in, one JSON answer or one clear error out.

`registry` and `downloads` speak through this room; it needs no `import mlflow` (2 to 12 s). Only http and https
addresses are spoken to; user, password or token come from MLflow's own environment variables. Nothing is asked again
unless it never reached the server.
"""

import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from gptmodel.errors import GPTModelError, RegistryError, ServerError

# A missing alias is answered as an invalid parameter, told apart by its words alone.
_NO_ALIAS = re.compile(r"alias \S+ not found")

# How MLflow's client words an answer that is not JSON.
_REFUSED = re.compile(r"failed with error code (401|403)\b")

_log = logging.getLogger(__name__)

# An MLflow server on a busy machine may take seconds to answer, but one that is away is told within 2 s, one that
# hangs within 15 s.
_TIMEOUT = httpx.Timeout(15.0, connect=3.0)
_PAGE_ROWS = 1000
PAUSES = (0.2, 0.6, 1.2)  # seconds before a connection is tried again


# Set before MLflow is imported or called, unless the user set them. MLflow's own 7 retries with a timeout of 120 s
# leave a run hanging for many minutes on a server that is away. `ensure_server` has told a dead server before; what is
# left for these is a server that dies between two requests (0 + 2 s) and a busy one that is slow.
_CALM = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0.5",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",  # else a uv.lock of the working directory is copied into the model
}


class Missing(RegistryError):
    """The server answered that the thing does not exist."""


class ServerAway(ServerError):
    """Nothing answered as an MLflow server would: it may answer later, where a refusal stays one."""


def ensure_server(uri: str) -> None:
    """Make sure that a server answers, trying four times; any answer will do, for a gateway may hide `/health`.

    Raises:
        ServerError: Nothing answers, within about 2 s for a closed port and 12 s for one that hangs.
    """
    for pause in (*PAUSES, None):
        try:
            with open_http(uri, timeout=2.0) as http:
                http.get("/health")
            return
        except httpx.HTTPError as error:
            if pause is None:
                raise server_away(uri, reason_of(error)) from error
            time.sleep(pause)


@contextmanager
def open_http(uri: str, timeout: float | httpx.Timeout) -> Iterator[httpx.Client]:
    """Open a client for one server, with the user or token of the environment.

    Args:
        uri: Address of the tracking server.
        timeout: Seconds a single step of a request may take.

    Raises:
        ServerError: The address is not one of an HTTP server.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServerError(
            expected="the address of an MLflow server (http://HOST:PORT)",
            actual=repr(shown(uri)),
            mend="Set MLFLOW_TRACKING_URI to such an address, or unset it to use the local server.",
        )
    # A proxy from the environment has no business on loopback.
    outside = parts.hostname not in ("127.0.0.1", "localhost", "::1")
    # Reading the machine's certificates takes longer than a request, and plain http needs none.
    secure = parts.scheme == "https"
    with httpx.Client(
        base_url=uri.rstrip("/"),
        timeout=timeout,
        headers=_authorization(),
        auth=_user(),
        trust_env=outside,
        verify=secure,
    ) as http:
        yield http


def shown(uri: str) -> str:
    """Give an address without the user and password it may carry."""
    head, at, tail = uri.rpartition("@")
    return f"{head.partition('://')[0]}://{tail}" if at else uri


def _user() -> tuple[str, str] | None:
    name, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
    return (name, password) if name and password else None


def _authorization() -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token and _user() is None else {}


def call(uri: str, method: Literal["GET", "POST", "PATCH", "DELETE"], route: str, data: Any) -> dict[str, Any]:
    """Ask the tracking server's REST API once and give its JSON answer.

    Args:
        uri: Address of the tracking server.
        method: HTTP method; with GET the data goes into the query, else into the body.
        route: Path below `/api/2.0/mlflow/`.
        data: The request's fields.

    Raises:
        Missing: The server answered that the thing does not exist.
        ServerError: It does not answer, or refuses.
    """
    path = f"/api/2.0/mlflow/{route}"
    query, body = (data, None) if method == "GET" else (None, data)
    with open_http(uri, timeout=_TIMEOUT) as http:
        for pause in (*PAUSES, None):
            try:
                return _read(uri, http.request(method, path, params=query, json=body))
            except httpx.TransportError as error:
                # Asked again only where nothing reached the server; an answer lost on its way is not guessed at.
                if pause is None or not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                    raise server_away(uri, reason_of(error)) from error
                _log.debug("asking the MLflow server again in %.1f s", pause)
                time.sleep(pause)
    raise server_away(uri, "no answer")


def pages(uri: str, route: str, key: str, query: Mapping[str, Any] = {}) -> Iterator[dict[str, Any]]:
    """Give the rows of a list that the server hands out page by page.

    Args:
        uri: Address of the tracking server.
        route: Path below `/api/2.0/mlflow/`.
        key: Name of the list in the answer.
        query: The request's fields, the page aside.

    Raises:
        ServerError: The server does not answer, or refuses.
    """
    token = ""
    while True:
        answer = call(uri, "GET", route, {**query, "max_results": _PAGE_ROWS, "page_token": token})
        yield from answer.get(key, [])
        token = answer.get("next_page_token", "")
        if not token:
            return


def _read(uri: str, answer: httpx.Response) -> dict[str, Any]:
    try:
        data = answer.json()
    except ValueError:
        data = None
    if answer.status_code == 200 and isinstance(data, dict):
        return data
    if answer.status_code in (401, 403):
        raise not_let_in(uri, answer.status_code)
    if isinstance(data, dict) and "error_code" in data:
        if data["error_code"] == "RESOURCE_DOES_NOT_EXIST" or _NO_ALIAS.search(data.get("message", "")):
            raise Missing(
                expected=f"{shown(uri)} to know what was asked for",
                actual=data.get("message", "")[:300],
                mend="`gptmodel status` names the champion; the MLflow UI lists runs and versions.",
            )
        raise ServerError(
            expected=f"{shown(uri)} to accept the request",
            actual=f"{data['error_code']}: {data.get('message', '')[:300]}",
            mend="Look into the MLflow server's log.",
        )
    raise server_away(uri, f"HTTP {answer.status_code} that is not MLflow's")


def reason_of(error: httpx.HTTPError) -> str:
    """Say in a few words why a request failed."""
    return type(error).__name__ + (f" ({error})" if str(error) else "")


def not_let_in(uri: str, status: int) -> ServerError:
    """Make the error for a server that asks for another user, password or token, or for another host."""
    return ServerError(
        expected=f"{shown(uri)} to let us in",
        actual=f"HTTP {status}",
        mend="Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN; "
        "on the server, MLFLOW_SERVER_ALLOWED_HOSTS must name its host.",
    )


def server_away(uri: str, what: str) -> ServerAway:
    """Make the error for a server that does not answer as an MLflow server would."""
    return ServerAway(
        expected=f"the MLflow server at {shown(uri)} to answer",
        actual=what,
        mend="Start it with `gptmodel up` (or check MLFLOW_TRACKING_URI), then type the same command again.",
    )


def calm_mlflow() -> None:
    """Set what keeps MLflow's own client quiet and quick to give up, before it is imported or called."""
    for key, value in _CALM.items():
        os.environ.setdefault(key, value)


def explain(uri: str, code: str, message: str) -> GPTModelError:
    """Turn an error of MLflow's own client into one of ours."""
    if code == "RESOURCE_DOES_NOT_EXIST":
        return RegistryError(
            expected=f"the MLflow server at {shown(uri)} to know the run or model",
            actual=message[:300],
            mend="It was deleted, or belongs to another server: run the pipeline again.",
        )
    if refused := _REFUSED.search(message):
        return not_let_in(uri, int(refused.group(1)))
    if message.startswith("API request to") and "failed with" in message:
        return server_away(uri, "no answer in time" if "timeout" in message else "the connection was refused or lost")
    return ServerError(
        expected=f"the MLflow server at {shown(uri)} to accept the request",
        actual=f"{code}: {message[:300]}",
        mend="Look into the MLflow server's log.",
    )
