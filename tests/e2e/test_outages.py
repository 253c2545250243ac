"""A tracking server that goes away: no stage waits for it, nothing is lost, and no run stays RUNNING."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gptmodel.chain import STAGE_NAMES
from tests.e2e.conftest import CHECKOUT, Command

pytestmark = pytest.mark.timeout(900)

LOSING = str(CHECKOUT / "tests" / "e2e" / "losing.py")
HERE = {"PYTHONPATH": str(CHECKOUT)}


def ask(uri: str, method: str, route: str, **data: Any) -> dict[str, Any]:
    query, body = (data, None) if method == "GET" else (None, data)
    answer = httpx.request(method, f"{uri}/api/2.0/mlflow/{route}", params=query, json=body, timeout=30)
    return dict(answer.raise_for_status().json())


def runs_of(uri: str, flow_run_id: str) -> list[dict[str, Any]]:
    """Give the MLflow runs of a flow run."""
    experiment = ask(uri, "GET", "experiments/get-by-name", experiment_name="gptmodel")["experiment"]
    wanted = f"tags.`prefect.flow_run_id` = '{flow_run_id}'"
    found = ask(uri, "POST", "runs/search", experiment_ids=[experiment["experiment_id"]], filter=wanted)
    return list(found.get("runs", []))


def curve_of(uri: str, run_id: str) -> list[tuple[int, float]]:
    """Give the points of the loss curve that MLflow has, in the order it gives them."""
    found = ask(uri, "GET", "metrics/get-history", run_id=run_id, metric_key="train_loss", max_results=1000)
    return [(int(point["step"]), float(point["value"])) for point in found["metrics"]]


def spooled(command: Command) -> list[tuple[int, float]]:
    """Give the points of the loss curve that the training wrote."""
    [spool] = (command.home / "store" / "train").glob("*/notes/metrics.jsonl")
    rows = [json.loads(line) for line in spool.read_text().splitlines()]
    return [(row["step"], row["value"]) for row in rows if row["key"] == "train_loss"]


def test_a_server_away_from_the_middle_of_the_training_is_told_all_of_it_once_it_is_back(
    begun: Callable[[str], Command], addresses: dict[str, str]
) -> None:
    uri, command = addresses["MLFLOW_TRACKING_URI"], begun("pack")
    ended = command.smoke(program=(LOSING, "mlflow", "training", "evaluate"), environment=HERE)
    assert ended.code == 0, ended.out + ended.err
    assert "MLflow does not answer" in ended.err
    assert "MLflow answers again" in ended.err
    runs = runs_of(uri, ended.record["flow_run_id"])
    stages = {run["info"]["run_name"]: run["info"]["run_id"] for run in runs if "smoke" not in run["info"]["run_name"]}
    assert stages.keys() == set(STAGE_NAMES)
    assert [run["info"]["status"] for run in runs] == ["FINISHED"] * (len(STAGE_NAMES) + 1)
    delivered, written = curve_of(uri, stages["train"]), spooled(command)
    assert [point for point in delivered if point in written] == written
    assert len(delivered) == len(written) + 1  # the account's own figure


def test_a_server_away_for_good_stops_no_stage_before_register_and_the_next_run_tells_it(
    begun: Callable[[str], Command], addresses: dict[str, str]
) -> None:
    uri, command = addresses["MLFLOW_TRACKING_URI"], begun("quality gate")
    ended = command.smoke(program=(LOSING, "mlflow", "tokenizer", "never"), environment=HERE)
    assert ended.code == 1, ended.out + ended.err
    assert "gptmodel up" in json.dumps(ended.record["error"])
    assert "Traceback" not in ended.err
    done = {path.parent.parent.name for path in (command.home / "store").glob("*/*/manifest.json")}
    assert done == {name.replace(" ", "-") for name in STAGE_NAMES[:-2]}
    [entry] = (command.home / "runs").glob("*.json")  # its end could not be told
    entry.write_text(json.dumps(json.loads(entry.read_text()) | {"mlflow": uri}))  # where the proxy stood
    again = command.smoke()
    assert again.code == 0, again.err
    assert [stage["name"] for stage in again.record["stages"] if not stage["cached"]] == ["register", "promote"]
    told = {run["info"]["run_name"]: run["info"]["run_id"] for run in runs_of(uri, again.record["flow_run_id"])}
    assert {"pack", "train", "evaluate", "privacy audit"} <= told.keys()
    assert "tokenizer" not in told  # its own run, opened before, was told the rest
    written = spooled(command)
    assert [point for point in curve_of(uri, told["train"]) if point in written] == written
    first = {run["info"]["run_name"]: run for run in runs_of(uri, entry.stem)}
    assert "vocab_size" in {metric["key"] for metric in first["tokenizer"]["data"]["metrics"]}
    ends = {name: run["info"]["status"] for name, run in first.items() if name in STAGE_NAMES}
    assert set(ends.values()) == {"FINISHED"}
    assert [run["info"]["status"] for name, run in first.items() if name not in ends] == ["FAILED"]
    assert not entry.exists()
