"""Interrupted by SIGKILL in each of the thirteen stages, by Ctrl-C in one of each sort, by SIGTERM in the training, the
chain ends the same.

The runs of one signal share a home: each goes on where the one before was interrupted, so that the whole costs one
chain and thirteen starts.
"""

import json
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from gptmodel.chain import STAGE_NAMES
from tests.e2e.conftest import CHECKOUT, Command

pytestmark = pytest.mark.timeout(900)

SCRIPT = str(CHECKOUT / "tests" / "e2e" / "interrupting.py")
EXIT_CODES = {"SIGINT": 130, "SIGTERM": -signal.SIGTERM, "SIGKILL": -signal.SIGKILL}
# The server gives a version its number, so this digest differs between the homes that share the registry.
SERVER_NAMED = {"register", "promote"}
# By Ctrl-C: a stage of shards, one of tables, the training, and one that writes to a server.
STOPPED = {"SIGINT": ("scrub", "split", "train", "register"), "SIGTERM": ("train",), "SIGKILL": STAGE_NAMES}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory, addresses: dict[str, str]) -> dict[str, Command]:
    """The home in which each signal strikes."""
    return {name: Command(tmp_path_factory.mktemp(f"interrupted-{name}"), addresses) for name in EXIT_CODES}


@pytest.fixture(scope="module", params=EXIT_CODES)
def resumed(request: pytest.FixtureRequest, homes: dict[str, Command]) -> tuple[Command, dict[str, Any]]:
    """A home after all its interruptions, and what the run that nothing interrupts says in the end."""
    command = homes[request.param]
    ended = command.smoke()
    assert ended.code == 0, ended.err
    return command, ended.record


def digests(record: dict[str, Any]) -> dict[str, str]:
    return {stage["name"]: stage["digest"] for stage in record["stages"]}


def open_runs(command: Command) -> list[Path]:
    return list((command.home / "runs").glob("*.json"))


@pytest.mark.parametrize(("name", "stage"), [(name, stage) for name, stages in STOPPED.items() for stage in stages])
def test_an_interrupted_stage_is_not_taken_for_done(homes: dict[str, Command], name: str, stage: str) -> None:
    command = homes[name]
    ended = command.smoke(program=(SCRIPT, stage, name), environment={"PYTHONPATH": str(CHECKOUT)})
    assert ended.code == EXIT_CODES[name], ended.out + ended.err
    assert "Traceback" not in ended.err
    folder = command.home / "store" / stage.replace(" ", "-")
    assert [path.name for path in folder.iterdir() if "." not in path.name] == []
    done = STAGE_NAMES[: STAGE_NAMES.index(stage)]
    assert all(list((command.home / "store" / earlier.replace(" ", "-")).glob("*/manifest.json")) for earlier in done)


def test_after_all_interruptions_the_result_is_the_undisturbed_one(
    resumed: tuple[Command, dict[str, Any]], shared_home: Command
) -> None:
    found, undisturbed = digests(resumed[1]), digests(json.loads((shared_home.home / "first.json").read_text()))
    same = {name: found[name] == undisturbed[name] for name in STAGE_NAMES if name not in SERVER_NAMED}
    assert same == dict.fromkeys(same, True)


def test_the_training_went_on_from_its_checkpoint(resumed: tuple[Command, dict[str, Any]]) -> None:
    assert resumed[1]["training"]["resumed_from_step"] == 20


def test_no_interrupted_run_stays_open_anywhere(
    resumed: tuple[Command, dict[str, Any]], addresses: dict[str, str]
) -> None:
    command, _ = resumed
    assert command("status").code == 0
    assert open_runs(command) == []
    assert running(addresses, command.home.name) == []


def running(addresses: dict[str, str], model: str) -> list[dict[str, Any]]:
    """Give the runs of a home's model that MLflow still shows as running."""
    api = f"{addresses['MLFLOW_TRACKING_URI']}/api/2.0/mlflow"
    experiment = httpx.get(f"{api}/experiments/get-by-name", params={"experiment_name": "gptmodel"}).json()
    query = {
        "experiment_ids": [experiment["experiment"]["experiment_id"]],
        "filter": "attributes.status = 'RUNNING'",
    }
    found: list[dict[str, Any]] = httpx.post(f"{api}/runs/search", json=query).json().get("runs", [])
    return [run for run in found if model.replace("_", "-") in run["info"]["run_name"]]
