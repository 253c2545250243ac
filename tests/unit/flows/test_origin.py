"""From a model's URI to its folder."""

from pathlib import Path

import pytest

from flows import origin
from flows.home import Home, open_home
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
