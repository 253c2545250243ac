"""A tracking server somewhere else: it asks for a password, and it breaks off."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptmodel import downloads, registry, tracking
from gptmodel.bundle import assemble_bundle, verify_bundle
from gptmodel.decision import Decision
from gptmodel.errors import GPTModelError, ServerError
from gptmodel.registry import FINGERPRINT_TAG
from gptmodel.tracking import DatasetRef, client
from tests.integration.flaky import Flaky, flaky_proxy
from tests.integration.servers import RunningServer, start_mlflow

USER, PASSWORD = "admin", "n0t-a-real-password-42"  # pragma: allowlist secret
YES = Decision(passed=True, reason="first version", scope="test split")
TEST = DatasetRef(name="tokens-test", digest="b2" * 32, source="file:///store/pack", num_rows=40, context="test")


@pytest.fixture
def name() -> str:
    return f"gpt-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A model folder with random weights."""
    folder = tmp_path / "trained"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(os.urandom(300_000))
    for file in ("config.json", "tokenizer.json"):
        (folder / file).write_text("{}")
    assemble_bundle(tmp_path / "bundle", model_dir=folder, tokenizer_path=folder / "tokenizer.json")
    return tmp_path / "bundle"


def register(uri: str, name: str, bundle: Path) -> registry.Registration:
    run_id = tracking.open_pipeline_run(uri, experiment="tests", name=name, tags={"a": "b"}, params={"x": 1})
    made = tracking.register_version(
        uri, run_id=run_id, name=name, bundle_folder=bundle, tags={FINGERPRINT_TAG: "f"}, description="text",
        metrics={"tokens-test": {"loss": 1.0}}, datasets=[TEST], input_example=["x"], about="about",
    )  # fmt: skip
    tracking.close_run(uri, run_id, "FINISHED")
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A tracking server that lets in by user and password."""
    pytest.importorskip("flask_wtf", reason="needs mlflow[auth]")
    folder = tmp_path_factory.mktemp("auth")
    (folder / "auth.ini").write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/auth.db\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        "auth_cache_ttl_seconds = 600\n"  # else each request costs a slow hash
    )
    environment = {
        "MLFLOW_FLASK_SERVER_SECRET_KEY": uuid.uuid4().hex,
        "MLFLOW_AUTH_ADMIN_USERNAME": USER,
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
    }
    server = start_mlflow(folder, "--app-name", "basic-auth", environment=environment)
    yield server
    server.stop()


class TestPassword:
    @pytest.fixture
    def let_in(self, server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", USER)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
        return server.uri

    def test_a_version_is_registered_promoted_and_fetched_and_the_password_is_kept_nowhere(
        self, let_in: str, server: RunningServer, name: str, bundle: Path, tmp_path: Path
    ) -> None:
        made = register(let_in, name, bundle)
        registry.promote_version(let_in, name, made.version, YES)
        champion = registry.champion_of(let_in, name)
        assert champion is not None
        assert (champion.version, champion.tags["gptmodel.decision"]) == (1, "promoted")
        folder = downloads.resolve_model(let_in, f"models:/{name}@champion", tmp_path / "cache")
        assert verify_bundle(folder).digest == verify_bundle(bundle).digest
        kept = [path for path in (*server.folder.rglob("*"), *folder.rglob("*")) if path.is_file()]
        assert [path for path in kept if PASSWORD.encode() in path.read_bytes()] == []

    @pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("nobody", PASSWORD), ("", "")])
    def test_a_wrong_password_is_said_at_the_first_request_and_not_shown(
        self, server: RunningServer, monkeypatch: pytest.MonkeyPatch, user: str, password: str
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", user)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)
        for ask in (
            lambda: tracking.open_pipeline_run(server.uri, experiment="tests", name="n", tags={}, params={}),
            lambda: registry.champion_of(server.uri, "gpt"),
        ):
            with pytest.raises(ServerError, match="MLFLOW_TRACKING_PASSWORD") as raised:
                ask()
            assert type(raised.value) is ServerError  # not one that is away: it would be waited for
            assert PASSWORD not in str(raised.value)

    def test_the_links_name_neither_user_nor_password(self) -> None:
        uri = f"https://{USER}:{PASSWORD}@mlflow.example"
        links = (registry.version_page(uri, "gpt", 1), registry.run_page(uri, "1", "r", "report.html"))
        assert all(link.startswith("https://mlflow.example/#/") for link in links)


class TestBreakingOff:
    @pytest.fixture
    def flaky(self, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flaky]:
        """The session's server, behind a proxy that breaks off; MLflow's own client tries once."""
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        monkeypatch.setattr(client, "UPLOAD_PAUSES", (0.05, 0.05))
        with flaky_proxy(mlflow_uri) as flaky:
            yield flaky

    def test_a_file_that_broke_off_is_sent_again_whole(
        self, flaky: Flaky, mlflow_uri: str, name: str, bundle: Path, tmp_path: Path
    ) -> None:
        flaky.broken_uploads = {"model.safetensors": 2, "MLmodel": 1}
        made = register(flaky.uri, name, bundle)
        assert flaky.broken_uploads == {"model.safetensors": 0, "MLmodel": 0}
        folder = downloads.resolve_model(mlflow_uri, made.uri, tmp_path / "cache")
        assert verify_bundle(folder).digest == verify_bundle(bundle).digest

    def test_files_that_came_through_are_not_sent_again(self, flaky: Flaky, name: str, bundle: Path) -> None:
        flaky.broken_uploads = {"model.safetensors": 1}
        register(flaky.uri, name, bundle)
        sent = [request for request in flaky.seen if request.startswith("PUT ")]
        assert len(sent) - len(set(sent)) == 1

    def test_a_lost_answer_makes_no_second_version(self, flaky: Flaky, name: str, bundle: Path) -> None:
        flaky.lost_answers = {"model-versions/create": 1}
        made = register(flaky.uri, name, bundle)
        assert (made.version, made.is_reused) == (1, False)
        assert flaky.lost_answers == {"model-versions/create": 0}
        assert [version.version for version in registry.search_versions(flaky.uri, name, {FINGERPRINT_TAG: "f"})] == [1]

    def test_what_breaks_off_each_time_is_no_version_and_the_next_try_makes_one(
        self, flaky: Flaky, name: str, bundle: Path
    ) -> None:
        flaky.broken_uploads = {"model.safetensors": 3}
        with pytest.raises(GPTModelError, match="gptmodel up"):
            register(flaky.uri, name, bundle)
        assert not registry.version_exists(flaky.uri, name, 1)
        assert register(flaky.uri, name, bundle).version == 1
