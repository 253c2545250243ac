"""Runs, data sets, versions and downloads against a real `mlflow server`."""

import json
import os
import socket
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from gptmodel import downloads, registry, tracking
from gptmodel.bundle import assemble_bundle, verify_bundle
from gptmodel.decision import Decision
from gptmodel.errors import RegistryError, ServerError
from gptmodel.open_runs import FLOW_RUN_TAG, End, close_open_runs
from gptmodel.registry import FINGERPRINT_TAG
from gptmodel.tracking import DatasetRef
from tests.integration.servers import RunningServer

TRAIN = DatasetRef(name="tokens-train", digest="a1" * 32, source="file:///store/pack", num_rows=812, context="training")
TEST = DatasetRef(name="tokens-test", digest="b2" * 32, source="file:///store/pack", num_rows=40, context="test")
YES = Decision(passed=True, reason="first version", scope="test split")


def get(uri: str, route: str, **query: Any) -> dict[str, Any]:
    answer = httpx.get(f"{uri}/api/2.0/mlflow/{route}", params=query, timeout=30)
    answer.raise_for_status()
    return dict(answer.json())


def run_of(uri: str, run_id: str) -> dict[str, Any]:
    return dict(get(uri, "runs/get", run_id=run_id)["run"])


def as_dict(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {row["key"]: row["value"] for row in rows}


@pytest.fixture
def name() -> str:
    return f"gpt-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def parent(mlflow_uri: str) -> str:
    return tracking.open_pipeline_run(mlflow_uri, experiment="tests", name="run", tags={"a": "b"}, params={"x": 1})


@pytest.fixture
def stage(mlflow_uri: str, parent: str) -> str:
    return tracking.open_stage_run(mlflow_uri, parent_run_id=parent, stage="train", tags={}, params={})


def trained(folder: Path) -> Path:
    """Give a model folder with random weights."""
    (folder / "model.safetensors").write_bytes(os.urandom(3000))
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    assemble_bundle(folder / "bundle", model_dir=folder, tokenizer_path=folder / "tokenizer.json")
    return folder / "bundle"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "trained").mkdir()
    return trained(tmp_path / "trained")


