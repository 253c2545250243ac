"""Who is champion, after a better model, a rollback by hand, and another bound."""

from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Command

pytestmark = pytest.mark.timeout(300)

BETTER = ("--set", "training.max_steps=80")


def champion(addresses: dict[str, str], name: str) -> int:
    api = f"{addresses['MLFLOW_TRACKING_URI']}/api/2.0/mlflow"
    found: Any = httpx.get(f"{api}/registered-models/alias", params={"name": name, "alias": "champion"}).json()
    return int(found["model_version"]["version"])


def end_state(addresses: dict[str, str], record: dict[str, Any]) -> str:
    flow_run: Any = httpx.get(f"{addresses['PREFECT_API_URL']}/flow_runs/{record['flow_run_id']}").json()
    return str(flow_run["state"]["name"])


def test_a_better_model_is_promoted_and_a_rollback_by_hand_is_respected(
    command: Command, addresses: dict[str, str]
) -> None:
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
