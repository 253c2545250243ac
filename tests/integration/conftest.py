"""Real services for the integration tests, started once a session."""

from collections.abc import Iterator

import pytest

from tests.integration.servers import RunningServer, start_mlflow


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A real `mlflow server` on SQLite, shared by the session: tests use names of their own."""
    server = start_mlflow(tmp_path_factory.mktemp("mlflow"))
    yield server
    server.stop()


@pytest.fixture
def mlflow_uri(mlflow_server: RunningServer) -> str:
    """Address of the session's tracking server."""
    return mlflow_server.uri
