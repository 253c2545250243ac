"""A run's way into MLflow while its server is away: really stopped and started once, else behind a proxy."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from flows import artifacts, stack, terminal
from flows.delivery import METRICS, Delivery
from flows.home import Home, open_home
from flows.ledger import Entry, close_dead_runs
from flows.terminal import Terminal
from gptmodel.config_file import load_config
from gptmodel.errors import ServerError
from gptmodel.open_runs import FLOW_RUN_TAG
from gptmodel.store import Output, seal
from tests.integration.flaky import Flaky, flaky_proxy
from tests.integration.servers import RunningServer, start_mlflow

pytestmark = pytest.mark.timeout(900)

CURVE = [(step, 6.0 - step / 10) for step in range(40)]


class Account(BaseModel):
    num_parameters: int = 7


@pytest.fixture
def server(mlflow_uri: str) -> Iterator[Flaky]:
    """The session's server, behind a proxy that can hang up."""
    with flaky_proxy(mlflow_uri) as flaky:
        yield flaky


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(artifacts, "show_link", lambda *_: None)  # Prefect's
    terminal.watch(Terminal(None))  # another test's may be closed
    monkeypatch.setattr("flows.delivery.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("gptmodel.mlflow_http.PAUSES", (0.05,))
    monkeypatch.setattr("gptmodel.tracking.client.UPLOAD_PAUSES", (0.05,))
    return open_home()


def begin(home: Home, server: Flaky | RunningServer, flow_run_id: str) -> tuple[Delivery, Entry]:
    entry = Entry(home, flow_run_id, stack.Addresses("http://127.0.0.1:9/api", server.uri))
    tags = {FLOW_RUN_TAG: flow_run_id, "prefect.flow_run_url": "http://127.0.0.1:9/runs/1"}
    return Delivery(home, server.uri, load_config("smoke"), tags, entry), entry


def commit(home: Home, stage: str, curve: list[tuple[int, float]] = CURVE) -> Output:
    """Commit an output with a metrics file."""
    with home.store.writing(stage, stage * 4, {}) as work:
        (work.notes / METRICS).write_text(spool(curve))
        return home.store.commit(work, seal(
            work, stage=stage, fingerprint=stage * 4, code_version="", section={}, inputs={}, result=Account(),
        ))  # fmt: skip


def spool(curve: list[tuple[int, float]]) -> str:
    rows = [{"time": 1e9 + step, "step": step, "key": "train_loss", "value": value} for step, value in curve]
    return "".join(json.dumps(row) + "\n" for row in rows)


def runs_of(server: Flaky | RunningServer, flow_run_id: str) -> dict[str, Any]:
    api = f"{server.uri}/api/2.0/mlflow"
    found = httpx.get(f"{api}/experiments/get-by-name", params={"experiment_name": "gptmodel"}, timeout=30).json()
    query = {
        "experiment_ids": [found["experiment"]["experiment_id"]], "filter": f"tags.`{FLOW_RUN_TAG}` = '{flow_run_id}'",
    }  # fmt: skip
    runs = httpx.post(f"{api}/runs/search", json=query, timeout=30).json().get("runs", [])
    return {run["info"]["run_name"].partition(" ")[0]: run for run in runs}


def curve_of(server: Flaky | RunningServer, run: dict[str, Any]) -> list[tuple[int, float]]:
    query = {"run_id": run["info"]["run_id"], "metric_key": "train_loss"}
    url = f"{server.uri}/api/2.0/mlflow/metrics/get-history"
    return [(int(row["step"]), row["value"]) for row in httpx.get(url, params=query, timeout=30).json()["metrics"]]


def statuses(runs: dict[str, Any]) -> dict[str, str]:
    return {name: run["info"]["status"] for name, run in runs.items()}


@pytest.mark.slow
def test_what_a_stopped_server_missed_it_is_told_once_it_is_started_in_order_and_once_each(
    home: Home, tmp_path: Path
) -> None:
    (tmp_path / "server").mkdir()
    server = start_mlflow(tmp_path / "server")
    delivery, entry = begin(home, server, "back")
    with delivery.stage("train", "first run") as train:
        written = home.root / METRICS
        written.write_text(spool(CURVE[:15]))
        train.send_metrics(written)
        server.stop()
        written.write_text(spool(CURVE[:30]))
        train.try_metrics(written)  # nobody listens, nothing is lost
        delivery.deliver(train, trained := commit(home, "train"))
    with delivery.stage("evaluate", "first run") as evaluate:
        delivery.deliver(evaluate, commit(home, "evaluate", CURVE[:1]))
    with pytest.raises(ServerError, match="gptmodel up"):
        delivery.need_server()
    assert not delivery.has(trained)
    server.start()
    delivery.need_server()
    delivery.close("FINISHED")
    entry.close()
    runs = runs_of(server, "back")
    assert statuses(runs) == {"smoke": "FINISHED", "train": "FINISHED", "evaluate": "FINISHED"}
    assert curve_of(server, runs["train"]) == CURVE
    assert delivery.has(trained)
    assert not entry.path.exists()
    server.stop()


def test_a_stage_that_ended_while_the_server_was_stopped_ended_then_and_not_when_it_was_told(
    home: Home, server: Flaky
) -> None:
    delivery, _ = begin(home, server, "times")
    with delivery.stage("train", "first run") as train:
        train.started_ms -= 5000
        server.is_away = True
        delivery.deliver(train, commit(home, "train"))
    assert train.end is not None
    server.is_away = False
    delivery.close("FINISHED")
    info = runs_of(server, "times")["train"]["info"]
    assert info["end_time"] == train.end.time_ms


def test_the_next_run_tells_the_run_that_was_begun_and_the_ledger_its_true_end(home: Home, server: Flaky) -> None:
    delivery, entry = begin(home, server, "first")
    with delivery.stage("train", "first run") as train:
        server.is_away = True
        delivery.deliver(train, trained := commit(home, "train"))
    delivery.close("FAILED")
    entry.close()
    assert entry.path.exists()
    assert close_dead_runs(home) == 0
    assert entry.path.exists()
    server.is_away = False
    close_dead_runs(home)
    assert not entry.path.exists()
    assert statuses(runs_of(server, "first")) == {"smoke": "FAILED", "train": "FINISHED"}

    later, _ = begin(home, server, "second")
    begun = later.begun(trained)
    assert begun is not None
    with later.stage("train", "delivered later", begun) as again:
        later.deliver(again, trained)
    later.close("FINISHED")
    assert statuses(runs_of(server, "second")) == {"smoke": "FINISHED"}
    assert curve_of(server, runs_of(server, "first")["train"]) == CURVE
    assert runs_of(server, "first")["train"]["info"]["end_time"] == begun.end.time_ms


@pytest.mark.parametrize(("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_stage_that_is_broken_off_says_so(home: Home, server: Flaky, error: type[BaseException], status: str) -> None:
    delivery, _ = begin(home, server, status)
    with pytest.raises(error), delivery.stage("train", "first run"):
        raise error
    delivery.close("FAILED")
    assert statuses(runs_of(server, status)) == {"smoke": "FAILED", "train": status}


def test_a_run_whose_id_was_lost_with_the_answer_is_closed_at_the_end(home: Home, server: Flaky) -> None:
    delivery, _ = begin(home, server, "lost")
    delivery._open_stage("train", "first run", 1000)  # as if nobody had got the answer
    delivery.close("FINISHED")
    assert statuses(runs_of(server, "lost")) == {"smoke": "FINISHED", "train": "KILLED"}
