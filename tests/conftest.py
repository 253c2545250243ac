"""What every test shares: a reproducible hypothesis profile and an environment that reaches nobody's servers."""

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

SERVER_PREFIXES = ("PREFECT_", "MLFLOW_", "GPTMODEL_")
KEPT_VARIABLES = {"GPTMODEL_TEST_CORPORA", "GPTMODEL_SCREENSHOTS", "GPTMODEL_KILL_ROUNDS"}

settings.register_profile(
    "gptmodel",
    derandomize=True,  # a red test stays red when it is run again
    deadline=None,  # the machine may be busy
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    database=None,
)
settings.load_profile("gptmodel")


def leave_the_users_servers_alone() -> None:
    """Forget every address and setting of the caller's own servers, then keep the libraries quiet and offline."""
    for name in list(os.environ):
        if name.startswith(SERVER_PREFIXES) and name not in KEPT_VARIABLES:
            del os.environ[name]
    os.environ["PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW"] = "ignore"
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ["HF_HUB_OFFLINE"] = "1"
    # As the command has it: the threads of two workers of the suite would keep each other from their cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def keep_compiled_modules() -> None:
    """Let Python keep what it compiles: else each of the commands that the tests start compiles a thousand modules."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


# Before any test module imports prefect or mlflow: both read the environment at import.
leave_the_users_servers_alone()
keep_compiled_modules()


@pytest.fixture(autouse=True, scope="session")
def _home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Point the home at a folder that does not exist yet, so that no test writes into the checkout's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GPTMODEL_HOME", str(tmp_path_factory.getbasetemp() / "home"))
        yield


@pytest.fixture(scope="session")
def test_corpora() -> str:
    """Folder of larger real texts, for the tests that want them."""
    folder = os.environ.get("GPTMODEL_TEST_CORPORA", "")
    if not os.path.isdir(folder):
        pytest.skip("GPTMODEL_TEST_CORPORA names no folder")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need an accelerator where there is none."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs an accelerator"))
