"""`gptmodel status`: whose champions it shows, and what it says where it can't know."""

from pathlib import Path

import pytest

from flows import health, stack
from flows.home import Home, open_home
from gptmodel import registry
from gptmodel.errors import ServerError
from gptmodel.mlflow_http import server_away
from gptmodel.registry import Version


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return open_home()


def champion(name: str, number: int) -> Version:
    return Version(name=name, version=number, model_id=None, run_id=None, tags={}, description="")


def running(monkeypatch: pytest.MonkeyPatch, champions: dict[str, Version | None] | ServerError) -> None:
    """Let MLflow run and answer so."""

    def read(uri: str) -> dict[str, Version | None]:
        if isinstance(champions, ServerError):
            raise champions
        return champions

    monkeypatch.setattr(stack, "is_running", lambda home, name: name == "mlflow")
    monkeypatch.setattr(registry, "read_champions", read)


def champion_lines(found: health.Health) -> list[str]:
    return [line.removeprefix("champion").strip() for line in found.lines if line.startswith("champion")]


def test_the_champion_of_every_registered_model_is_shown(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    running(monkeypatch, {"gpt": champion("gpt", 2), "house": champion("house", 1), "trial": None})
    found = health.check(home)
    assert champion_lines(found) == ["models:/gpt/2", "models:/house/1", "none of the name trial"]
    assert found.record["champions"] == {"gpt": "models:/gpt/2", "house": "models:/house/1", "trial": None}
    assert found.record["champion"] == "models:/gpt/2"


def test_the_only_champion_is_the_champion_whatever_its_name(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    running(monkeypatch, {"house": champion("house", 1), "trial": None})
    assert health.check(home).record["champion"] == "models:/house/1"


def test_of_several_champions_of_other_names_none_is_the_champion(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    running(monkeypatch, {"a": champion("a", 1), "b": champion("b", 1)})
    assert health.check(home).record["champion"] is None


def test_an_empty_registry_has_no_champion(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    running(monkeypatch, {})
    found = health.check(home)
    assert champion_lines(found) == ["none; train one: gptmodel run"]
    assert found.record["champions"] == {}


def test_without_mlflow_the_champion_is_not_known(home: Home) -> None:
    found = health.check(home)
    assert champion_lines(found) == ["unknown: MLflow is not running"]
    assert (found.record["champion"], found.record["champions"]) == (None, None)


def test_with_an_mlflow_that_does_not_answer_the_champion_is_not_known(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(monkeypatch, server_away("http://h", "no answer"))
    assert champion_lines(health.check(home)) == ["unknown: MLflow does not answer as it should"]