@pytest.fixture(scope="module")
def made(mlflow_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> registry.Registration:
    """A promoted version that the tests only read."""
    uri = mlflow_server.uri
    run_id = tracking.open_pipeline_run(uri, experiment="tests", name="shared", tags={}, params={})
    version = register(uri, run_id, "shared", trained(tmp_path_factory.mktemp("shared")))
    registry.promote_version(uri, "shared", version.version, YES)
    return version


def register(uri: str, run_id: str, name: str, bundle: Path, fingerprint: str = "f1") -> registry.Registration:
    return tracking.register_version(
        uri, run_id=run_id, name=name, bundle_folder=bundle, tags={FINGERPRINT_TAG: fingerprint, "gptmodel.flow": "f"},
        description="text for people", metrics={"tokens-test": {"bits_per_byte": 1.7}}, datasets=[TRAIN, TEST],
        input_example=["The function returns"],
    )  # fmt: skip


class TestRuns:
    def test_a_pipeline_run_has_its_tags_and_more_parameters_than_one_request_takes(self, mlflow_uri: str) -> None:
        params = {f"section.key{number}": number for number in range(230)}
        run_id = tracking.open_pipeline_run(
            mlflow_uri, experiment="tests", name="tiny gpt", tags={"flow": "f"}, params=params
        )
        data = run_of(mlflow_uri, run_id)["data"]
        assert as_dict(data["params"]) == {key: str(value) for key, value in params.items()}
        assert as_dict(data["tags"]).items() >= {"flow": "f", "mlflow.runName": "tiny gpt"}.items()

    def test_a_stage_run_is_nested_in_the_same_experiment(self, mlflow_uri: str, parent: str, stage: str) -> None:
        child = run_of(mlflow_uri, stage)
        assert as_dict(child["data"]["tags"])["mlflow.parentRunId"] == parent
        assert child["info"]["experiment_id"] == run_of(mlflow_uri, parent)["info"]["experiment_id"]

    @pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
    def test_a_run_ends_with_its_status(self, mlflow_uri: str, stage: str, status: Any) -> None:
        tracking.close_run(mlflow_uri, stage, status)
        assert run_of(mlflow_uri, stage)["info"]["status"] == status

    def test_two_runs_in_one_process_do_not_mix(self, mlflow_uri: str) -> None:
        first, second = (
            tracking.open_pipeline_run(mlflow_uri, experiment=f"tests {n}", name=str(n), tags={}, params={})
            for n in (1, 2)
        )
        threads = [
            threading.Thread(target=tracking.log_stage, args=(mlflow_uri, run_id, None), kwargs={"metrics": {key: 1.0}})
            for run_id, key in ((first, "one"), (second, "two"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        keys = [list(as_dict(run_of(mlflow_uri, run_id)["data"]["metrics"])) for run_id in (first, second)]
        assert keys == [["one"], ["two"]]

    def test_an_unknown_run_is_explained(self, mlflow_uri: str) -> None:
        with pytest.raises(RegistryError, match="run the pipeline again"):
            tracking.close_run(mlflow_uri, "0" * 32, "FINISHED")

    def test_metrics_texts_files_and_folders_are_kept(self, mlflow_uri: str, stage: str, tmp_path: Path) -> None:
        (tmp_path / "docs").mkdir()
        (tmp_path / "docs" / "index.html").write_text("<p>hi")
        tracking.log_stage(
            mlflow_uri, stage, None, metrics={"loss": 1.5}, texts={"a/config.toml": "x = 1"}, files=[tmp_path / "docs"]
        )
        assert as_dict(run_of(mlflow_uri, stage)["data"]["metrics"]) == {"loss": 1.5}
        texts = [
            httpx.get(f"{mlflow_uri}/get-artifact", params={"run_uuid": stage, "path": path}, timeout=30).text
            for path in ("a/config.toml", "docs/index.html")
        ]
        assert texts == ["x = 1", "<p>hi"]

    def test_a_data_set_shows_on_child_and_parent_with_digest_and_source(
        self, mlflow_uri: str, parent: str, stage: str
    ) -> None:
        tracking.log_stage(mlflow_uri, stage, parent, datasets=[TRAIN])
        for run_id in (parent, stage):
            (found,) = run_of(mlflow_uri, run_id)["inputs"]["dataset_inputs"]
            assert (found["dataset"]["name"], found["dataset"]["digest"]) == ("tokens-train", TRAIN.digest[:36])
            assert json.loads(found["dataset"]["source"]) == {"uri": TRAIN.source}
            assert found["tags"] == [{"key": "mlflow.data.context", "value": "training"}]


class TestSpool:
    def write(self, path: Path, steps: range) -> None:
        rows = [{"time": 1e9 + step, "step": step, "key": "train_loss", "value": 9.0 - step / 1000} for step in steps]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def history(self, uri: str, run_id: str) -> list[tuple[int, float, int]]:
        rows = get(uri, "metrics/get-history", run_id=run_id, metric_key="train_loss").get("metrics", [])
        return sorted((int(row.get("step", 0)), row["value"], int(row["timestamp"])) for row in rows)

    def test_lines_arrive_with_their_own_times_and_steps(self, mlflow_uri: str, stage: str, tmp_path: Path) -> None:
        self.write(tmp_path / "m", range(1200))
        tracking.deliver_metrics(mlflow_uri, stage, tmp_path / "m", 0)
        history = self.history(mlflow_uri, stage)
        assert len(history) == 1200
        assert history[7] == (7, 8.993, 1_000_000_007_000)

    def test_sending_again_changes_nothing(self, mlflow_uri: str, stage: str, tmp_path: Path) -> None:
        self.write(tmp_path / "m", range(50))
        tracking.deliver_metrics(mlflow_uri, stage, tmp_path / "m", 0)
        before = self.history(mlflow_uri, stage)
        tracking.deliver_metrics(mlflow_uri, stage, tmp_path / "m", 0)
        assert self.history(mlflow_uri, stage) == before

    def test_the_next_delivery_goes_on_where_the_last_ended(self, mlflow_uri: str, stage: str, tmp_path: Path) -> None:
        self.write(tmp_path / "m", range(5))
        offset = tracking.deliver_metrics(mlflow_uri, stage, tmp_path / "m", 0)
        self.write(tmp_path / "m", range(9))
        assert tracking.deliver_metrics(mlflow_uri, stage, tmp_path / "m", offset) == (tmp_path / "m").stat().st_size
        assert [step for step, _, _ in self.history(mlflow_uri, stage)] == list(range(9))

    def test_what_is_of_the_machine_stands_among_the_system_metrics(
        self, mlflow_uri: str, stage: str, tmp_path: Path
    ) -> None:
        line = '{"time": 1, "step": 0, "key": "memory_bytes", "value": 2.5}\n'
        (tmp_path / "m").write_text(line)
        tracking.deliver_metrics(mlflow_uri, stage, tmp_path / "m", 0)
        assert as_dict(run_of(mlflow_uri, stage)["data"]["metrics"]) == {"system/memory_bytes": 2.5}


class TestRegistration:
    def test_a_version_has_its_run_tags_description_and_logged_model(
        self, mlflow_uri: str, stage: str, name: str, bundle: Path
    ) -> None:
        made = register(mlflow_uri, stage, name, bundle)
        found = registry.read_version(mlflow_uri, name, 1)
        assert (made.version, made.uri, made.is_reused) == (1, f"models:/{name}/1", False)
        assert (found.run_id, found.description, found.model_id) == (stage, "text for people", made.model_id)
        assert found.tags["gptmodel.flow"] == "f"

    def test_a_models_own_description_is_written_once_and_what_a_person_wrote_stays(
        self, mlflow_uri: str, name: str, bundle: Path, stage: str
    ) -> None:
        def about(text: str, fingerprint: str) -> str:
            tracking.register_version(
                mlflow_uri, run_id=stage, name=name, bundle_folder=bundle, tags={FINGERPRINT_TAG: fingerprint},
                description="d", metrics={}, datasets=[], input_example=["x"], about=text,
            )  # fmt: skip
            return str(get(mlflow_uri, "registered-models/get", name=name)["registered_model"].get("description"))

        assert about("", "f1") in ("", "None")
        assert about("first", "f1") == "first"
        assert about("second", "f1") == "first"

    def test_nothing_in_a_registered_model_is_pickled(
        self, mlflow_server: RunningServer, made: registry.Registration
    ) -> None:
        (folder,) = mlflow_server.folder.glob(f"artifacts/*/models/{made.model_id}/artifacts")
        suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
        assert suffixes <= {"", ".py", ".json", ".yaml", ".txt", ".safetensors"}
        assert (folder / "code" / "gptmodel" / "bundle.py").is_file()

    def test_the_signature_has_the_sampling_parameters(
        self, mlflow_server: RunningServer, made: registry.Registration
    ) -> None:
        (mlmodel,) = mlflow_server.folder.glob(f"artifacts/*/models/{made.model_id}/artifacts/MLmodel")
        text = " ".join(mlmodel.read_text().split())
        assert [f'"{key}"' in text for key in ("max_new_tokens", "temperature", "top_k", "top_p", "seed")] == [True] * 5

    def test_the_figures_of_a_logged_model_name_the_data_set_they_were_measured_on(
        self, mlflow_uri: str, made: registry.Registration
    ) -> None:
        model = get(mlflow_uri, f"logged-models/{made.model_id}")["model"]
        assert model["info"]["status"] == "LOGGED_MODEL_READY"
        (figure,) = model["data"]["metrics"]
        assert (figure["key"], figure["value"], figure["dataset_digest"]) == ("bits_per_byte", 1.7, TEST.digest[:36])

    def test_the_same_output_is_registered_once(self, mlflow_uri: str, stage: str, name: str, bundle: Path) -> None:
        first = register(mlflow_uri, stage, name, bundle)
        again = register(mlflow_uri, stage, name, bundle)
        assert (again.version, again.model_id, again.is_reused) == (first.version, first.model_id, True)

    @pytest.mark.parametrize("is_decided", [False, True])
    def test_a_reused_version_tells_the_later_account_and_keeps_its_decision(
        self, mlflow_uri: str, stage: str, name: str, bundle: Path, is_decided: bool
    ) -> None:
        def account(leak_test: str, text: str, **more: str) -> registry.Registration:
            return tracking.register_version(
                mlflow_uri, run_id=stage, name=name, bundle_folder=bundle,
                tags={FINGERPRINT_TAG: "f1", "gptmodel.leak_test": leak_test, **more},
                description=f"**Decision:** not compared\n\n{text}", metrics={}, datasets=[], input_example=["x"],
            )  # fmt: skip

        account("passed", "the earlier text")
        if is_decided:
            registry.promote_version(mlflow_uri, name, 1, YES)
        assert account("no", "the later text", corpus="c2").is_reused
        found = registry.read_version(mlflow_uri, name, 1)
        line = "**Decision:** first version (test split)" if is_decided else "**Decision:** not compared"
        assert found.description == f"{line}\n\nthe later text"
        assert (found.tags["gptmodel.leak_test"], found.tags["corpus"]) == ("no", "c2")
        assert found.tags.get("gptmodel.decision") == ("promoted" if is_decided else None)

    def test_another_output_gets_the_next_version(self, mlflow_uri: str, stage: str, name: str, bundle: Path) -> None:
        register(mlflow_uri, stage, name, bundle)
        assert register(mlflow_uri, stage, name, bundle, fingerprint="f2").version == 2

    def test_a_changed_file_is_not_registered(self, mlflow_uri: str, stage: str, name: str, bundle: Path) -> None:
        (bundle / "config.json").write_text("[]")
        with pytest.raises(RegistryError, match=r"config\.json was changed"):
            register(mlflow_uri, stage, name, bundle)
        assert not registry.version_exists(mlflow_uri, name, 1)

    def test_registering_leaves_nothing_in_the_working_directory_and_says_nothing(
        self, mlflow_uri: str, bundle: Path, tmp_path: Path, name: str
    ) -> None:
        code = (
            "import pathlib, sys\nfrom gptmodel import tracking as t\n"
            f"run = t.open_pipeline_run({mlflow_uri!r}, experiment='tests', name='x', tags={{}}, params={{}})\n"
            f"t.register_version({mlflow_uri!r}, run_id=run, name={name!r},"
            f" bundle_folder=pathlib.Path({str(bundle)!r}), tags={{}},"
            " description='d', metrics={}, datasets=[], input_example=['x'])\n"
            f"t.close_run({mlflow_uri!r}, run, 'FINISHED')\n"
        )
        (tmp_path / "cwd").mkdir()
        env = {**os.environ, "PYTHONPATH": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path / "cwd", env=env, capture_output=True, text=True, timeout=240
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert list((tmp_path / "cwd").iterdir()) == []


class TestPromotion:
    def test_there_is_no_champion_before_a_promotion(
        self, mlflow_uri: str, stage: str, name: str, bundle: Path
    ) -> None:
        assert registry.champion_of(mlflow_uri, name) is None
        register(mlflow_uri, stage, name, bundle)
        assert registry.champion_of(mlflow_uri, name) is None

    def test_the_promoted_version_is_champion_and_says_why(
        self, mlflow_uri: str, stage: str, name: str, bundle: Path
    ) -> None:
        register(mlflow_uri, stage, name, bundle)
        registry.promote_version(mlflow_uri, name, 1, YES)
        champion = registry.champion_of(mlflow_uri, name)
        assert champion is not None
        assert (champion.version, champion.tags["gptmodel.decision"]) == (1, "promoted")
        assert champion.description == "**Decision:** first version (test split)\n\ntext for people"

    def test_a_challenger_that_is_promoted_later_bears_one_alias(
        self, mlflow_uri: str, stage: str, name: str, bundle: Path
    ) -> None:
        register(mlflow_uri, stage, name, bundle)
        registry.mark_challenger(mlflow_uri, name, 1, Decision(passed=False, reason="not better"))
        assert registry.champion_of(mlflow_uri, name) is None
        registry.promote_version(mlflow_uri, name, 1, YES)
        assert get(mlflow_uri, "model-versions/get", name=name, version="1")["model_version"]["aliases"] == ["champion"]

    def test_withdrawn_aliases_leave_the_version_and_no_other(
        self, mlflow_uri: str, stage: str, name: str, bundle: Path
    ) -> None:
        for number, fingerprint in enumerate(("f1", "f2"), start=1):
            register(mlflow_uri, stage, name, bundle, fingerprint)
            registry.promote_version(mlflow_uri, name, number, YES)
        registry.mark_challenger(mlflow_uri, name, 1, Decision(passed=False, reason="not better"))
        registry.withdraw_aliases(mlflow_uri, name, 1)
        champion = registry.champion_of(mlflow_uri, name)
        assert champion is not None
        assert champion.version == 2
        assert registry.find_version_by_alias(mlflow_uri, name, registry.CHALLENGER) is None
        registry.withdraw_aliases(mlflow_uri, name, 2)
        registry.withdraw_aliases(mlflow_uri, name, 2)
        assert registry.champion_of(mlflow_uri, name) is None

    def test_a_retired_version_bears_no_alias_and_says_why(
        self, mlflow_uri: str, stage: str, name: str, bundle: Path
    ) -> None:
        register(mlflow_uri, stage, name, bundle)
        registry.promote_version(mlflow_uri, name, 1, YES)
        registry.retire_version(mlflow_uri, name, 1, "R-7", "R-7 (a1b2)")
        assert registry.champion_of(mlflow_uri, name) is None
        version = registry.read_version(mlflow_uri, name, 1)
        assert version.tags[registry.RETIRED_TAG] == "R-7 (a1b2)"
        assert version.description.startswith("**Decision:** retired: it saw documents that erasure request R-7")
        registry.lift_retirement(mlflow_uri, name, 1)
        assert registry.RETIRED_TAG not in registry.read_version(mlflow_uri, name, 1).tags

    def test_a_version_that_does_not_exist_can_not_be_promoted(self, mlflow_uri: str, name: str) -> None:
        with pytest.raises(RegistryError, match=f"models:/{name}/9"):
            registry.promote_version(mlflow_uri, name, 9, YES)


class TestDownloads:
    @pytest.mark.parametrize(
        "form", ["models:/shared@champion", "models:/shared/1", "runs:/{run}/model", "runs:/{run}"]
    )
    def test_every_form_of_uri_gives_the_verified_folder(
        self, mlflow_uri: str, made: registry.Registration, tmp_path: Path, form: str
    ) -> None:
        version = registry.read_version(mlflow_uri, "shared", 1)
        folder = downloads.resolve_model(mlflow_uri, form.format(run=version.run_id), tmp_path / "cache")
        assert verify_bundle(folder).digest == version.tags[registry.BUNDLE_TAG]
        assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name]

    def test_a_damaged_download_is_fetched_again(
        self, mlflow_uri: str, made: registry.Registration, tmp_path: Path
    ) -> None:
        folder = downloads.resolve_model(mlflow_uri, made.uri, tmp_path / "cache")
        (folder / "config.json").write_text("[]")
        assert downloads.resolve_model(mlflow_uri, made.uri, tmp_path / "cache") == folder
        assert (folder / "config.json").read_text() == "{}"

    def test_a_file_changed_on_the_server_is_refused(
        self, mlflow_uri: str, mlflow_server: RunningServer, stage: str, name: str, bundle: Path, tmp_path: Path
    ) -> None:
        made = register(mlflow_uri, stage, name, bundle)
        (file,) = mlflow_server.folder.glob(f"artifacts/*/models/{made.model_id}/artifacts/artifacts/model/config.json")
        file.write_text("[]")
        with pytest.raises(RegistryError, match=r"config\.json was changed"):
            downloads.resolve_model(mlflow_uri, made.uri, tmp_path / "cache")
        assert list((tmp_path / "cache").iterdir()) == []

    def test_files_and_digests_changed_together_are_refused_by_the_versions_tag(
        self, mlflow_uri: str, mlflow_server: RunningServer, stage: str, name: str, bundle: Path, tmp_path: Path
    ) -> None:
        made = register(mlflow_uri, stage, name, bundle)
        (folder,) = mlflow_server.folder.glob(f"artifacts/*/models/{made.model_id}/artifacts/artifacts/model")
        (folder / "config.json").write_text("[]")
        assemble_bundle(tmp_path / "forged", model_dir=folder, tokenizer_path=folder / "tokenizer.json")
        (folder / "digests.json").write_bytes((tmp_path / "forged" / "digests.json").read_bytes())
        with pytest.raises(RegistryError, match="changed the artifacts"):
            downloads.resolve_model(mlflow_uri, made.uri, tmp_path / "cache")

    @pytest.mark.parametrize(
        "model_uri",
        [
            "models:/nobody@champion",
            "models:/nobody/1",
            "models:/",
            "models:/gpt/latest",
            "runs:/1",
            f"runs:/{'0' * 32}/m",
        ],
    )
    def test_a_uri_that_names_nothing_is_explained(self, mlflow_uri: str, tmp_path: Path, model_uri: str) -> None:
        with pytest.raises(RegistryError, match="gptmodel status"):
            downloads.resolve_model(mlflow_uri, model_uri, tmp_path)

    def test_a_folder_needs_no_server(self, bundle: Path, tmp_path: Path) -> None:
        assert downloads.resolve_model("http://127.0.0.1:9", str(bundle), tmp_path) == bundle

    def test_a_folder_that_is_not_there_is_explained(self, tmp_path: Path) -> None:
        with pytest.raises(RegistryError, match="does not exist"):
            downloads.resolve_model("http://127.0.0.1:9", str(tmp_path / "nowhere"), tmp_path)


class TestLeftOpen:
    @pytest.fixture
    def flow(self) -> str:
        return uuid.uuid4().hex

    def opened(self, uri: str, flow: str) -> tuple[str, str]:
        tags = {FLOW_RUN_TAG: flow}
        parent = tracking.open_pipeline_run(uri, experiment="tests", name="run", tags=tags, params={})
        child = tracking.open_stage_run(uri, parent_run_id=parent, stage="train", tags=tags, params={}, start_ms=1000)
        return parent, child

    def ends(self, uri: str, run_ids: tuple[str, ...]) -> list[str]:
        return [run_of(uri, run_id)["info"]["status"] for run_id in run_ids]

    def test_all_open_runs_of_a_flow_run_are_closed_and_no_others(
        self, mlflow_uri: str, flow: str, parent: str
    ) -> None:
        runs = self.opened(mlflow_uri, flow)
        assert close_open_runs(mlflow_uri, "tests", flow) == 2
        assert self.ends(mlflow_uri, (*runs, parent)) == ["KILLED", "KILLED", "RUNNING"]

    def test_what_is_known_of_an_end_is_told(self, mlflow_uri: str, flow: str) -> None:
        runs = self.opened(mlflow_uri, flow)
        assert close_open_runs(mlflow_uri, "tests", flow, {runs[1]: End("FINISHED", 5000)}) == 2
        assert self.ends(mlflow_uri, runs) == ["KILLED", "FINISHED"]
        info = run_of(mlflow_uri, runs[1])["info"]
        assert (info["start_time"], info["end_time"]) == (1000, 5000)

    def test_ended_runs_keep_their_status(self, mlflow_uri: str, flow: str) -> None:
        runs = self.opened(mlflow_uri, flow)
        for run_id in runs:
            tracking.close_run(mlflow_uri, run_id, "FINISHED")
        assert close_open_runs(mlflow_uri, "tests", flow) == 0
        assert self.ends(mlflow_uri, runs) == ["FINISHED", "FINISHED"]

    def test_a_logged_model_whose_files_never_all_arrived_has_failed(self, mlflow_uri: str, flow: str) -> None:
        parent, _ = self.opened(mlflow_uri, flow)
        body = {"experiment_id": run_of(mlflow_uri, parent)["info"]["experiment_id"], "source_run_id": parent,
                "name": "model", "tags": [{"key": FLOW_RUN_TAG, "value": flow}]}  # fmt: skip
        made = httpx.post(f"{mlflow_uri}/api/2.0/mlflow/logged-models", json=body, timeout=30).json()["model"]["info"]
        assert made["status"] == "LOGGED_MODEL_PENDING"
        close_open_runs(mlflow_uri, "tests", flow)
        left = get(mlflow_uri, f"logged-models/{made['model_id']}")["model"]["info"]
        assert left["status"] == "LOGGED_MODEL_UPLOAD_FAILED"

    def test_an_experiment_the_server_does_not_know_has_none(self, mlflow_uri: str, flow: str) -> None:
        assert close_open_runs(mlflow_uri, uuid.uuid4().hex, flow) == 0


class TestServerAway:
    @pytest.fixture
    def closed(self) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{probe.getsockname()[1]}"

    def test_a_closed_port_is_reported_with_the_mend(self, closed: str) -> None:
        with pytest.raises(ServerError, match="gptmodel up"):
            registry.champion_of(closed, "gpt")

    def test_opening_a_run_on_a_closed_port_is_reported_without_importing_mlflow(self, closed: str) -> None:
        with pytest.raises(ServerError, match="gptmodel up"):
            tracking.open_pipeline_run(closed, experiment="e", name="n", tags={}, params={})

    def test_a_delivery_without_server_leaves_the_spool_as_it_was(self, closed: str, tmp_path: Path) -> None:
        (tmp_path / "m").write_text('{"time": 1, "step": 0, "key": "a", "value": 1}\n')
        with pytest.raises(ServerError):
            tracking.deliver_metrics(closed, "0" * 32, tmp_path / "m", 0)

    @pytest.mark.timeout(60)  # MLflow's own client would wait for minutes
    def test_a_server_that_hangs_is_reported(self) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            with pytest.raises(ServerError, match="gptmodel up"):
                tracking.close_run(f"http://127.0.0.1:{silent.getsockname()[1]}", "0" * 32, "FINISHED")


def test_asking_the_registry_imports_neither_mlflow_nor_torch(mlflow_uri: str) -> None:
    code = (
        "import sys; from gptmodel import downloads, registry, tracking\n"
        f"registry.champion_of({mlflow_uri!r}, 'nobody')\n"
        "print([m for m in ('mlflow', 'torch', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=True)
    assert done.stdout.strip() == "[]"
