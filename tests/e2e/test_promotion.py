"""Who is champion, after a better model, a rollback, by hand or by command, another bound, and a person's answer."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Command

pytestmark = pytest.mark.timeout(900)

BETTER = ("--set", "training.max_steps=80")


def champion(addresses: dict[str, str], name: str) -> int:
    api = f"{addresses['MLFLOW_TRACKING_URI']}/api/2.0/mlflow"
    found: Any = httpx.get(f"{api}/registered-models/alias", params={"name": name, "alias": "champion"}).json()
    return int(found["model_version"]["version"])


def end_state(addresses: dict[str, str], record: dict[str, Any]) -> str:
    flow_run: Any = httpx.get(f"{addresses['PREFECT_API_URL']}/flow_runs/{record['flow_run_id']}").json()
    return str(flow_run["state"]["name"])


def test_a_better_model_is_promoted_and_a_rollback_by_hand_is_respected(
    begun: Callable[[str], Command], addresses: dict[str, str]
) -> None:
    command = begun("privacy audit")
    first, better = command.smoke().record, command.smoke(*BETTER).record
    name = first["model"]["name"]
    assert (champion(addresses, name), end_state(addresses, better)) == (2, "Promoted v2")

    stricter = command.smoke(*BETTER, "--set", "registry.min_improvement=0.001").record
    assert stricter["decision"]["passed"] is True  # measured against version 1 again, not against itself

    api = f"{addresses['MLFLOW_TRACKING_URI']}/api/2.0/mlflow"
    moved = httpx.post(f"{api}/registered-models/alias", json={"name": name, "alias": "champion", "version": "1"})
    assert moved.status_code == 200
    again = command.smoke(*BETTER).record
    assert (champion(addresses, name), end_state(addresses, again)) == (1, "Kept v1")

    promoted = command("promote", f"models:/{name}/2", "--by", "Mei", "--json").record
    assert (champion(addresses, name), promoted["passed"]) == (2, True)
    assert command("rollback", name, "--reason", "odd answers", "--by", "Mei").code == 0
    kept = command.smoke(*BETTER, "--force", "promote")
    assert (champion(addresses, name), end_state(addresses, kept.record)) == (1, "Kept v1")
    assert "v2 was rolled back by Mei: odd answers" in kept.err


def test_a_person_is_asked_where_the_config_wants_it_and_the_answer_counts(
    begun: Callable[[str], Command], addresses: dict[str, str]
) -> None:
    command = begun("privacy audit")
    ask = ("--set", "registry.approval=ask")
    silent = command.smoke(*ask, "--set", "registry.approval_hours=0.002")
    assert silent.code == 0, silent.err
    name = silent.record["model"]["name"]
    assert end_state(addresses, silent.record) == "No champion"
    assert "nobody approved v1 within 0.002 hours" in silent.err

    answering = threading.Thread(target=answer, args=(addresses, name), daemon=True)
    answering.start()
    approved = command.smoke(*ask, "--force", "promote").record
    assert (champion(addresses, name), end_state(addresses, approved)) == (1, "Promoted v1")
    events = [json.loads(line) for line in (command.home / "events.jsonl").read_text().splitlines()]
    assert [(event["kind"], event["by"]) for event in events] == [
        ("approval asked", ""), ("approval expired", ""), ("approval asked", ""), ("approved", "Mei"), ("promoted", ""),
    ]  # fmt: skip


def answer(addresses: dict[str, str], name: str) -> None:
    """Fill in the form of the run that waits, as the dashboard does."""
    api, wanted = addresses["PREFECT_API_URL"], {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}}
    while True:
        waiting: Any = httpx.post(f"{api}/flow_runs/filter", json=wanted).json()
        for run in waiting:
            if run["name"].endswith(name):
                given = {"decision": "promote", "name": "Mei", "reason": "reads well"}
                answered = httpx.post(f"{api}/flow_runs/{run['id']}/resume", json={"run_input": given})
                if answered.status_code == 201:  # else the form is not there yet
                    return
        time.sleep(0.5)
