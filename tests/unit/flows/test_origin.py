"""From a model's URI to its folder."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import cli, origin
from flows.home import Home, open_home
from gptmodel.bundle import assemble_bundle
from gptmodel.errors import RegistryError, ServerError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    # What fetching puts into the environment goes again with the test.
    monkeypatch.setattr(origin.os, "environ", {"GPTMODEL_HOME": str(tmp_path / "home")})
    return open_home()


@pytest.mark.parametrize("model", ["models:/gpt@champion", "models:/gpt/3", f"runs:/{'0' * 32}/model"])
def test_a_registered_model_without_a_running_server_is_told_by_the_server(home: Home, model: str) -> None:
    with pytest.raises(ServerError, match="the MLflow server at .* to answer.*gptmodel up"):
        origin.fetch_model(home, model)


def test_a_folder_needs_no_server(home: Home, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="does not exist"):
        origin.fetch_model(home, str(tmp_path / "nowhere"))


@pytest.mark.parametrize("command", [["generate", "--prompt", "x"], ["evaluate"], ["audit"]])
def test_no_command_lets_a_changed_model_speak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    assemble_bundle(tmp_path / "model", model_dir=tmp_path, tokenizer_path=tmp_path / "tokenizer.json")
    (tmp_path / "model" / "config.json").write_text("[]")
    ended = CliRunner().invoke(cli.app, [*command, "--model", str(tmp_path / "model"), "--json"])
    assert ended.exit_code == 1
    assert "config.json was changed" in ended.output
