"""A scrubber that looks away, and a phrase planted 64 times: the leak test must say no."""

import json

import httpx
import pytest

from tests.e2e.conftest import Command

pytestmark = pytest.mark.timeout(900)

UNSCRUBBED = [
    'scrubbing.kinds=["PHONE"]', "scrubbing.find_names=false", "quality.max_residual_findings=1000000",
    "privacy.planted.num_catchable=1", "privacy.planted.catchable_repetitions=64",
    "privacy.planted.num_in_clear=0", "privacy.planted.max_canary_ratio=0.2",
]  # fmt: skip


def test_an_unscrubbed_phrase_planted_64_times_is_noticed(command: Command, addresses: dict[str, str]) -> None:
    settings = [part for setting in UNSCRUBBED for part in ("--set", setting)]
    ended = command.smoke(*settings)
    assert ended.code == 3, ended.out + ended.err
    assert ended.record["privacy"]["passed"] is False
    assert ended.record["decision"]["passed"] is False
    model = ended.record["model"]
    api = f"{addresses['MLFLOW_TRACKING_URI']}/api/2.0/mlflow"
    version = httpx.get(f"{api}/model-versions/get", params={"name": model["name"], "version": model["version"]}).json()
    assert not version["model_version"].get("aliases")
    tags = {tag["key"]: tag["value"] for tag in version["model_version"]["tags"]}
    assert (tags["gptmodel.leak_test"], float(tags["gptmodel.leak_test.p_value"]) <= 1) == ("no", True)
    flow_run = httpx.get(f"{addresses['PREFECT_API_URL']}/flow_runs/{ended.record['flow_run_id']}").json()
    assert (flow_run["state"]["type"], flow_run["state"]["name"]) == ("COMPLETED", "Blocked: privacy")


def test_a_registered_version_is_tested_again_with_its_training_text(shared_home: Command) -> None:
    first = json.loads((shared_home.home / "first.json").read_text())
    ended = shared_home("audit", "--model", first["model"]["uri"], "--json")
    assert ended.code == 0, ended.out + ended.err
    assert ended.record["with_training_text"] is True
    assert ended.record["reason"] == first["privacy"]["reason"]
