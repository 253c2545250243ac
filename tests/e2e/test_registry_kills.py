"""Killed at any of its requests to MLflow, register and promote leave no version without its files, no alias without
its version, and the next run ends as an undisturbed one: with one version, in service, and nothing left open.

The kills of the suite share a name in the registry, as if one unlucky run had been repeated again and again. With
GPTMODEL_KILL_ROUNDS=50 that many more are made at other requests, each under a name of its own and with its own repeat.
"""

import os
import random
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from gptmodel.downloads import resolve_model
from gptmodel.events import EventLog
from gptmodel.generation import Generator
from tests.e2e.conftest import CHECKOUT, Command, was_killed

pytestmark = pytest.mark.timeout(900)

SCRIPT = str(CHECKOUT / "tests" / "e2e" / "killing.py")
POINTS = {
    "before the first file": ("BEFORE", r"artifacts/\d+/models/", 1),
    "before the weights": ("BEFORE", r"model\.safetensors", 1),
    "when all files are there": ("BEFORE", "model-versions/create", 1),
    "when the version is there": ("AFTER", "model-versions/create", 1),
    "when the decision is noted": ("BEFORE", "registered-models/alias", 1),
    "when the alias was moved": ("AFTER", "registered-models/alias", 1),
}
NUM_REQUESTS = 60  # that change something, in a run in which all before register is cached
ROUNDS = int(os.environ.get("GPTMODEL_KILL_ROUNDS", "0"))
EVERYWHERE = [(when, number) for when in ("BEFORE", "AFTER") for number in range(1, NUM_REQUESTS + 1)]
OTHER_POINTS = random.Random(7).sample(EVERYWHERE, ROUNDS)


@pytest.fixture(scope="module")
def home(shared_home: Command, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A home in which all before register is done."""
    folder = tmp_path_factory.mktemp("killed") / f"killed-{os.urandom(4).hex()}"
    shutil.copytree(shared_home.home, folder)
    return Command(folder, shared_home.addresses)


def kill(home: Command, name: str, when: str, pattern: str, number: int) -> bool:
    """Run and kill; tell whether the run came as far as the request."""
    program = (SCRIPT, when, pattern, str(number))
    ended = home.smoke("--set", f"registry.name={name}", program=program, environment={"PYTHONPATH": str(CHECKOUT)})
    assert was_killed(ended) or ended.code == 0, ended.out + ended.err
    return was_killed(ended)


def ask(home: Command, route: str, **query: Any) -> dict[str, Any]:
    uri = home.addresses["MLFLOW_TRACKING_URI"]
    found: dict[str, Any] = httpx.get(f"{uri}/api/2.0/mlflow/{route}", params=query, timeout=30).json()
    return found


def whole_versions(home: Command, name: str, cache: Path) -> list[int]:
    """Give the versions of a model, after each was fetched, verified, loaded and heard."""
    found = ask(home, "model-versions/search", filter=f"name = '{name}'").get("model_versions", [])
    numbers = sorted(int(version["version"]) for version in found)
    for number in numbers:
        folder = resolve_model(home.addresses["MLFLOW_TRACKING_URI"], f"models:/{name}/{number}", cache)
        assert Generator.load(folder).generate(["The"], max_new_tokens=2, temperature=0.0)[0].num_tokens == 2
        assert files_of(home, name, number) >= {"MLmodel", "pyfunc.py", "code/gptmodel/generation.py", "conda.yaml"}
    return numbers


def files_of(home: Command, name: str, number: int, folder: str = "") -> set[str]:
    model_id = ask(home, "model-versions/get", name=name, version=number)["model_version"]["source"].rpartition("/")[2]
    listed = ask(home, f"logged-models/{model_id}/artifacts/directories", artifact_directory_path=folder)["files"]
    inner = [files_of(home, name, number, entry["path"]) for entry in listed if entry.get("is_dir")]
    return {entry["path"] for entry in listed if not entry.get("is_dir")}.union(*inner)


def aliases(home: Command, name: str) -> dict[str, int]:
    rows = ask(home, "registered-models/get", name=name).get("registered_model", {}).get("aliases", [])
    return {row["alias"]: int(row["version"]) for row in rows}


def left_running(home: Command, name: str) -> list[str]:
    """Give the runs of a model, nested ones too, that MLflow still shows as running."""
    uri = f"{home.addresses['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/runs/search"
    experiment = ask(home, "experiments/get-by-name", experiment_name="gptmodel")["experiment"]["experiment_id"]
    query = {"experiment_ids": [experiment], "max_results": 1000}
    runs = httpx.post(uri, json=query, timeout=30).json().get("runs", [])
    parents = {run["info"]["run_id"] for run in runs if name in run["info"]["run_name"]}
    ours = [run["info"] for run in runs if parents & {run["info"]["run_id"], *parent_of(run)}]
    return [info["run_name"] for info in ours if info["status"] == "RUNNING"]


def left_pending(home: Command, name: str) -> list[str]:
    """Give the logged models of a model's runs whose files MLflow still waits for."""
    uri = f"{home.addresses['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/logged-models/search"
    experiment = ask(home, "experiments/get-by-name", experiment_name="gptmodel")["experiment"]["experiment_id"]
    found = httpx.post(uri, json={"experiment_ids": [experiment], "max_results": 50}, timeout=30).json()
    infos = [model["info"] for model in found.get("models", [])]
    ours = [info for info in infos if name in run_name_of(home, info["source_run_id"])]
    return [info["model_id"] for info in ours if info["status"] == "LOGGED_MODEL_PENDING"]


def run_name_of(home: Command, run_id: str) -> str:
    return str(ask(home, "runs/get", run_id=run_id)["run"]["info"]["run_name"])


def parent_of(run: dict[str, Any]) -> list[str]:
    return [tag["value"] for tag in run["data"].get("tags", []) if tag["key"] == "mlflow.parentRunId"]


def check_order(home: Command, name: str, cache: Path) -> None:
    assert set(aliases(home, name).values()) <= set(whole_versions(home, name, cache))


def check_end(home: Command, name: str, cache: Path) -> None:
    """Repeat the run; it ends as if nothing had happened."""
    ended = home.smoke("--set", f"registry.name={name}")
    assert ended.code == 0, ended.err
    assert (ended.record["model"]["version"], ended.record["decision"]["passed"]) == (1, True)
    assert whole_versions(home, name, cache) == [1]
    assert aliases(home, name) == {"champion": 1}
    assert (left_running(home, name), left_pending(home, name)) == ([], [])
    events = [(event.kind, event.subject) for event in EventLog(home.home / "events.jsonl").read()]
    assert [kind for kind, subject in events if subject == f"models:/{name}/1"] == ["promoted"]


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_no_version_without_files_and_no_alias_without_version(
    home: Command, tmp_path: Path, point: str
) -> None:
    assert kill(home, home.home.name, *POINTS[point])
    check_order(home, home.home.name, tmp_path)


def test_after_all_kills_there_is_one_version_in_service_and_nothing_is_left_open(
    home: Command, tmp_path: Path
) -> None:
    check_end(home, home.home.name, tmp_path)


@pytest.mark.parametrize(("when", "number"), OTHER_POINTS)
def test_after_a_kill_at_any_request_the_repeat_ends_with_one_version(
    home: Command, tmp_path: Path, when: str, number: int
) -> None:
    name = f"{home.home.name}-{when.lower()}-{number}"
    was_hit = kill(home, name, when, ".", number)
    check_order(home, name, tmp_path)
    check_end(home, name, tmp_path)
    assert was_hit
