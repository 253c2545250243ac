"""`gptmodel status`: servers, worker, champions, disk, open erasure requests, with a hint for whatever is missing."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from flows import stack
from flows.home import Home
from gptmodel import registry
from gptmodel.config_file import load_config
from gptmodel.erasure.requests import ErasureRequest, read_requests
from gptmodel.errors import GPTModelError

Champions = dict[str, str | None] | str
"""URI of each registered model's champion, None for a model without one; or why that is not known."""


@dataclass(frozen=True)
class Health:
    """How a home is.

    Attributes:
        lines: The lines a person reads.
        record: The object that `--json` prints; null for what is not there.
    """

    lines: list[str]
    record: dict[str, Any]


def check(home: Home) -> Health:
    """Look at the servers, the worker and the champion of every registered model."""
    where = stack.addresses(home)
    running = {part: stack.is_running(home, part) for part in ("prefect", "mlflow", "worker")}
    champions = _read_champions(where.mlflow) if running["mlflow"] else "MLflow is not running"
    free = stack.disk_free_bytes(home)
    requests = [_request_row(request) for request in read_requests(home.erasures_dir) if request.is_open]
    record = {
        "home": str(home.root),
        "prefect_url": where.prefect_ui if running["prefect"] else None,
        "mlflow_url": where.mlflow if running["mlflow"] else None,
        "worker": running["worker"],
        "champion": _main_champion(champions),
        "champions": None if isinstance(champions, str) else champions,
        "disk_free_bytes": free,
        "erasure_requests": requests,
    }
    lines = [
        f"home      {home.root}",
        f"Prefect   {_server(where.prefect_ui, running['prefect'])}",
        f"MLflow    {_server(where.mlflow, running['mlflow'])}",
        f"worker    {'running' if running['worker'] else 'not running; start it: gptmodel up'}",
        *(f"champion  {words}" for words in _champion_words(champions)),
        f"disk      {free / 1e9:.1f} GB free",
        *map(_request_line, requests),
    ]
    return Health(lines, record)


def _request_row(request: ErasureRequest) -> dict[str, Any]:
    return {
        "id": request.id, "opened": request.opened.isoformat(), "age_days": request.age_days(date.today()),
        "asked_by": request.asked_by, "num_documents": request.num_documents + request.num_duplicates,
    }  # fmt: skip


def _request_line(row: dict[str, Any]) -> str:
    days, documents = row["age_days"], row["num_documents"]
    age = f"open for {days} day{'s' * (days != 1)}, {documents:,} document{'s' * (documents != 1)}"
    return (
        f"erasure   request {row['id']} {age}; its state: gptmodel forget --request {row['id']}; "
        f"to close it: gptmodel run, then gptmodel forget --close {row['id']}"
    )


def _server(url: str, is_running: bool) -> str:
    return url if is_running else "not running; start it: gptmodel up"


def _read_champions(uri: str) -> Champions:
    try:
        found = registry.read_champions(uri)
    except GPTModelError:
        return "MLflow does not answer as it should"
    return {name: version.uri if version else None for name, version in found.items()}


def _main_champion(champions: Champions) -> str | None:
    """Give the champion of the built-in run's name, or else that of the only model that has one."""
    if isinstance(champions, str):
        return None
    uris = [uri for uri in champions.values() if uri]
    return champions.get(load_config("tiny").registry.name) or (uris[0] if len(uris) == 1 else None)


def _champion_words(champions: Champions) -> list[str]:
    if isinstance(champions, str):
        return [f"unknown: {champions}"]
    words = [uri or f"none of the name {name}" for name, uri in champions.items()]
    return words or ["none; train one: gptmodel run"]
