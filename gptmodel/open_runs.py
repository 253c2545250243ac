"""Runs that MLflow still shows as RUNNING though the flow behind them is over: closed, over plain HTTP.

They are found by the flow run's tag, which pipeline and stages bear alike, so that one whose id nobody noted, because
the process died between asking for it and the answer, is closed too.
"""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from gptmodel.mlflow_http import Missing, call
from gptmodel.registry import RunEnd

EXPERIMENT = "gptmodel"
"""Name of the experiment that all runs are in."""
FLOW_RUN_TAG = "prefect.flow_run_id"


class End(NamedTuple):
    """How a run ended."""

    status: RunEnd
    """FINISHED, FAILED or KILLED."""
    time_ms: int
    """When, milliseconds since the epoch."""


def now_ms() -> int:
    """Give the time in milliseconds since the epoch, as MLflow counts it."""
    return time.time_ns() // 1_000_000


def close_open_runs(uri: str, experiment: str, flow_run_id: str, ends: Mapping[str, End] = {}) -> int:
    """Close a flow run's runs that are still RUNNING; return how many were closed.

    A logged model whose files never all arrived is PENDING like that for ever; it counts as failed from here on.

    Args:
        uri: Address of the tracking server.
        experiment: Name of the experiment they are in.
        flow_run_id: The Prefect run they belong to.
        ends: How those ended of which it is known, by run id; all others were KILLED, now.

    Raises:
        ServerError: The server does not answer.
    """
    try:
        found = call(uri, "GET", "experiments/get-by-name", {"experiment_name": experiment})
    except Missing:
        return 0
    experiment_id = found["experiment"]["experiment_id"]
    query: dict[str, Any] = {
        "experiment_ids": [experiment_id],
        "filter": f"attributes.status = 'RUNNING' and tags.`{FLOW_RUN_TAG}` = '{flow_run_id}'",
        "max_results": 1000,
    }
    run_ids = [run["info"]["run_id"] for run in call(uri, "POST", "runs/search", query).get("runs", [])]
    for run_id in run_ids:
        status, time_ms = ends.get(run_id) or End("KILLED", now_ms())
        call(uri, "POST", "runs/update", {"run_id": run_id, "status": status, "end_time": time_ms})
    _give_up_models(uri, experiment_id, flow_run_id)
    return len(run_ids)


def _give_up_models(uri: str, experiment_id: str, flow_run_id: str) -> None:
    query = {"experiment_ids": [experiment_id], "filter": f"tags.`{FLOW_RUN_TAG}` = '{flow_run_id}'"}
    for model in call(uri, "POST", "logged-models/search", query).get("models", []):
        model_id = model["info"]["model_id"]
        if model["info"]["status"] == "LOGGED_MODEL_PENDING":  # the server can't be asked for these alone
            body = {"model_id": model_id, "status": "LOGGED_MODEL_UPLOAD_FAILED"}
            call(uri, "PATCH", f"logged-models/{model_id}", body)
