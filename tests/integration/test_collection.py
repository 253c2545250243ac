"""`gptmodel gc` beside a real registry: it asks what lives, and deletes nothing that it can't know about."""

import json
import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows import cli
from flows.collection import bare_of
from flows.home import Home
from gptmodel.lineage.versions import Version
from gptmodel.mlflow_http import call
from gptmodel.registered import Registered
from gptmodel.registry import BUNDLE_TAG
from gptmodel.store import Output
from tests.integration.servers import free_port
from tests.unit.house import A, Account, House


@pytest.fixture
def home(tmp_path: Path, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch) -> Home:
    root = tmp_path / "home"
    for name, value in {"GPTMODEL_HOME": str(root), "MLFLOW_TRACKING_URI": mlflow_uri}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return Home(root)


def gc(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["gc", *arguments], prog_name="gptmodel")


def record(ended: Result) -> dict[str, object]:
    found: dict[str, object] = json.loads(ended.output.strip().splitlines()[-1])
    return found


def fingerprints(ended: Result) -> set[str]:
    items = record(ended)["items"]
    assert isinstance(items, list)
    return {item["fingerprint"] for item in items} - {""}


class Made(Account):
    """A `register` output's account."""

    bundle_digest: str


class Registry:
    """A model of its own in the session's registry."""

    def __init__(self, uri: str) -> None:
        self.uri, self.name = uri, f"gpt-{os.urandom(4).hex()}"
        call(uri, "POST", "registered-models/create", {"name": self.name})

    def register(self, house: House, split: Output) -> Output:
        """Put a version into the registry and into the store."""
        run = call(self.uri, "POST", "runs/create", {"experiment_id": "0", "start_time": 1})["run"]["info"]
        digest = os.urandom(32).hex()
        source = {"name": self.name, "source": f"{run['artifact_uri']}/model", "run_id": run["run_id"],
                  "tags": [{"key": BUNDLE_TAG, "value": digest}]}  # fmt: skip
        number = int(call(self.uri, "POST", "model-versions/create", source)["model_version"]["version"])
        train = house.put("train", [split], Account(name=self.name, version=number))
        runtime = {"mlflow_run_id": run["run_id"]}
        account = Made(name=self.name, version=number, bundle_digest=digest, runtime=runtime)
        return house.put("register", [split, train], account)

    def rename(self) -> None:
        """Give the model another name, as an operator does in the UI."""
        call(self.uri, "POST", "registered-models/rename", {"name": self.name, "new_name": f"{self.name}-prod"})

    def delete(self, number: int) -> None:
        """Do as an operator does in the UI."""
        call(self.uri, "DELETE", "model-versions/delete", {"name": self.name, "version": str(number)})


def two_versions(home: Home, uri: str) -> tuple[Registry, Output]:
    """Give a registry of two versions, and the older one's output."""
    house, names = House(home.root), Registry(uri)
    split = house.corpus({A: "train"})
    older = names.register(house, split)
    old = time.time() - 100
    for stage in ("train", "register"):
        for one in house.store.manifests(stage):
            os.utime(house.store.folder(stage, one.fingerprint) / "manifest.json", (old, old))
    names.register(house, split)
    return names, older


def test_a_version_in_the_registry_keeps_all_it_came_from(home: Home, mlflow_uri: str) -> None:
    two_versions(home, mlflow_uri)
    ended = gc("--json")
    assert ended.exit_code == 0, ended.output
    assert fingerprints(ended) == set()
    assert len(list(home.store.root.glob("*/*"))) == 8
    assert home.events.read() == []


def test_a_version_deleted_from_the_registry_goes_with_what_it_alone_needed(home: Home, mlflow_uri: str) -> None:
    names, older = two_versions(home, mlflow_uri)
    (home.reports_dir / f"{names.name}-1").mkdir(parents=True)
    (home.reports_dir / f"{names.name}-2").mkdir()
    names.delete(1)
    told = gc("--dry-run", "--json")
    assert len(list(home.store.root.glob("*/*"))) == 8
    ended = gc("--json")
    assert fingerprints(ended) == fingerprints(told)
    assert older.fingerprint in fingerprints(ended)
    assert record(ended)["num_bytes"] == record(told)["num_bytes"] != 0
    assert len(list(home.store.root.glob("*/*"))) == 6
    assert [path.name for path in home.reports_dir.iterdir()] == [f"{names.name}-2"]
    [event] = home.events.read()
    assert (event.kind, event.facts["num_bytes"]) == ("collected", record(told)["num_bytes"])
    assert "Nothing to delete" in gc().output


def test_a_version_that_another_registry_holds_is_not_taken_for_deleted(
    home: Home, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(home.root)
    runtime = {"mlflow_run_id": "0" * 32}  # of a server that is asked no more
    for number in (1, 2):
        house.put("register", [house.corpus({A: "train"})], Account(name="gpt", version=number, runtime=runtime))
        time.sleep(0.01)
    assert fingerprints(gc("--json")) == set()


def test_a_model_that_was_renamed_keeps_all_its_versions_came_from(home: Home, mlflow_uri: str) -> None:
    names, _ = two_versions(home, mlflow_uri)
    names.rename()
    assert record(gc("--json", "--keep-versions", "0"))["items"] == []


def test_text_goes_only_of_versions_that_this_very_registry_holds_without_an_alias() -> None:
    version = Version("gpt", 1, "0" * 32, "f" * 32, "digest", "", 0.0, {}, {})
    there, other = {("gpt", 1): {BUNDLE_TAG: "digest"}}, {("gpt", 1): {BUNDLE_TAG: "other"}}
    copied = there | {("prod", 4): {BUNDLE_TAG: "digest"}}
    assert bare_of([version], Registered(there, frozenset()), 0) == {version.fingerprint}
    for tags, aliases in ((other, []), ({}, []), (there, [("gpt", 1)]), (copied, [("prod", 4)])):
        assert bare_of([version], Registered(tags, frozenset(aliases)), 0) == set()


def test_without_an_answer_of_the_registry_nothing_is_deleted(
    home: Home, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, _ = two_versions(home, mlflow_uri)
    names.delete(1)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    for arguments in ((), ("--dry-run",)):
        ended = gc(*arguments)
        assert ended.exit_code == 1
        assert "MLflow server" in ended.output
    assert len(list(home.store.root.glob("*/*"))) == 8


def test_while_a_run_is_open_nothing_is_deleted_but_all_is_told(home: Home, mlflow_uri: str) -> None:
    names, older = two_versions(home, mlflow_uri)
    names.delete(1)
    home.runs_dir.mkdir(exist_ok=True)
    (home.runs_dir / "run.json").write_text("{}")
    assert older.fingerprint in fingerprints(gc("--dry-run", "--json"))
    ended = gc()
    assert ended.exit_code == 1
    assert "an open one; nothing was deleted" in ended.output
    assert len(list(home.store.root.glob("*/*"))) == 8
